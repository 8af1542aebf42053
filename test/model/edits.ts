import { mkdtempSync, writeFileSync } from 'node:fs';
import { rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { objectFacts, objectTypes } from '../../src/domain/objects.ts';
import type { ObjectType } from '../../src/domain/objects.ts';
import { importFeeds } from '../../src/personalization/feeds.ts';
import { orgOf } from '../identity/org.ts';
import type { Org } from '../identity/org.ts';
import type { Random } from '../match/random.ts';
import { accountAttributes, personField, readSides, userAttributes } from './sides.ts';
import type { SideRecord, Sides, TwoSides } from './sides.ts';
import { accountCells, accountValue, csv, userCells, userValue } from './start.ts';
import { valuesOf } from './values.ts';

/** One thing that somebody does to either side, by its public interface; false where there is nothing to do it to. */
type Edit = (place: Place) => Promise<boolean>;

interface Place {
  readonly random: Random;
  readonly world: TwoSides;
  readonly org: Org;
  readonly sides: Sides;
}

type Fields = Record<string, string | boolean | null>;

const isLive = ({ ineligible }: SideRecord): boolean => ineligible !== 'deleted' && ineligible !== 'converted';
const live = ({ sides }: Place, object: ObjectType): SideRecord[] => sides.records[object].filter(isLive);
const pickOne = <T>({ random }: Place, from: readonly T[]): T | undefined => (from.length === 0 ? undefined : random.pick(from));

/** New values of some of a record's fields; names as a business record has them. */
function someFields({ random }: Place, object: ObjectType, share: number): Fields {
  const values = valuesOf(random);
  const orBlank = (value: string): string | null => (random.chance(0.2) || value.trim() === '' ? null : value);
  const people: Record<string, () => string | null> = {
    LastName: () => values.name().trim() || 'Somebody',
    Email: () => (random.chance(0.2) ? null : `p${random.below(34)}@x.example`),
    Phone: () => orBlank(values.phone()),
    Loyalty__c: () => orBlank(values.loyalty()),
    Title: () => orBlank(values.title()),
    Note__c: () => orBlank('somebody wrote this'),
  };
  const makers: Record<string, () => string | null> =
    object === 'account'
      ? {
          Name: () => values.company().trim() || 'Company',
          Phone: () => orBlank(values.phone()),
          Region__c: () => orBlank(values.loyalty()),
          Site: () => orBlank(values.title()),
          Tier__c: () => orBlank('by hand'),
        }
      : object === 'lead'
        ? { ...people, Company: () => orBlank(values.company()) }
        : { ...people, Department: () => orBlank('Sales'), Alt__c: () => orBlank('Hand@x.example'), Birthdate: () => orBlank('1980-02-29') };
  const names = Object.keys(makers).filter(() => random.chance(share));
  return Object.fromEntries(names.map((name) => [name, makers[name]?.() ?? null]));
}

const change: Edit = async (place) => {
  const object = place.random.pick(objectTypes);
  const record = pickOne(place, live(place, object));
  const fields = someFields(place, object, 0.3);
  if (record === undefined || Object.keys(fields).length === 0) return false;
  if (!record.personAccount) {
    if (object === 'contact' && place.random.chance(0.2))
      fields['AccountId'] =
        pickOne(
          place,
          live(place, 'account').filter((a) => !a.personAccount),
        )?.id ?? null;
    await place.org.change(objectFacts[object].crmName, record.id, fields);
    return true;
  }
  if (object === 'account') {
    const { Name: _, ...rest } = fields;
    if (Object.keys(rest).length === 0) return false;
    await place.org.change('Account', record.id, rest);
    return true;
  }
  const named = Object.fromEntries(Object.entries(fields).map(([name, value]) => [personField(name), value]));
  await place.org.change('Account', record.accountId ?? '', named);
  return true;
};

/** Somebody else's name, often that of a counterpart: what matched by it drifts, what did not may match now. */
const rename: Edit = async (place) => {
  const { random, sides } = place;
  const object = random.pick(objectTypes);
  const isBusiness = object === 'account';
  const values = valuesOf(random);
  const name = isBusiness ? values.company() : values.name();
  if (name.trim() === '') return false;
  if (random.chance(0.5)) {
    const kind = objectFacts[object].personKind;
    const person = pickOne(place, sides.persons[kind]);
    if (person === undefined) return false;
    await imported(place, kind, [isBusiness ? 'accountId' : 'userId', 'attribute:name'], [[person.id, name]]);
    return true;
  }
  const record = pickOne(
    place,
    live(place, object).filter(({ personAccount }) => !personAccount),
  );
  if (record === undefined) return false;
  await place.org.change(objectFacts[object].crmName, record.id, isBusiness ? { Name: name } : { LastName: name });
  return true;
};

const create: Edit = async (place) => {
  const object = place.random.pick(objectTypes);
  const fields = { ...(object === 'account' ? { Name: 'New company' } : { LastName: 'Newcomer' }), ...someFields(place, object, 0.7) };
  const account =
    object === 'contact' && place.random.chance(0.5)
      ? pickOne(
          place,
          live(place, 'account').filter((a) => !a.personAccount),
        )
      : undefined;
  // Some come out of long transactions: stamped now, seen later.
  const late = place.random.chance(0.3);
  if (late) await settle(place.world, { commitDelaySeconds: 600 + place.random.below(1800) });
  await place.org.create(objectFacts[object].crmName, { ...fields, ...(account === undefined ? {} : { AccountId: account.id }) });
  if (late) await settle(place.world, { commitDelaySeconds: 0 });
  return true;
};

const remove: Edit = async (place) => {
  const object = place.random.pick(['account', 'contact', 'contact', 'contact', 'lead'] as const);
  const record = pickOne(
    place,
    live(place, object).filter((each) => object === 'account' || !each.personAccount),
  );
  if (record === undefined) return false;
  await place.org.remove(objectFacts[object].crmName, record.id);
  return true;
};

/** What lies in the recycle bin by itself, not because its account does. */
function binned(place: Place): SideRecord[] {
  const accounts = new Map(place.sides.records.account.map((account) => [account.id, account]));
  const alone = ({ accountId, personAccount }: SideRecord): boolean =>
    !personAccount && (accountId === undefined || accounts.get(accountId)?.ineligible === undefined);
  const { account, contact, lead } = place.sides.records;
  return [...account, ...contact.filter(alone), ...lead].filter(({ ineligible }) => ineligible === 'deleted');
}

const undelete: Edit = async (place) => {
  const record = pickOne(place, binned(place));
  if (record === undefined) return false;
  await place.org.undelete(record.id);
  return true;
};

const purge: Edit = async (place) => {
  const record = pickOne(place, binned(place));
  if (record === undefined) return false;
  await place.org.purge(record.id);
  return true;
};

const merge: Edit = async (place) => {
  const object = place.random.pick(['account', 'contact', 'contact', 'contact', 'lead'] as const);
  const person = object === 'account' && place.random.chance(0.3);
  const able = live(place, object).filter(({ personAccount }) => personAccount === person);
  const [master, ...losers] = place.random.shuffled(able);
  if (master === undefined || losers.length === 0) return false;
  const count = place.random.chance(0.25) ? 2 : 1;
  await place.org.merge(
    objectFacts[object].crmName,
    master.id,
    losers.slice(0, count).map(({ id }) => id),
  );
  return true;
};

const convert: Edit = async (place) => {
  const lead = pickOne(place, live(place, 'lead'));
  if (lead === undefined) return false;
  const accounts = new Set(live(place, 'account').map(({ id }) => id));
  const contact = pickOne(
    place,
    live(place, 'contact').filter(({ accountId }) => accountId !== undefined && accounts.has(accountId)),
  );
  const into = contact !== undefined && place.random.chance(0.6) ? { contactId: contact.id, accountId: contact.accountId ?? '' } : undefined;
  await place.org.convert(lead.id, into);
  return true;
};

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

const weighted: readonly (readonly [name: string, weight: number, edit: Edit])[] = [
  ['change', 6, change],
  ['rename', 2, rename],
  ['create', 3, create],
  ['remove', 2, remove],
  ['undelete', 2, undelete],
  ['purge', 0.5, purge],
  ['merge', 2, merge],
  ['convert', 1.5, convert],
  ['newPerson', 2, newPerson],
  ['changePerson', 4, changePerson],
  ['personGone', 1, personGone],
];

export type EditCounts = Record<string, number>;

/** So many random edits one after the other, each on what the ones before it left; counted by their names. `contactsWhere`: SOQL, of these contacts alone. */
export async function editBothSides(random: Random, world: TwoSides, count: number, counts: EditCounts, contactsWhere?: string): Promise<void> {
  const org = await orgOf(world);
  const all = weighted.reduce((sum, [, weight]) => sum + weight, 0);
  for (let left = count; left > 0; left--) {
    let place = random.next() * all;
    const [name, , edit] = weighted.find(([, weight]) => (place -= weight) < 0) ?? weighted[0] ?? raise();
    if (await edit({ random, world, org, sides: await readSides(world, contactsWhere) })) counts[name] = (counts[name] ?? 0) + 1;
  }
}

function raise(): never {
  throw new Error('there are no edits');
}

/** The simulator's settings, and what it does once, such as `advanceSeconds`. */
export async function settle({ simulator }: Pick<TwoSides, 'simulator'>, settings: object): Promise<void> {
  const answer = await fetch(`${simulator.url}/__simulator/settings`, { method: 'POST', body: JSON.stringify(settings) });
  if (!answer.ok) throw new Error(`the simulator refused its settings: ${await answer.text()}`);
}
