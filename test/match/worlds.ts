import type { Settings } from '../../src/config/settings.ts';
import type { ObjectType } from '../../src/domain/objects.ts';
import { load } from '../config/failure.ts';
import type { World, WorldDecision, WorldLink, WorldPerson, WorldRecord } from './match-fixture.ts';
import type { Random } from './random.ts';
import { id18 } from './ids.ts';

const prefixes = { account: '001', contact: '003', lead: '00Q' } as const;
const objects = ['account', 'contact', 'lead'] as const;

/** Settings of matching: what is compared, in which order, with case or without. */
export function randomSettings(random: Random): Settings {
  const attributes = {
    people: { Loyalty__c: ['loyalty', 'card', 'userId', 'accountId'], Phone: ['phone', 'card', 'loyalty'], Email: ['emailAddress', 'userId'] },
    account: { Region__c: ['region', 'accountId', 'name'], Phone: ['phone', 'region'] },
  } as const;
  const lines = objects.flatMap((object) => {
    const fields = random.shuffled(Object.entries(object === 'account' ? attributes.account : attributes.people)).slice(0, random.below(4));
    return [
      `  ${object}:`,
      `    matchFieldOrder: ${random.pick(['any', 'any', 'ordered'])}`,
      `    onlyDesignatedMatchFields: ${random.chance(0.2)}`,
      `    matchFields: [${fields
        .map(([field, names]) => {
          const some = random.shuffled(names).slice(0, 1 + random.below(names.length));
          return `{ salesforce: ${field}, personalization: [${some.join(', ')}], ignoreCase: ${random.chance(0.3)} }`;
        })
        .join(', ')}]`,
    ];
  });
  // Besides the values that no world calls its own, one of some worlds.
  const ignored = random.chance(0.3) ? `ignoreValues: [n/a, none, "-", ${[0, 2, 5, 7, 11].map((number) => `c~${number}`).join(', ')}]\n` : '';
  return load(`${ignored}objects:\n${lines.join('\n')}\n`);
}

/** Spellings that are near to each other, and some that are equal though they look different. */
const stems = ['a', 'A', ' a', 'b', 'B ', 'a b', 'ab', 'é', 'e\u0301', 'ß', 'İ', 'Σ', 'c', 'c', 'c', 'd', '\u00a0d', 'x;y', 'x\\y'];
const emptyish = ['', ' ', '\t\u3000', 'n/a', ' N/A', 'None', '-'];

/**
 * One small world. All its values hold its number, so that many worlds of the same settings can lie side by side in one mirror and none knows of another:
 * a match over all of them must do with each what it would do alone.
 */
export function randomWorld(random: Random, number: number): World {
  const own = (value: string): string => (random.chance(0.1) ? `${value}~${number} ` : `${value}~${number}`);
  const hot = random.chance(0.25);
  const crowded = own('h').trim();
  const size = (most: number): number => (hot && random.chance(0.6) ? 10 + random.below(8) : random.below(most));
  const value = (): string => {
    if (random.chance(0.12)) return random.pick(emptyish);
    if (hot && random.chance(0.6)) return crowded;
    return own(random.pick(stems));
  };
  const crmId = (object: ObjectType, at: number): string => {
    const body = `${prefixes[object]}${['aB', 'Ab', 'xy', 'XY'][at % 4]}${String(number).padStart(6, '0')}${String(at).padStart(4, '0')}`;
    return id18(body, prefixes[object]) ?? body;
  };
  const spelled = (id: string): string => random.pick([id, id, id.slice(0, 15), ` ${id} `, id.toLowerCase(), `${id.slice(0, 17)}9`]);
  const values = (names: readonly string[], share: number): Record<string, string> =>
    Object.fromEntries(names.filter(() => random.chance(share)).map((name) => [name, value()]));
  const ids = { account: size(5), contact: size(9), lead: size(7) };
  const idsOf = (object: ObjectType): string[] => Array.from({ length: ids[object] + 1 }, (_, at) => crmId(object, at));
  const anyId = (object: ObjectType): string => random.pick(idsOf(object));

  const records = (object: ObjectType, names: readonly string[]): WorldRecord[] =>
    idsOf(object)
      .slice(0, -1)
      .map((id) => {
        const record = { id, values: values(names, hot ? 0.5 : 0.55) };
        if (!random.chance(0.15)) return record;
        if (object === 'account' && random.chance(0.3)) return { ...record, ineligible: 'personAccount' };
        if (object === 'lead' && random.chance(0.5))
          return { ...record, ineligible: 'converted', ...(random.chance(0.8) ? { convertedId: spelled(anyId('contact')) } : {}) };
        return { ...record, ineligible: 'deleted', ...(random.chance(0.7) ? { masterId: spelled(anyId(object)) } : {}) };
      });

  const persons = (
    count: number,
    kind: 'user' | 'account',
    names: readonly string[],
    idAttributes: Readonly<Record<string, ObjectType>>,
  ): WorldPerson[] => {
    const seen = new Set<string>();
    return Array.from({ length: count }, (_, at): WorldPerson => {
      const like = random.chance(0.4) ? `${random.pick(stems)}@~${number}` : `u${at}~${number}`;
      const id = seen.has(like) ? `u${at}~${number}` : like;
      seen.add(id);
      const named = Object.entries(idAttributes).filter(() => random.chance(0.25));
      return {
        id,
        values: { ...values(names, hot ? 0.5 : 0.55), ...Object.fromEntries(named.map(([name, object]) => [name, spelled(anyId(object))])) },
        ...(kind === 'user' && random.chance(0.3) ? { accountId: value() } : {}),
      };
    });
  };

  const world = {
    records: {
      account: records('account', ['Name', 'Region__c', 'Phone']),
      contact: records('contact', ['Email', 'Name', 'Loyalty__c', 'Phone']),
      lead: records('lead', ['Email', 'Name', 'Loyalty__c', 'Phone']),
    },
    persons: {
      user: persons(size(10), 'user', ['emailAddress', 'name', 'loyalty', 'card', 'phone'], { sfcrmContactId: 'contact', sfcrmLeadId: 'lead' }),
      account: persons(size(5), 'account', ['name', 'region', 'phone'], { sfcrmAccountId: 'account' }),
    },
  };
  // E-mail addresses that are user ids: the sub-tier would else seldom have any.
  for (const object of ['contact', 'lead'] as const)
    for (const record of world.records[object]) {
      const user = world.persons.user.length === 0 ? undefined : random.pick(world.persons.user);
      if (user !== undefined && random.chance(0.2)) Object.assign(record.values, { Email: user.id });
    }
  return {
    ...world,
    decisions: objects.flatMap((object) => randomDecisions(random, object, world)),
    links: objects.flatMap((object) => randomLinks(random, object, world)),
  };
}

type Sides = Pick<World, 'records' | 'persons'>;

/** Pins are one to one; blocks fall where they fall, in hot worlds many of them. */
function randomDecisions(random: Random, object: ObjectType, { records, persons }: Sides): WorldDecision[] {
  const people = persons[object === 'account' ? 'account' : 'user'];
  const own = records[object];
  if (people.length === 0 || own.length === 0) return [];
  const decisions: WorldDecision[] = [];
  const decide = (kind: WorldDecision['kind'], crmId: string, persId: string): void => void decisions.push({ kind, object, crmId, persId });
  for (let left = random.chance(0.5) ? random.below(own.length + people.length) : 0; left > 0; left--)
    decide(random.pick(['block', 'block', 'unlink', 'unblock']), random.pick(own).id, random.pick(people).id);
  // Somebody who blocked nearly everything leaves one line of a large group.
  if (random.chance(0.15)) {
    const { id } = random.pick(own);
    for (const person of people) if (random.chance(0.9)) decide('block', id, person.id);
  }
  if (random.chance(0.15)) {
    const { id } = random.pick(people);
    for (const record of own) if (random.chance(0.9)) decide('block', record.id, id);
  }
  const [left, right] = [random.shuffled(own), random.shuffled(people)];
  for (let at = random.chance(0.3) ? random.below(3) : 0; at > 0; at--) {
    const [record, person] = [left[at], right[at]];
    if (record === undefined || person === undefined) continue;
    decide('pin', record.id, person.id);
    if (random.chance(0.2)) decide(random.pick(['unpin', 'block']), record.id, person.id);
  }
  return decisions;
}

function randomLinks(random: Random, object: ObjectType, { records, persons }: Sides): WorldLink[] {
  if (random.chance(0.4)) return [];
  // Nobody has this id any more.
  const gone = random.chance(0.1) ? [`gone~${records[object][0]?.id ?? ''}`] : [];
  const people = random.shuffled([...persons[object === 'account' ? 'account' : 'user'].map(({ id }) => id), ...gone]);
  const made: readonly (readonly [string, string | null, string | null])[] =
    object === 'account'
      ? [
          ['pin', null, null],
          ['contacts', null, null],
          ['id', 'Id', 'sfcrmAccountId'],
          ['field', 'Region__c', 'region'],
          ['field', 'Phone', 'phone'],
          ['name', 'Name', 'name'],
        ]
      : [
          ['pin', null, null],
          ['id', 'Id', object === 'lead' ? 'sfcrmLeadId' : 'sfcrmContactId'],
          ['converted', 'Id', 'sfcrmLeadId'],
          ['field', 'Loyalty__c', 'loyalty'],
          ['field', 'Phone', 'phone'],
          ['field', 'Email', 'emailAddress'],
          ['email', 'Email', 'userId'],
          ['name', 'Name', 'name'],
        ];
  return random
    .shuffled(records[object])
    .slice(0, people.length)
    .filter(() => random.chance(0.35))
    .map(({ id }, at) => {
      const [subTier, crmField, attribute] = random.pick(made);
      return { object, crmId: id, persId: people[at] ?? '', subTier, crmField, attribute };
    });
}

/** Worlds side by side, rows in any order. */
export function sideBySide(random: Random, worlds: readonly World[]): World {
  const together = <T>(of: (world: World) => readonly T[]): T[] => random.shuffled(worlds.flatMap((world) => of(world)));
  return {
    records: { account: together((w) => w.records.account), contact: together((w) => w.records.contact), lead: together((w) => w.records.lead) },
    persons: { user: together((w) => w.persons.user), account: together((w) => w.persons.account) },
    decisions: worlds.flatMap((world) => world.decisions),
    links: together((w) => w.links),
  };
}
