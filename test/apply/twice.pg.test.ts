import fc from 'fast-check';
import { expect, test } from 'vitest';
import { sql } from '../../src/postgres/sql.ts';
import { testDatabaseUrl } from '../services/database.ts';
import { nightWorld } from './night-world.ts';
import type { NightWorld } from './night-world.ts';

const url = await testDatabaseUrl();
const id = (n: number): string => `003${String(n).padStart(12, '0')}AAA`;

const value = fc.constantFrom(
  '',
  '',
  '7',
  '+7',
  '1e3',
  ' 8 ',
  'many',
  'true',
  'False',
  '2026-11-23',
  '2026-11-23T12:00:00+02:00',
  '2026-11-23T10:00:00.4Z',
  'Ann@X.example',
  'a  b',
  '#N/A',
  '🌞',
);
const person = fc.record({ n: value, b: value, t: value, m: value, s: value, title: value });
const held = fc.record({
  Num__c: fc.constantFrom('', '7', '-0.5'),
  Flag__c: fc.constantFrom('true', 'false'),
  At__c: fc.constantFrom('', '2026-11-23T10:00:00.000Z'),
  Mail__c: fc.constantFrom('', 'ann@x.example'),
  Text__c: fc.constantFrom('', 'a  b', '8'),
  Title: fc.constantFrom('', 'Boss', 'a  b'),
});
const rule = fc.constantFrom('', ', rule: fillBlank', ', onNull: clear');
const quoted = (cells: readonly string[]): string => cells.map((cell) => `"${cell}"`).join(',');

/** Everything that both sides hold. */
async function bothSides(world: NightWorld): Promise<unknown> {
  const users = await world.store.database.query(sql`select user_id, attributes from profile_user order by 1`);
  const contacts = world.simulator.org.store
    .sql('select "Id", "Title", "Num__c", "Flag__c", "At__c", "Mail__c", "Text__c" from "Contact" order by 1')
    .all();
  return { users: users.rows, contacts };
}

test('R25 whatever both sides hold, a second night writes nothing and leaves both as the first one did', async () => {
  await fc.assert(
    fc.asyncProperty(
      fc.array(fc.tuple(person, held), { minLength: 5, maxLength: 20 }),
      fc.tuple(rule, rule, rule, rule, rule, rule),
      async (pairs, rules) => {
        const world = await nightWorld(url, {
          'schema.json': JSON.stringify({ Contact: { Num__c: 'number', Flag__c: 'boolean', At__c: 'datetime', Mail__c: 'email', Text__c: 'text' } }),
          'Contact.csv': [
            'Id,LastName,Num__c,Flag__c,At__c,Mail__c,Text__c,Title',
            ...pairs.map(([, row], n) => quoted([id(n), 'L', ...Object.values(row)])),
          ].join('\n'),
          'user-1.csv': [
            `userId,attribute:sfcrmContactId,${['n', 'b', 't', 'm', 's', 'title'].map((name) => `attribute:${name}`).join(',')}`,
            ...pairs.map(([row], n) => quoted([`u${n}`, id(n), ...Object.values(row)])),
          ].join('\n'),
          'crm-sync.yaml': `objects:\n  contact:\n    pull: [{ from: Title, to: title${rules[5]} }]\n    push:\n${[
            ['n', 'Num__c'],
            ['b', 'Flag__c'],
            ['t', 'At__c'],
            ['m', 'Mail__c'],
            ['s', 'Text__c'],
          ]
            .map(([from, to], at) => `      - { from: ${from}, to: ${to}${rules[at]} }`)
            .join('\n')}\n`,
        });
        await world.night('one');
        const after = await bothSides(world);
        const writes = await world.updates('Contact');
        const second = await world.night('two');
        expect(second.split('\n').filter((line) => line.includes(',applied,'))).toEqual([]);
        expect(await bothSides(world)).toEqual(after);
        expect(await world.updates('Contact')).toEqual(writes);
      },
    ),
    { numRuns: 8 },
  );
});
