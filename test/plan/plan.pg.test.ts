import { expect, test } from 'vitest';
import { withhold } from '../../src/mirror/plan/withhold.ts';
import { planDigest } from '../../src/mirror/plan/digest.ts';
import { sql } from '../../src/postgres/sql.ts';
import { nightWorld } from '../apply/night-world.ts';
import type { NightWorld } from '../apply/night-world.ts';
import { testDatabaseUrl } from '../services/database.ts';

const url = await testDatabaseUrl();
const id = (n: number): string => `003000000000${String(n).padStart(3, '0')}AAA`;

interface Planned {
  readonly target: string;
  readonly id: string;
  readonly field: string;
  readonly before: string | null;
  readonly after: string | null;
  readonly outcome: string | null;
  readonly code: string | null;
}

async function planned(world: NightWorld, runNo: number): Promise<string[]> {
  const { rows } = await world.deps.database.query<Planned>(sql`
    select target_object as target, target_id as id, field, before, after, outcome, code from intent where run_no = ${runNo} order by side, target_object, target_id, field`);
  return rows.map((row) => [row.target, row.id, row.field, row.before, row.after, row.outcome, row.code].map((cell) => cell ?? '').join('|'));
}

async function plannedOf(files: Readonly<Record<string, string>>, parts = 1, prepare?: (world: NightWorld) => Promise<unknown>): Promise<string[]> {
  const world = await nightWorld(url, files);
  const run = await world.open('one');
  await world.fetch(run);
  await prepare?.(world);
  await world.plan(run, parts);
  return planned(world, run.runNo);
}

const contacts = (header: string, ...rows: string[]): string =>
  [`Id,LastName,${header}`, ...rows.map((row, at) => `${id(at + 1)},L${at + 1},${row}`)].join('\n');
const users = (header: string, ...rows: string[]): string =>
  [`userId,attribute:sfcrmContactId,${header}`, ...rows.map((row, at) => `u${at + 1},${id(at + 1)},${row}`)].join('\n');
const settings = (text: string): string => `objects:\n  contact:\n${text}`;

test('R24 pull into typed attributes: number, boolean, date and date-time by value; what cannot be read is rejected with its text', async () => {
  const texts = ['1.50,yes,2026-11-23,2026-11-23T10:00:00+02:00', 'x,TRUE,soon,soon', '1.5,true,2026-11-23T23:00:00-02:00,2026-11-23'];
  const fields = ['T1__c', 'T2__c', 'T3__c', 'T4__c'];
  const attributes = ['n', 'b', 'd', 't'];
  expect(
    await plannedOf({
      'schema.json': JSON.stringify({
        Contact: Object.fromEntries(fields.map((field) => [field, 'text'])),
        user: { n: 'number', b: 'boolean', d: 'date', t: 'dateTime' },
      }),
      'Contact.csv': contacts(fields.join(','), ...texts),
      'user-1.csv': users(
        attributes.map((name) => `attribute:${name}`).join(','),
        ...texts.map(() => '1.5,true,2026-11-23,2026-11-23T08:00:00.000Z'),
      ),
      'crm-sync.yaml': settings(`    pull: [${fields.map((field, at) => `{ from: ${field}, to: ${attributes[at]} }`).join(', ')}]`),
    }),
  ).toEqual([
    'user|u1|b|true|yes|rejected|NOT_A_BOOLEAN',
    'user|u2|d|2026-11-23|soon|rejected|NOT_A_DATE',
    'user|u2|n|1.5|x|rejected|NOT_A_NUMBER',
    'user|u2|t|2026-11-23T08:00:00.000Z|soon|rejected|NOT_A_DATE_TIME',
    'user|u3|d|2026-11-23|2026-11-24||',
    'user|u3|t|2026-11-23T08:00:00.000Z|2026-11-23T00:00:00.000Z||',
  ]);
});

test('R24 a whole number field takes whole numbers only; a checkbox that is to be cleared becomes false; blanks of white space are blanks', async () => {
  expect(
    await plannedOf({
      'schema.json': JSON.stringify({ Account: { Flag__c: 'boolean' } }),
      'Account.csv':
        'Id,Name,NumberOfEmployees,Flag__c,Site\n001000000000001AAA,A,5,true,s\n001000000000002AAA,B,5,false,s\n001000000000003AAA,C,5,true,\n001000000000004AAA,D,,true,s',
      'account-1.csv':
        'accountId,attribute:name,attribute:e,attribute:f,attribute:s\na1,A,7.0,,"  "\na2,B,7.5,,\na3,C,many,true,"  "\na4,D,1e1,true,s',
      'crm-sync.yaml':
        'objects:\n  account:\n    push: [{ from: e, to: NumberOfEmployees }, { from: f, to: Flag__c, onNull: clear }, { from: s, to: Site, onNull: clear }]',
    }),
  ).toEqual([
    'Account|001000000000001AAA|Flag__c|true|false||',
    'Account|001000000000001AAA|NumberOfEmployees|5|7||',
    'Account|001000000000001AAA|Site|s|||',
    'Account|001000000000002AAA|NumberOfEmployees|5|7.5|rejected|NOT_AN_INTEGER',
    'Account|001000000000002AAA|Site|s|||',
    'Account|001000000000003AAA|NumberOfEmployees|5|many|rejected|NOT_A_NUMBER',
    'Account|001000000000004AAA|NumberOfEmployees||10||',
  ]);
});

test('R24 the ids are sources: a contact id into an attribute, a user id into a field', async () => {
  expect(
    await plannedOf({
      'schema.json': JSON.stringify({ Contact: { User__c: 'text', Account__c: 'text' } }),
      'Contact.csv': contacts('User__c,Account__c', ',', ','),
      'user-1.csv': users('attribute:accountId,attribute:crmId', 'acme,', ','),
      'crm-sync.yaml': settings(
        '    pull: [{ from: Id, to: crmId }]\n    push: [{ from: userId, to: User__c }, { from: accountId, to: Account__c }]',
      ),
    }),
  ).toEqual([
    `user|u1|crmId||${id(1)}||`,
    `user|u2|crmId||${id(2)}||`,
    `Contact|${id(1)}|Account__c||acme||`,
    `Contact|${id(1)}|User__c||u1||`,
    `Contact|${id(2)}|User__c||u2||`,
  ]);
});

test('R22 a person account is written as the account, its fields by their names there; a field that it does not have is refused', async () => {
  expect(
    await plannedOf(
      {
        'schema.json': JSON.stringify({ Contact: { Score__c: 'number' } }),
        'Account.csv': 'Id,Name\n001000000000001AAA,A',
        'Contact.csv': contacts('AccountId,Title,Score__c,ReportsToId', '001000000000001AAA,,,', '001000000000001AAA,,,'),
        'user-1.csv': users('attribute:t,attribute:s,attribute:r', `Boss,7,${id(2)}`, 'Boss,7,'),
        'crm-sync.yaml': settings('    push: [{ from: t, to: Title }, { from: s, to: Score__c }, { from: r, to: ReportsToId }]'),
      },
      1,
      (world) => world.deps.database.query(sql`update crm_record set person_account = true where crm_id = ${id(1)}`),
    ),
  ).toEqual([
    'Account|001000000000001AAA|PersonTitle||Boss||',
    `Account|001000000000001AAA|ReportsToId||${id(2)}|rejected|NO_PERSON_ACCOUNT_FIELD`,
    'Account|001000000000001AAA|Score__pc||7||',
    `Contact|${id(2)}|Score__c||7||`,
    `Contact|${id(2)}|Title||Boss||`,
  ]);
});

test('limitWrites: all is planned, and all but the first linked pairs by id wait for a later run', async () => {
  const titles = ['a', 'b', 'c', 'd'];
  for (const [limit, withheld] of [
    [2, ['c', 'd']],
    [0, titles],
    [9, []],
  ] as const) {
    const world = await nightWorld(url, {
      'Contact.csv': contacts('Title', ...titles),
      'user-1.csv': users('attribute:title', '', '', '', ''),
      'crm-sync.yaml': `limitWrites: ${limit}\n${settings('    pull: [{ from: Title, to: title }]')}`,
    });
    const run = await world.open('one');
    await world.fetch(run);
    await world.plan(run, 3);
    const { database } = world.deps;
    expect((await database.transaction((tx) => withhold(tx, run, null))).intents).toBe(withheld.length);
    const { rows } = await database.query<{ after: string; outcome: string | null }>(
      sql`select after, outcome from intent where run_no = ${run.runNo} order by after`,
    );
    expect(rows.map(({ after }) => after)).toEqual(titles);
    expect(rows.filter(({ outcome }) => outcome === 'deferred').map(({ after }) => after)).toEqual(withheld);
  }
});

test('the plan is the same in any number of parts, and so is its digest; another plan has another', async () => {
  const rows = Array.from({ length: 40 }, (_, at) => `t${at}`);
  const files = {
    'Contact.csv': contacts('Title', ...rows),
    'user-1.csv': users('attribute:title', ...rows.map(() => '')),
    'crm-sync.yaml': settings('    pull: [{ from: Title, to: title }]'),
  };
  const digests: string[] = [];
  const plans: string[][] = [];
  for (const parts of [1, 3, 7]) {
    const world = await nightWorld(url, files);
    const run = await world.open('one');
    await world.fetch(run);
    await world.plan(run, parts);
    digests.push(await planDigest(world.deps.database, run.runNo));
    plans.push(await planned(world, run.runNo));
    if (parts === 7) {
      await world.deps.database.query(sql`update intent_set set after = array['other'] where run_no = ${run.runNo} and target_id = 'u1'`);
      digests.push(await planDigest(world.deps.database, run.runNo));
      await world.deps.database.query(sql`delete from crm_outcome where run_no = ${run.runNo} and rec = (select min(rec) from crm_outcome)`);
      digests.push(await planDigest(world.deps.database, run.runNo));
    }
  }
  expect(plans[0]).toHaveLength(40);
  expect(plans[1]).toEqual(plans[0]);
  expect(plans[2]).toEqual(plans[0]);
  expect(digests[0]).toMatch(/^[0-9a-f]{32}$/);
  expect(digests.slice(0, 3)).toEqual([digests[0], digests[0], digests[0]]);
  expect(new Set(digests).size).toBe(3);
});
