import { expect, test } from 'vitest';
import { testDatabaseUrl } from '../services/database.ts';
import { startReads } from './reads.ts';
import type { Reads } from './reads.ts';

const url = await testDatabaseUrl();
const [ada, bob, cy, dee] = ['003000000000001AAA', '003000000000002AAA', '003000000000003AAA', '003000000000004AAA'] as const;
const [edge, edge2] = ['001000000000001AAA', '001000000000002AAA'] as const;
const lead = '00Q000000000001EAA';
const old = '2026-11-01T00:00:00Z';
const files = {
  'Account.csv': `Id,Name,SystemModstamp\n${edge},Edge,${old}\n${edge2},Edge 2,${old}\n`,
  'Contact.csv': `Id,LastName,Email,AccountId,SystemModstamp\n${ada},King,ada@x.com,${edge},${old}\n${bob},Long,bob@x.com,${edge2},${old}\n${cy},Moss,cy@x.com,${edge2},${old}\n${dee},Nye,dee@x.com,${edge},${old}\n`,
  'Lead.csv': `Id,LastName,Company,Email,SystemModstamp\n${lead},Low,Co,low@x.com,${old}\n`,
};
const day = 86_400;
const leads = ['account', 'contact', 'lead'] as const;

const ineligible = async (reads: Reads): Promise<Readonly<Record<string, string | null>>> =>
  Object.fromEntries([...(await reads.held('contact'))].map(([id, held]) => [id, held.ineligible]));

test('R26 a deleted record stays as long as the recycle bin has it, and leaves with it', async () => {
  const reads = await startReads(url, files);
  await reads.night();
  reads.pass(day);
  await reads.org.sobject('Contact').destroy([ada, bob]);
  await reads.night();
  expect(await ineligible(reads)).toEqual({ [ada]: 'deleted', [bob]: 'deleted', [cy]: null, [dee]: null });
  reads.pass(day);
  await reads.org.soap.emptyRecycleBin([ada]);
  const emptied = await reads.night();
  expect(emptied.reads.contact).toBe('window');
  expect(Object.keys(await ineligible(reads))).toEqual([bob, cy, dee]);
  // By age: nobody tells of it.
  reads.pass(10 * day);
  await reads.night();
  expect(Object.keys(await ineligible(reads))).toEqual([bob, cy, dee]);
  reads.pass(5 * day);
  expect((await reads.night()).reads.contact).toBe('window');
  expect(Object.keys(await ineligible(reads))).toEqual([cy, dee]);
});

test('R26 a record that was deleted for good between two nights leaves the mirror by the log of deletions', async () => {
  const reads = await startReads(url, files);
  await reads.night();
  reads.pass(day);
  await reads.org.sobject('Contact').destroy(ada);
  await reads.org.soap.emptyRecycleBin([ada]);
  const night = await reads.night();
  expect(night.reads.contact).toBe('window');
  expect(Object.keys(await ineligible(reads))).toEqual([bob, cy, dee]);
  expect((await reads.database.query('select from look_up')).rowCount).toBe(0);
});

test('R21 a record that was deleted and undeleted is a record again, whatever the log still says', async () => {
  const reads = await startReads(url, files);
  await reads.night();
  reads.pass(day);
  await reads.org.sobject('Contact').destroy(ada);
  await reads.night();
  expect((await ineligible(reads))[ada]).toBe('deleted');
  reads.pass(60);
  await reads.org.soap.undelete([ada]);
  reads.pass(day);
  await reads.night();
  expect((await ineligible(reads))[ada]).toBeNull();
});

test('what a night that failed had to look up, the next one looks up', async () => {
  const reads = await startReads(url, files);
  await reads.night();
  reads.pass(day);
  await reads.org.sobject('Contact').destroy(ada);
  await reads.org.soap.emptyRecycleBin([ada]);
  await reads.night({ faults: () => ({ queryPage: () => Promise.reject(new Error('the worker dies here')) }) }).catch(() => undefined);
  expect(Object.keys(await ineligible(reads))).toContain(ada);
  await reads.night();
  expect(Object.keys(await ineligible(reads))).toEqual([bob, cy, dee]);
});

test('contacts of merged accounts are read again: their new AccountId moves no stamp', async () => {
  const reads = await startReads(url, files);
  await reads.night();
  expect((await reads.held('contact')).get(bob)?.accountId).toBe(edge2);
  reads.pass(day);
  await reads.org.soap.merge({ masterRecord: { type: 'Account', Id: edge }, recordToMergeIds: [edge2] } as never);
  const night = await reads.night();
  expect(night.reads).toEqual({ account: 'window', contact: 'window' });
  const held = await reads.held('contact');
  expect([ada, bob, cy].map((id) => held.get(id)?.accountId)).toEqual([edge, edge, edge]);
  expect(held.get(bob)?.changedRun).toBe(night.run.runNo);
  expect(held.get(ada)?.changedRun).toBeLessThan(night.run.runNo);
});

test('the contact that a lead became and the master of a merge are read again, though no window brings them', async () => {
  const reads = await startReads(url, files);
  await reads.night({ objects: leads });
  reads.pass(day);
  const converted = await reads.org.soap.convertLead({
    leadId: lead,
    contactId: dee,
    accountId: edge,
    convertedStatus: 'Closed - Converted',
    doNotCreateOpportunity: true,
  } as never);
  expect(converted).toMatchObject({ success: true });
  await reads.org.soap.merge({ masterRecord: { type: 'Contact', Id: cy }, recordToMergeIds: [bob] } as never);
  // As if their stamps had not moved: held with an old value, older than the window.
  const pointedTo: readonly unknown[] = [dee, cy];
  await reads.database.query(`update crm_record set field_values[2] = 'Old' where crm_id in ('${dee}', '${cy}')`);
  const night = await reads.night({
    objects: leads,
    faults: (salesforce) => ({
      queryPage: async (from) => {
        const page = await salesforce.queryPage(from);
        if (!('soql' in from) || !from.soql.includes('ORDER BY')) return page;
        const rows = page.rows.filter((row) => !pointedTo.includes(row['Id']));
        return { ...page, rows, total: page.total - (page.rows.length - rows.length) };
      },
    }),
  });
  expect(night.incomplete).toEqual([]);
  const held = await reads.held('contact');
  expect([dee, cy].map((id) => held.get(id)?.values[1])).toEqual(['Nye', 'Moss']);
});
