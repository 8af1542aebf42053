import { mkdir, writeFile } from 'node:fs/promises';
import path from 'node:path';
import { expect, test } from 'vitest';
import { openBulkPart } from '../../src/apply/bulk-open.ts';
import { sql } from '../../src/postgres/sql.ts';
import { testDatabaseUrl } from '../services/database.ts';
import { nightWorld } from './night-world.ts';

const url = await testDatabaseUrl();
const contacts = 6_000;
const id = (n: number): string => `003${String(n).padStart(12, '0')}`;
const numbers = Array.from({ length: contacts }, (_, index) => index + 1);

const files = {
  'schema.json': JSON.stringify({ Contact: { Score__c: 'number', Note__c: 'text' } }),
  'Contact.csv': ['Id,LastName,Title,Note__c', ...numbers.map((n) => `${id(n)},L${n},T${n},note`)].join('\n'),
  'user-1.csv': [
    'userId,attribute:sfcrmContactId,attribute:score,attribute:note,attribute:title',
    ...numbers.map((n) => `u${n},${id(n)},${n},${n % 1_000 === 0 ? '#N/A' : n % 3 === 0 ? `"a, ""b""\r\n${n}"` : n % 3 === 1 ? '' : 'note'},`),
  ].join('\n'),
  'crm-sync.yaml': `
objects:
  contact:
    pull: [{ from: Title, to: title }]
    push: [{ from: score, to: Score__c }, { from: note, to: Note__c, onNull: clear }]
`,
} as const;

test('more than 2,000 records are one Bulk job; a text that CSV cannot say goes by collections; few calls; the second night writes nothing', async () => {
  const world = await nightWorld(url, files);
  const run = await world.open('one');
  await world.fetch(run);
  await world.plan(run, 4);
  const groups = await world.reserve(run);
  expect(groups.map(({ side, path: way, first, count, records }) => [side, way, first, count, records])).toEqual([
    ['personalization', 'store', 0, 4, contacts],
    ['salesforce', 'bulk', 4, 1, contacts - 6],
    ['salesforce', 'collections', 5, 1, 6],
  ]);
  expect(await world.reserve(run)).toEqual([]);
  const callsBefore = world.deps.salesforce.apiCalls();
  await world.apply(run, groups);
  const polls = world.simulator.requestLog().filter(({ method, path: route }) => method === 'GET' && /jobs\/ingest\/[^/]+$/.test(route)).length;
  // Read again, opened, uploaded, handed over, results, read back: 3 + 3 + 3 + 3, and 3 for those six; the engine polls every few seconds, this test without pause.
  expect(world.deps.salesforce.apiCalls() - callsBefore - polls).toBeLessThanOrEqual(16);
  const counts = await world.deps.database.query(sql`select side, field, outcome, count(*) as n from intent group by 1, 2, 3 order by 1, 2, 3`);
  expect(counts.rows).toEqual([
    { side: 'personalization', field: 'title', outcome: 'applied', n: contacts },
    { side: 'salesforce', field: 'Note__c', outcome: 'applied', n: contacts / 3 + contacts / 3 + 6 - 2 - 2 },
    { side: 'salesforce', field: 'Score__c', outcome: 'applied', n: contacts },
  ]);
  const updates = await world.updates('Contact');
  expect(updates.size).toBe(contacts);
  expect(Math.max(...updates.values())).toBe(1);
  const { org } = world.simulator;
  const value = (n: number): unknown => org.store.sql('select "Note__c" as v from "Contact" where "Id" like ?').get(`${id(n)}%`)?.['v'];
  expect([value(1), value(2), value(3), value(1_000)]).toEqual([null, 'note', 'a, "b"\r\n3', '#N/A']);
  await world.close(run);
  expect((await world.night('two')).trim().split('\n')).toHaveLength(1);
});

test('a work directory that cannot be written is a clear failure, and the part can be sent when it can', async () => {
  const world = await nightWorld(url, files);
  const run = await world.open('one');
  await world.fetch(run);
  await world.plan(run, 1);
  const bulk = (await world.reserve(run)).find(({ path: way }) => way === 'bulk');
  const file = path.join(world.deps.workDirectory, '..', 'a-file');
  await mkdir(path.dirname(file), { recursive: true });
  await writeFile(file, '');
  const unwritable = { ...world.deps, workDirectory: path.join(file, 'work') };
  await expect(openBulkPart(unwritable, run, bulk?.first ?? -1, () => undefined)).rejects.toMatchObject({
    code: 'WORK_DIRECTORY',
    kind: 'permanent',
  });
  expect((await openBulkPart(world.deps, run, bulk?.first ?? -1, () => undefined)).jobNo).toBe(1);
});
