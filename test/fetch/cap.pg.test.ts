import { expect, test } from 'vitest';
import { testDatabaseUrl } from '../services/database.ts';
import { startReads } from './reads.ts';
import type { NightOfReads } from './reads.ts';

const url = await testDatabaseUrl();
const old = '2026-11-01T00:00:00Z';
const rows = (object: string, count: number): string => Array.from({ length: count }, (_, row) => `${object} ${row},${old}\n`).join('');
const files = {
  'Account.csv': `Name,SystemModstamp\n${rows('Account', 120)}`,
  'Contact.csv': `LastName,SystemModstamp\n${rows('Person', 250)}`,
};
const settings = 'caps: { pullRecords: 100 }';
const day = 86_400;

const sum = ({ rows: read }: NightOfReads): number => Object.values(read).reduce((total, each) => total + each, 0);
const incomplete = ({ incomplete: left }: NightOfReads): readonly string[] => left.map(({ object, code }) => `${object} ${code}`);

test('R27 a run reads no more than the cap, the next one goes on from there, the longest waiting first; a row is read once', async () => {
  const reads = await startReads(url, files);
  const nights: NightOfReads[] = [];
  for (let night = 0; night < 4; night += 1) {
    nights.push(await reads.night({ settings }));
    reads.pass(day);
  }
  expect(nights.map(sum)).toEqual([100, 100, 100, 70]);
  expect(nights.map(incomplete)).toEqual([['account PULL_CAP', 'contact PULL_CAP'], ['contact PULL_CAP'], ['contact PULL_CAP'], []]);
  expect(nights.map((night) => night.rows)).toEqual([
    { account: 100, contact: 0 },
    { account: 20, contact: 80 },
    { account: 0, contact: 100 },
    { account: 0, contact: 70 },
  ]);
  expect((await reads.held('account')).size).toBe(120);
  expect((await reads.held('contact')).size).toBe(250);
  expect((await reads.night({ settings })).rows).toEqual({ account: 0, contact: 0 });
});

test('R27 nothing of a read that a cap stopped is in the mirror, and its watermark does not move', async () => {
  const reads = await startReads(url, files);
  await reads.night({ settings });
  expect((await reads.held('contact')).size).toBe(0);
  expect(await reads.watermark('account')).toBeNull();
  expect(await reads.watermark('contact')).toBeNull();
});

test('R27 what changed while a read waited is read when it is done', async () => {
  const reads = await startReads(url, { 'Contact.csv': files['Contact.csv'] });
  await reads.night({ settings: 'caps: { pullRecords: 200 }' });
  reads.pass(day);
  const made = (await reads.org.sobject('Contact').create({ LastName: 'Meanwhile' })).id ?? '';
  const night = await reads.night({ settings: 'caps: { pullRecords: 200 }' });
  expect(night.incomplete).toEqual([]);
  expect(night.rows.contact).toBe(50 + 1);
  expect((await reads.held('contact')).get(made)?.values).toContain('Meanwhile');
});

test('R27 a window that the cap stops goes on the next night as well', async () => {
  const reads = await startReads(url, { 'Contact.csv': files['Contact.csv'] });
  await reads.night();
  reads.pass(day);
  await reads.org.sobject('Contact').create(
    Array.from({ length: 150 }, (_, row) => ({ LastName: `New ${row}` })),
    { allOrNone: true, allowRecursive: true },
  );
  reads.pass(3_600);
  const first = await reads.night({ settings });
  expect([first.reads.contact, sum(first), incomplete(first)]).toEqual(['window', 100, ['contact PULL_CAP']]);
  reads.pass(day);
  const second = await reads.night({ settings });
  expect([sum(second), incomplete(second)]).toEqual([50, []]);
  expect((await reads.held('contact')).size).toBe(400);
});

test('R27 a job that is gone when the next night comes is asked anew', async () => {
  const reads = await startReads(url, { 'Contact.csv': files['Contact.csv'] });
  await reads.night({ settings: 'caps: { pullRecords: 200 }' });
  reads.simulator.org.store.sql('delete from query_jobs').run();
  reads.pass(day);
  const night = await reads.night();
  expect(night.incomplete).toEqual([]);
  expect(night.calls.filter((call) => call === 'POST jobs/query')).toHaveLength(1);
  expect((await reads.held('contact')).size).toBe(250);
});

test('R27 a field set that changed while a read waited begins it anew', async () => {
  const reads = await startReads(url, { 'Contact.csv': files['Contact.csv'] });
  await reads.night({ settings });
  reads.pass(day);
  const night = await reads.night({ settings: 'objects: { contact: { pull: [{ from: Title, to: jobTitle }] } }' });
  expect([night.rows.contact, incomplete(night)]).toEqual([250, []]);
  expect((await reads.held('contact')).size).toBe(250);
  const stages = await reads.database.query(`select from pg_tables where schemaname = current_schema() and tablename ~ '^stage_'`);
  expect(stages.rowCount).toBe(0);
});

test('R27 whoever asks for a full read while a window waits gets one', async () => {
  const reads = await startReads(url, { 'Contact.csv': files['Contact.csv'] });
  await reads.night();
  reads.pass(day);
  await reads.org.sobject('Contact').create(
    Array.from({ length: 150 }, (_, row) => ({ LastName: `New ${row}` })),
    { allOrNone: true, allowRecursive: true },
  );
  reads.pass(3_600);
  expect((await reads.night({ settings })).reads.contact).toBe('window');
  expect((await reads.night({ full: true })).reads.contact).toBe('full asked 0 missed');
  expect((await reads.held('contact')).size).toBe(400);
});
