import { mkdtempSync, writeFileSync } from 'node:fs';
import { rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { importFeeds } from '../../src/personalization/feeds.ts';
import { pickOne } from './place.ts';
import type { Edit, Place } from './place.ts';
import { accountAttributes, userAttributes } from './sides.ts';
import { accountCells, accountValue, csv, userCells, userValue } from './start.ts';
import { valuesOf } from './values.ts';

async function imported({ world }: Place, kind: 'user' | 'account', header: readonly string[], rows: readonly (readonly string[])[]): Promise<void> {
  const directory = mkdtempSync(path.join(tmpdir(), 'crm-sync-feed-'));
  const file = path.join(directory, `${kind}-1.csv`);
  writeFileSync(file, csv(header, rows));
  await importFeeds(world.store, [file], ({ problem }) => {
    throw new Error(`a feed of the test has a bad row: ${problem}`);
  });
  await rm(directory, { recursive: true });
}

const userHeader = ['userId', 'attribute:accountId', ...userAttributes.map((name) => `attribute:${name}`)];
const accountHeader = ['accountId', ...accountAttributes.map((name) => `attribute:${name}`)];

const newPerson: Edit = async (place) => {
  const { random } = place;
  if (random.chance(0.7)) await imported(place, 'user', userHeader, [userCells(random)]);
  else await imported(place, 'account', accountHeader, [accountCells(random, `acc-${random.below(40)}`)]);
  return true;
};

const changePerson: Edit = async (place) => {
  const { random, sides } = place;
  const isUser = random.chance(0.75);
  const person = pickOne(place, isUser ? sides.persons.user : sides.persons.account);
  if (person === undefined) return false;
  const names = (isUser ? userAttributes : accountAttributes).filter(() => random.chance(0.15));
  const cells = names.map((name) => (isUser ? userValue(random, name) : accountValue(random, name)));
  await imported(
    place,
    isUser ? 'user' : 'account',
    [isUser ? 'userId' : 'accountId', ...names.map((name) => `attribute:${name}`)],
    [[person.id, ...cells]],
  );
  return true;
};

const renamePerson: Edit = async (place) => {
  const { random, sides } = place;
  const kind = random.chance(0.7) ? 'user' : 'account';
  const name = kind === 'account' ? valuesOf(random).company() : valuesOf(random).name();
  const person = pickOne(place, sides.persons[kind]);
  if (person === undefined || name.trim() === '') return false;
  await imported(place, kind, [kind === 'account' ? 'accountId' : 'userId', 'attribute:name'], [[person.id, name]]);
  return true;
};

const personGone: Edit = async (place) => {
  const { random, sides, world } = place;
  const kind = random.chance(0.75) ? 'user' : 'account';
  const person = pickOne(place, sides.persons[kind]);
  if (person === undefined) return false;
  await world.store.deletePersons(kind, [person.id]);
  // Some are made anew at once, others on a later night by `newPerson`.
  if (random.chance(0.3)) {
    if (kind === 'user') await imported(place, kind, userHeader, [userCells(random, person.id)]);
    else await imported(place, kind, accountHeader, [accountCells(random, person.id)]);
  }
  return true;
};

/** What comes into the store and leaves it, with how often each is drawn. */
export const personEdits: readonly (readonly [name: string, weight: number, edit: Edit])[] = [
  ['newPerson', 2, newPerson],
  ['changePerson', 4, changePerson],
  ['renamePerson', 1.5, renamePerson],
  ['personGone', 1, personGone],
];
