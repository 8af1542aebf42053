import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { restValue } from '../../src/salesforce/values.ts';
import type { IngestResultKind, IngestResultRow } from '../../src/salesforce/side.ts';
import { json, stubOrg } from './stubOrg.ts';
import type { StubOrg } from './stubOrg.ts';

let folder: string;
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'crm-sync-writing-'));
});
afterAll(() => rm(folder, { recursive: true }));

const ids = ['003000000000001AAA', '003000000000002AAA', '003000000000003AAA'] as const;

async function resultsOf(org: StubOrg, kind: IngestResultKind): Promise<IngestResultRow[]> {
  const rows: IngestResultRow[] = [];
  for await (const row of org.salesforce.readIngestResults('750B', kind)) rows.push(row);
  return rows;
}

test('rows are written each for itself, with assignment rules off; results come in the order of the rows, without what Salesforce says of a value', async () => {
  await using org = await stubOrg({
    'composite/sobjects': (_request, response) =>
      json(response, [
        { id: ids[0], success: true, errors: [] },
        { success: false, errors: [{ statusCode: 'INVALID_EMAIL_ADDRESS', message: 'Email: invalid email address: bob@x', fields: ['Email'] }] },
        {
          success: false,
          errors: [{ statusCode: 'CANNOT_INSERT_UPDATE_ACTIVATE_ENTITY', message: 'trigger: UNABLE_TO_LOCK_ROW, unable to obtain', fields: [] }],
        },
      ]),
  });
  const results = await org.salesforce.updateRows('Contact', [
    { id: '003000000000001', values: { Email: 'a@x', Score__c: restValue('double', '123456789012345678.5') } },
    { id: ids[1], values: { Email: 'bob@x' } },
    { id: ids[2], values: { Email: null, Flag__c: true } },
  ]);
  expect(results).toEqual([
    { ok: true },
    { ok: false, code: 'INVALID_EMAIL_ADDRESS', message: expect.not.stringContaining('bob') as string, fields: ['Email'] },
    { ok: false, code: 'UNABLE_TO_LOCK_ROW', message: expect.any(String) as string, fields: [] },
  ]);
  const sent = org.seen.at(-1);
  expect(sent?.headers['sforce-auto-assign']).toBe('FALSE');
  expect(sent?.body).toContain('"Score__c":123456789012345678.5');
  expect(JSON.parse(sent?.body ?? '')).toMatchObject({ allOrNone: false, records: ids.map((id) => ({ id, attributes: { type: 'Contact' } })) });
});

test('an update whose answer misses a row is a failure: what became of the rows must be read back', async () => {
  await using org = await stubOrg({ 'composite/sobjects': (_request, response) => json(response, [{ success: true }]) });
  const rows = ids.map((id) => ({ id, values: { Email: 'a@x' } }));
  await expect(org.salesforce.updateRows('Contact', rows)).rejects.toMatchObject({ code: 'BAD_ANSWER', kind: 'transient' });
});

test('a retrieve gives every id asked for, null for what does not exist, and keeps the digits of long numbers', async () => {
  await using org = await stubOrg({
    'composite/sobjects/Contact': (_request, response) => {
      response.writeHead(200, { 'content-type': 'application/json' });
      response.end(
        `[{"attributes":{"type":"Contact"},"Id":"${ids[2]}","N__c":123456789012345678,"M__c":0.10},null,{"Id":"${ids[0]}","N__c":7,"M__c":null}]`,
      );
    },
  });
  const rows = await org.salesforce.retrieve('Contact', [ids[2], ids[1], '003000000000001', ids[0]], ['N__c', 'M__c']);
  expect([...rows.keys()]).toEqual([ids[2], ids[1], ids[0]]);
  expect(rows.get(ids[1])).toBeNull();
  expect(rows.get(ids[2])).toMatchObject({ N__c: '123456789012345678', M__c: 0.1 });
  expect(rows.get(ids[0])).toMatchObject({ N__c: 7, M__c: null });
  expect(JSON.parse(org.seen.at(-1)?.body ?? '')).toEqual({ ids: [ids[2], ids[1], ids[0]], fields: ['Id', 'N__c', 'M__c'] });
});

test('trap 5: a file is uploaded whole, with its length, and again from its beginning when the session ran out', async () => {
  const csv = `Id,Email,Title\n${Array.from({ length: 3000 }, (_, row) => `${ids[0]},a${row}@x,`).join('\n')}\n`;
  const file = join(folder, 'upload.csv');
  await writeFile(file, csv);
  await using org = await stubOrg({
    'jobs/ingest/750B/batches': (request, response) => {
      if (request.headers.authorization === 'Bearer 00D!1') return json(response, [{ errorCode: 'INVALID_SESSION_ID', message: '' }], 401);
      response.writeHead(201);
      response.end();
    },
  });
  await org.salesforce.uploadIngest('750B', file);
  const uploads = org.seen.filter(({ method }) => method === 'PUT');
  expect(uploads).toHaveLength(2);
  for (const upload of uploads) {
    expect(upload.body).toBe(csv);
    expect(upload.headers['content-length']).toBe(String(Buffer.byteLength(csv)));
    expect(upload.headers['transfer-encoding']).toBeUndefined();
  }
  await expect(org.salesforce.uploadIngest('750B', join(folder, 'none.csv'))).rejects.toMatchObject({ code: 'FILE_UNREADABLE', kind: 'permanent' });
});

test('an upload whose connection breaks is a transient failure', async () => {
  const file = join(folder, 'large.csv');
  await writeFile(file, 'Id,Title\n'.padEnd(5_000_000, 'x'));
  await using org = await stubOrg({});
  org.server.on('request', (request) => {
    if (request.method === 'PUT') request.socket.destroy();
  });
  await expect(org.salesforce.uploadIngest('750B', file)).rejects.toMatchObject({ code: 'CONNECTION_LOST', kind: 'transient' });
});

test('an ingest job is opened, handed over, checked, aborted and deleted', async () => {
  let state = 'Open';
  await using org = await stubOrg({
    'jobs/ingest': (request, response) => {
      if (request.method === 'PATCH') state = String((JSON.parse(request.body) as { state: string }).state);
      if (request.method === 'DELETE' && state === 'Aborted') {
        state = 'gone';
        response.writeHead(204).end();
      } else if (state === 'gone') json(response, [{ errorCode: 'NOT_FOUND', message: '' }], 404);
      else json(response, { id: '750B', state, object: 'Contact', numberRecordsProcessed: 3, numberRecordsFailed: 1 });
    },
  });
  expect(await org.salesforce.openIngest('Contact')).toEqual({ jobId: '750B' });
  expect(JSON.parse(org.seen.at(-1)?.body ?? '')).toEqual({ object: 'Contact', operation: 'update', lineEnding: 'LF' });
  await org.salesforce.completeIngest('750B');
  expect(await org.salesforce.checkIngest('750B')).toEqual({ state: 'UploadComplete', processed: 3, failed: 1 });
  await org.salesforce.abortIngest('750B');
  expect(await org.salesforce.checkIngest('750B')).toMatchObject({ state: 'Aborted' });
  await org.salesforce.deleteIngest('750B');
  await org.salesforce.deleteIngest('750B');
  await expect(org.salesforce.checkIngest('750B')).rejects.toMatchObject({ code: 'JOB_GONE' });
});

test('only Open jobs of Bulk 2.0 that are our own are listed, from every page', async () => {
  const mine = {
    object: 'Contact',
    state: 'Open',
    jobType: 'V2Ingest',
    createdById: '005000000000001AAA',
    createdDate: '2026-11-23T01:02:03.000+0000',
  };
  await using org = await stubOrg({
    'jobs/ingest?queryLocator=2': (_request, response) => json(response, { done: true, records: [{ ...mine, id: '750C' }] }),
    'jobs/ingest': (_request, response) =>
      json(response, {
        done: false,
        nextRecordsUrl: '/services/data/v66.0/jobs/ingest?queryLocator=2',
        records: [
          { ...mine, id: '750A' },
          { ...mine, id: '750D', state: 'JobComplete' },
          { ...mine, id: '750E', createdById: '005000000000002AAA' },
          { ...mine, id: '750F', jobType: 'Classic' },
        ],
      }),
  });
  const jobs = await org.salesforce.listOpenIngestJobs();
  expect(jobs.map(({ jobId }) => jobId)).toEqual(['750A', '750C']);
  expect(jobs[0]?.createdAt).toBe('2026-11-23T01:02:03.000Z');
});

test('trap 5: the three result files are read with one delimiter, quotes, newlines and other delimiters in values included', async () => {
  const files = {
    successfulResults: `"sf__Id","sf__Created","Id","Title"\n"${ids[0]}","false","${ids[0]}","a;b|c^d\te, ""f""\ng"\n`,
    failedResults: `"sf__Id","sf__Error","Id","Title"\n"","INVALID_EMAIL_ADDRESS:Email: invalid email address: bob@x:Email --","${ids[1]}","x"\n"${ids[2]}","FIELD_CUSTOM_VALIDATION_EXCEPTION:No: bob:--","${ids[2]}","y"\n`,
    unprocessedrecords: `"Id","Title"\n"${ids[2]}","z"\n`,
  };
  await using org = await stubOrg({
    'jobs/ingest/750B/': (request, response) => {
      response.writeHead(200, { 'content-type': 'text/csv' });
      response.end(files[request.url.split('/').at(-1) as keyof typeof files]);
    },
  });
  expect(await resultsOf(org, 'successful')).toEqual([{ id: ids[0], columns: { Id: ids[0], Title: 'a;b|c^d\te, "f"\ng' } }]);
  const failed = await resultsOf(org, 'failed');
  expect(failed.map(({ id, error }) => [id, error?.code, error?.fields])).toEqual([
    [ids[1], 'INVALID_EMAIL_ADDRESS', ['Email']],
    [ids[2], 'FIELD_CUSTOM_VALIDATION_EXCEPTION', []],
  ]);
  expect(JSON.stringify(failed.map(({ error }) => error))).not.toContain('bob');
  expect(await resultsOf(org, 'unprocessed')).toEqual([{ id: ids[2], columns: { Id: ids[2], Title: 'z' } }]);
});

test.each([
  ['cut', `"sf__Id","sf__Created","Id"\n"${ids[0]}","fal`, 'BAD_CSV'],
  ['with a short row', `"sf__Id","sf__Created","Id"\n"${ids[0]}"\n`, 'BAD_CSV'],
  ['without ids', `"sf__Id","sf__Created","Id"\n"","true",""\n`, 'BAD_ANSWER'],
])('a result file %s is a failure', async (_name, csv, code) => {
  await using org = await stubOrg({
    'jobs/ingest/750B/': (_request, response) => {
      response.writeHead(200, { 'content-type': 'text/csv' });
      response.end(csv);
    },
  });
  await expect(resultsOf(org, 'successful')).rejects.toMatchObject({ code, kind: 'transient' });
});

test('a result file that breaks off on the wire is a transient failure', async () => {
  await using org = await stubOrg({
    'jobs/ingest/750B/': (_request, response) => {
      response.writeHead(200, { 'content-type': 'text/csv', 'content-length': '9000' });
      response.write(`"sf__Id","sf__Created","Id"\n"${ids[0]}","false","${ids[0]}"\n`, () => response.socket?.destroy());
    },
  });
  await expect(resultsOf(org, 'successful')).rejects.toMatchObject({ code: 'CONNECTION_LOST', kind: 'transient' });
});
