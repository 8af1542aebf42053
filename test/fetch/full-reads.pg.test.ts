import { expect, test } from 'vitest';
import { rebuildMirror } from '../../src/mirror/rebuild.ts';
import { testDatabaseUrl } from '../services/database.ts';
import { startReads } from './reads.ts';
import type { Reads } from './reads.ts';

const url = await testDatabaseUrl();
const [ada, bob, cy] = ['003000000000001AAA', '003000000000002AAA', '003000000000003AAA'] as const;
const old = '2026-11-01T00:00:00Z';
const files = {
  'Account.csv': `Id,Name,SystemModstamp\n001000000000001AAA,Edge,${old}\n`,
  'Contact.csv': `Id,LastName,Email,Title,SystemModstamp\n${ada},King,ada@x.com,Boss,${old}\n${bob},Long,bob@x.com,,${old}\n${cy},Moss,cy@x.com,,${old}\n`,
};
const day = 86_400;

/** What a log of changes can miss, done to the mirror: a value that is not the org's, a record that is not there, one that the org does not have. */
async function forget({ database }: Reads): Promise<void> {
  await database.query(`update crm_record set field_values[2] = 'Somebody' where crm_id = '${ada}'`);
  await database.query(`delete from crm_record where crm_id = '${bob}'`);
  await database.query(
    `insert into crm_record (object, crm_id, modstamp, field_values, changed_run) select object, '003000000000009AAA', modstamp, field_values, changed_run from crm_record where crm_id = '${cy}'`,
  );
}

async function expectWhole(reads: Reads): Promise<void> {
  const held = await reads.held('contact');
  expect([...held.keys()].toSorted()).toEqual([ada, bob, cy]);
  expect(held.get(ada)?.values[1]).toBe('King');
}

test('a new mapped field is read of every record of its object, and of that object alone', async () => {
  const reads = await startReads(url, files);
  await reads.night();
  reads.pass(day);
  const settings = 'objects: { contact: { pull: [{ from: Title, to: jobTitle }] } }';
  const night = await reads.night({ settings });
  expect(night.reads).toEqual({ account: 'window', contact: 'full fieldSet' });
  expect((await reads.held('contact')).get(ada)?.values).toEqual(['ada@x.com', 'King', 'Boss']);
  reads.pass(day);
  expect((await reads.night({ settings })).reads.contact).toBe('window');
});

test('a new field set of a preview stands for the rows: the next night reads what changed since the watermark', async () => {
  const reads = await startReads(url, files);
  await reads.night();
  reads.pass(day);
  const settings = 'objects: { contact: { pull: [{ from: Title, to: jobTitle }] } }';
  expect((await reads.night({ settings, ends: 'preview' })).reads.contact).toBe('full fieldSet');
  expect((await reads.night({ settings })).reads.contact).toBe('window');
  expect((await reads.held('contact')).get(ada)?.values).toEqual(['ada@x.com', 'King', 'Boss']);
  reads.pass(day);
  // Taken back without a run in between: the rows stand in another order than before.
  expect((await reads.night()).reads.contact).toBe('full fieldSet');
});

test('a mirror that is lost is read in full', async () => {
  const reads = await startReads(url, files);
  await reads.night();
  reads.pass(day);
  const schema = (await reads.database.query<{ name: string }>('select current_schema() as name')).rows[0]?.name ?? '';
  await reads.database.transaction((tx) => rebuildMirror(tx, schema));
  expect((await reads.night()).reads).toEqual({ account: 'full first', contact: 'full first' });
  await expectWhole(reads);
});

test("a watermark in the future of the org's clock is none, and is set right", async () => {
  const reads = await startReads(url, files);
  await reads.night();
  await reads.database.query(`update read_state set watermark = watermark + interval '2 days' where source = 'contact'`);
  reads.pass(day);
  expect((await reads.night()).reads).toEqual({ account: 'window', contact: 'full future' });
  expect(await reads.watermark('contact')).toBe(reads.nowIso());
  reads.pass(day);
  expect((await reads.night()).reads.contact).toBe('window');
});

test('after more than 15 days, or when the log of deletions was purged, everything is read', async () => {
  const reads = await startReads(url, files);
  await reads.night();
  reads.pass(16 * day);
  expect((await reads.night()).reads).toEqual({ account: 'full gap', contact: 'full gap' });
  reads.pass(day);
  await reads.set({ purgeDeleteLog: true });
  reads.pass(1_200);
  expect((await reads.night()).reads).toEqual({ account: 'full logExpired', contact: 'full logExpired' });
  reads.pass(14 * day);
  expect((await reads.night()).reads.contact).toBe('window');
});

test("the first run of a Sunday compares all records and counts what the log had missed; which day it is, the Schedule's slot says in its zone", async () => {
  const reads = await startReads(url, files);
  await reads.night();
  reads.pass(4 * day);
  await forget(reads);
  expect((await reads.night({ nominalAt: '2026-11-28T02:00:00Z' })).reads.contact).toBe('window');
  reads.pass(day);
  const night = await reads.night({ nominalAt: '2026-11-29T02:00:00Z' });
  expect(night.reads).toEqual({ account: 'full sunday 0 missed', contact: 'full sunday 3 missed' });
  await expectWhole(reads);
  expect((await reads.night()).reads.contact).toBe('window');
  reads.pass(7 * day);
  const schedule = 'schedule: { timezone: America/Los_Angeles }';
  // 6 December 2026, a Sunday, 02:00 UTC is Saturday evening there.
  expect((await reads.night({ settings: schedule, nominalAt: '2026-12-06T02:00:00Z' })).reads.contact).toBe('window');
  expect((await reads.night({ settings: schedule, nominalAt: '2026-12-06T10:00:00Z' })).reads.contact).toBe('full sunday 0 missed');
});

test('run --full compares as well, and what a window would have brought is not missed', async () => {
  const reads = await startReads(url, files);
  await reads.night();
  reads.pass(day);
  await reads.org.sobject('Contact').update({ Id: cy, LastName: 'Mossy' });
  const gone = (await reads.org.sobject('Contact').create({ LastName: 'Brief' })).id ?? '';
  await reads.night();
  reads.pass(day);
  await reads.org.sobject('Contact').update({ Id: cy, LastName: 'Mossier' });
  await reads.org.sobject('Contact').destroy(gone);
  await reads.org.soap.emptyRecycleBin([gone]);
  expect((await reads.night({ full: true })).reads).toEqual({ account: 'full asked 0 missed', contact: 'full asked 0 missed' });
  expect((await reads.held('contact')).get(cy)?.values[1]).toBe('Mossier');
  reads.pass(day);
  await forget(reads);
  expect((await reads.night({ full: true })).reads.contact).toBe('full asked 3 missed');
});

test('an object with a formula among its fields is read in full every night: it changes without a stamp, and that is no miss', async () => {
  const formulas = [{ object: 'Contact', name: 'Company__c', source: 'Account.Name', as: 'copy' }];
  const edge = '001000000000001AAA';
  const reads = await startReads(url, { ...files, 'Contact.csv': `Id,LastName,AccountId,SystemModstamp\n${ada},King,${edge},${old}\n` });
  await reads.set({ formulas });
  const settings = 'objects: { contact: { pull: [{ from: Company__c, to: city }] } }';
  await reads.night({ settings });
  expect((await reads.held('contact')).get(ada)?.values).toContain('Edge');
  reads.pass(day);
  await reads.org.sobject('Account').update({ Id: edge, Name: 'Edge & Co' });
  const night = await reads.night({ settings });
  expect(night.reads).toEqual({ account: 'window', contact: 'full formulas 0 missed' });
  expect((await reads.held('contact')).get(ada)?.values).toContain('Edge & Co');
});
