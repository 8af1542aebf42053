import { expect, test } from 'vitest';
import { Failure } from '../../src/domain/failure.ts';
import type { Salesforce } from '../../src/salesforce/side.ts';
import { testDatabaseUrl } from '../services/database.ts';
import { startReads } from './reads.ts';

const url = await testDatabaseUrl();
const [ada, bob, cy] = ['003000000000001AAA', '003000000000002AAA', '003000000000003AAA'] as const;
const edge = '001000000000001AAA';
const old = '2026-11-01T00:00:00Z';
const files = {
  'Account.csv': `Id,Name,SystemModstamp\n${edge},Edge,${old}\n`,
  'Contact.csv': `Id,LastName,Email,Title,AccountId,SystemModstamp\n${ada},King,ada@x.com,Boss,${edge},${old}\n${bob},Long,bob@x.com,,${edge},${old}\n${cy},Moss,cy@x.com,,${edge},${old}\n`,
};

test('the first night reads everything, a quiet one nothing, with three calls for each object', async () => {
  const reads = await startReads(url, files);
  expect((await reads.night()).reads).toEqual({ account: 'full first', contact: 'full first' });
  reads.pass(86_400);
  const quiet = await reads.night();
  expect(quiet.reads).toEqual({ account: 'window', contact: 'window' });
  expect(quiet.rows).toEqual({ account: 0, contact: 0 });
  const each = ['GET sobjects/:object/deleted', 'GET sobjects/:object/updated', 'GET queryAll'];
  expect(quiet.calls).toEqual([...each, ...each]);
  expect(await reads.watermark('contact')).toBe(reads.nowIso());
});

test('what changed since is read, once, and nothing else', async () => {
  const reads = await startReads(url, files);
  await reads.night();
  reads.pass(86_400);
  await reads.org.sobject('Contact').update({ Id: bob, LastName: 'Lang' });
  const night = await reads.night();
  expect(night.rows).toEqual({ account: 0, contact: 1 });
  const held = await reads.held('contact');
  expect(held.get(bob)).toMatchObject({ values: ['bob@x.com', 'Lang'], changedRun: night.run.runNo });
  expect([...held.values()].filter(({ changedRun }) => changedRun === night.run.runNo)).toHaveLength(1);
  // Within the overlap it is read once more, and is no change.
  reads.pass(60);
  const again = await reads.night();
  expect(again.rows).toEqual({ account: 0, contact: 1 });
  expect((await reads.held('contact')).get(bob)?.changedRun).toBe(night.run.runNo);
});

test('a row that becomes visible late is not lost: what is not visible holds the watermark back', async () => {
  const reads = await startReads(url, files);
  await reads.night();
  reads.pass(86_400);
  const savedAt = reads.nowIso();
  await reads.set({ commitDelaySeconds: 1800 });
  await reads.org.sobject('Contact').update({ Id: bob, LastName: 'Late' });
  await reads.set({ commitDelaySeconds: 0 });
  reads.pass(60);
  await reads.org.sobject('Contact').update({ Id: cy, LastName: 'Seen' });
  await reads.night();
  expect((await reads.held('contact')).get(bob)?.values[1]).toBe('Long');
  // It was saved after what nobody sees yet.
  expect((await reads.held('contact')).get(cy)?.values[1]).toBe('Moss');
  expect(await reads.watermark('contact')).toBe(savedAt);
  reads.pass(86_400);
  await reads.night();
  expect((await reads.held('contact')).get(bob)?.values[1]).toBe('Late');
  expect((await reads.held('contact')).get(cy)?.values[1]).toBe('Seen');
});

test('2,500 rows of one second are all read, though pages end among them, and once', async () => {
  const reads = await startReads(url, files);
  await reads.night();
  reads.pass(86_400);
  const made = Array.from({ length: 2_500 }, (_, row) => ({ LastName: `Tied ${row}` }));
  await reads.org.sobject('Contact').create(made, { allOrNone: true, allowRecursive: true });
  const night = await reads.night();
  expect(night.rows).toEqual({ account: 0, contact: 2_500 });
  expect(night.calls.filter((call) => call.startsWith('GET query'))).toHaveLength(1 + 1 + 2);
  expect((await reads.held('contact')).size).toBe(3 + 2_500);
});

test('a place that expired in the middle of a second is found again by stamp and id', async () => {
  const reads = await startReads(url, files);
  await reads.night();
  reads.pass(86_400);
  await reads.org.sobject('Contact').create(
    Array.from({ length: 4_500 }, (_, row) => ({ LastName: `Tied ${row}` })),
    { allOrNone: true, allowRecursive: true },
  );
  // Places in a query are kept for two days.
  const night = await reads.night({ before: (object, turn) => (object === 'contact' && turn === 1 ? reads.pass(2 * 86_400 + 60) : undefined) });
  expect(night.incomplete).toEqual([]);
  expect(night.rows.contact).toBe(4_500);
  expect((await reads.held('contact')).size).toBe(3 + 4_500);
});

test('many changes are read by Bulk, in a window as well', async () => {
  const rows = Array.from({ length: 10_001 }, (_, row) => `Person ${row}`);
  const reads = await startReads(url, { 'Contact.csv': `LastName\n${rows.join('\n')}\n` });
  await reads.night();
  // The load itself lies within the overlap.
  reads.pass(-3_600);
  await reads.database.query(`update read_state set watermark = watermark - interval '1 hour'`);
  reads.pass(3_600);
  const night = await reads.night();
  expect(night.reads.contact).toBe('window');
  expect(night.rows.contact).toBe(10_001);
  expect(night.calls.filter((call) => call.includes('jobs/query'))).toEqual([
    'POST jobs/query',
    ...night.calls.filter((call) => call === 'GET jobs/query/:id'),
    'GET jobs/query/:id/results',
    'DELETE jobs/query/:id',
  ]);
});

test('a window that cannot be answered as a whole is cut in two, and nothing is lost or read twice', async () => {
  const reads = await startReads(url, files);
  await reads.night();
  for (let hour = 0; hour < 12; hour += 1) {
    reads.pass(7_200);
    await reads.org.sobject('Contact').create({ LastName: `Hour ${hour}` });
  }
  const asked: number[] = [];
  const faults = (salesforce: Salesforce): Partial<Salesforce> => ({
    queryPage: async (from) => {
      const ends = 'soql' in from ? [...from.soql.matchAll(/SystemModstamp [>=<]+ (\S+Z)/g)].map((match) => Date.parse(match[1] ?? '')) : [];
      const [begin = 0, end = 0] = ends;
      if (end - begin > 7 * 3_600_000) throw new Failure('too much', { kind: 'permanent', code: 'QUERY_TIMEOUT' });
      asked.push(end - begin);
      return salesforce.queryPage(from);
    },
  });
  const night = await reads.night({ faults });
  expect(night.incomplete).toEqual([]);
  expect(asked.length).toBeGreaterThan(3);
  expect(night.rows.contact).toBe(12);
  expect((await reads.held('contact')).size).toBe(3 + 12);
});

test('a full read that Bulk gives up is asked in parts by the time of creation', async () => {
  const reads = await startReads(url, files);
  const faults = (salesforce: Salesforce): Partial<Salesforce> => ({
    openQuery: async (soql) => {
      if (!soql.includes('CreatedDate')) throw new Failure('too much', { kind: 'permanent', code: 'QUERY_TOO_LARGE' });
      return salesforce.openQuery(soql);
    },
  });
  const night = await reads.night({ faults });
  expect(night.incomplete).toEqual([]);
  expect(night.rows.contact).toBe(3);
  expect((await reads.held('contact')).size).toBe(3);
});

test('more ids in the logs than one answer may hold: the window is asked in parts', async () => {
  const reads = await startReads(url, files, { replicationIdLimit: 3 });
  await reads.night();
  reads.pass(86_400);
  const ids: string[] = [];
  for (let minute = 0; minute < 12; minute += 1) {
    reads.pass(120);
    ids.push((await reads.org.sobject('Contact').create({ LastName: `Short ${minute}` })).id ?? '');
  }
  await reads.night();
  expect((await reads.held('contact')).size).toBe(3 + 12);
  reads.pass(3_600);
  for (const id of ids) {
    reads.pass(120);
    await reads.org.sobject('Contact').destroy(id);
    await reads.org.soap.emptyRecycleBin([id]);
  }
  const night = await reads.night();
  expect(night.reads.contact).toBe('window');
  expect((await reads.held('contact')).size).toBe(3);
});

test.each([
  ['ahead of', 600],
  ['behind', -600],
])('an org whose clock is ten minutes %s ours loses nothing', async (_how, seconds) => {
  let offsetMs = seconds * 1000;
  const reads = await startReads(url, files, { nowMs: () => Date.now() + offsetMs });
  await reads.night();
  for (const name of ['One', 'Two', 'Three']) {
    offsetMs += 3_600_000;
    await reads.org.sobject('Contact').update({ Id: ada, LastName: name });
    offsetMs += 1_000;
    expect((await reads.night()).reads.contact).toBe('window');
    expect((await reads.held('contact')).get(ada)?.values[1]).toBe(name);
  }
});

test.each(['preview', 'failed'] as const)('a run that ends as %s leaves its rows and moves no watermark', async (ends) => {
  const reads = await startReads(url, files);
  await reads.night({ ends });
  expect(await reads.watermark('contact')).toBeNull();
  expect((await reads.held('contact')).size).toBe(3);
  await reads.night();
  const before = await reads.watermark('contact');
  reads.pass(86_400);
  await reads.org.sobject('Contact').update({ Id: bob, LastName: 'Lang' });
  await reads.night({ ends });
  expect(await reads.watermark('contact')).toBe(before);
  expect((await reads.held('contact')).get(bob)?.values[1]).toBe('Lang');
  reads.pass(86_400);
  const next = await reads.night();
  expect(next.rows.contact).toBe(1);
  expect(next.reads.contact).toBe('window');
});

test('R27 an object whose read fails is incomplete, keeps its watermark, and is read from there the next night', async () => {
  const reads = await startReads(url, files);
  await reads.night();
  const before = await reads.watermark('contact');
  reads.pass(86_400);
  await reads.org.sobject('Contact').update({ Id: bob, LastName: 'Lang' });
  await reads.org.sobject('Account').update({ Id: edge, Name: 'Edge & Co' });
  const night = await reads.night({ before: (object) => (object === 'contact' ? reads.set({ hiddenFields: ['Contact.Email'] }) : undefined) });
  expect(night.incomplete).toEqual([{ object: 'contact', code: 'INVALID_FIELD' }]);
  expect(await reads.watermark('contact')).toBe(before);
  expect(await reads.watermark('account')).not.toBe(before);
  expect((await reads.held('account')).get(edge)?.values).toEqual(['Edge & Co']);
  expect((await reads.held('contact')).get(bob)?.values[1]).toBe('Long');
  await reads.set({ hiddenFields: [] });
  reads.pass(86_400);
  expect((await reads.night()).incomplete).toEqual([]);
  expect((await reads.held('contact')).get(bob)?.values[1]).toBe('Lang');
});

test('R27 pages that never bring what they promise make the object incomplete, after three jobs', async () => {
  const reads = await startReads(url, files);
  let jobs = 0;
  const night = await reads.night({
    objects: ['contact'],
    faults: (salesforce) => ({
      openQuery: async (soql) => {
        jobs += 1;
        return salesforce.openQuery(soql);
      },
      checkQuery: async (jobId) => {
        const state = await salesforce.checkQuery(jobId);
        return state.state === 'complete' ? { ...state, records: state.records + 1 } : state;
      },
    }),
  });
  expect(night.incomplete).toEqual([{ object: 'contact', code: 'ROWS_MISSING' }]);
  expect(jobs).toBe(3);
  expect((await reads.held('contact')).size).toBe(0);
});

test('an org that cannot tell its updates of the last minutes is taken to cover an hour less', async () => {
  const reads = await startReads(url, files);
  await reads.night();
  reads.pass(86_400);
  await reads.org.sobject('Contact').update({ Id: bob, LastName: 'Lang' });
  reads.pass(7_200);
  const nowMs = Date.parse(reads.nowIso()) + 5_000;
  await reads.night({ faults: () => ({ updated: () => Promise.reject(new Failure('too many', { kind: 'permanent', code: 'EXCEEDED_ID_LIMIT' })) }) });
  expect((await reads.held('contact')).get(bob)?.values[1]).toBe('Lang');
  expect(Date.parse((await reads.watermark('contact')) ?? '')).toBe(nowMs - 3_600_000);
});

test('fields that make a query too long for an address are read by Bulk', async () => {
  const names = Array.from({ length: 340 }, (_, at) => `Name_As_Long_As_A_Name_Can_Be_In_Any_${at}__c`);
  const reads = await startReads(url, {
    'Contact.csv': `Id,LastName,SystemModstamp,${names.join(',')}\n${ada},King,${old},${names.map(() => 'x').join(',')}\n`,
  });
  const settings = `objects: { contact: { matchFields: [${names.map((name) => `{ salesforce: ${name}, personalization: [city] }`).join(', ')}] } }`;
  await reads.night({ settings });
  reads.pass(86_400);
  await reads.org.sobject('Contact').update({ Id: ada, LastName: 'Queen' });
  const night = await reads.night({ settings });
  expect([night.reads.contact, night.rows.contact, night.incomplete]).toEqual(['window', 1, []]);
  expect(night.calls).toContain('POST jobs/query');
  expect((await reads.held('contact')).get(ada)?.values).toContain('Queen');
});
