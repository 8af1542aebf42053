import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { parse } from 'csv-parse/sync';
import { text } from 'node:stream/consumers';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { startSimulator } from '../../simulator/src/simulator.ts';
import type { Simulator } from '../../simulator/src/simulator.ts';
import type { SalesforceAuth } from '../../src/salesforce/connection.ts';
import { createSalesforce } from '../../src/salesforce/side.ts';
import type { CrmRow, IngestResultKind, IngestResultRow, QueryJobState, QueryPage, Salesforce } from '../../src/salesforce/side.ts';
import { selectQuery } from '../../src/salesforce/soql.ts';
import { canonicalValue } from '../../src/salesforce/values.ts';

const contacts = 2_500;
let folder: string;
let simulator: Simulator;
let salesforce: Salesforce;

function connect(auth: SalesforceAuth): Salesforce {
  return createSalesforce({ loginUrl: simulator.url, apiVersion: '66.0', auth });
}

beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'crm-sync-org-'));
  const rows = Array.from({ length: contacts }, (_, row) => `First ${row},"Last, ""${row}""\nsecond line",person${row}@example.com,${row}.5`);
  await writeFile(join(folder, 'Contact.csv'), `FirstName,LastName,Email,Score__c\n${rows.join('\n')}\n`);
  simulator = await startSimulator({ dataDirectory: folder });
  const { clientId, clientSecret } = simulator.credentials;
  salesforce = connect({ flow: 'clientCredentials', clientId, clientSecret });
});

afterAll(async () => {
  await salesforce.close();
  await simulator.stop();
  await rm(folder, { recursive: true });
});

/** Asks again until the job is there; each question is a round trip, and a deadline ends it. */
async function finished(jobId: string): Promise<Extract<QueryJobState, { state: 'complete' }>> {
  const deadlineMs = Date.now() + 20_000;
  for (;;) {
    const found = await salesforce.checkQuery(jobId);
    if (found.state === 'complete') return found;
    if (Date.now() > deadlineMs) throw new Error('the query does not end');
  }
}

async function contactIds(count: number): Promise<string[]> {
  const ids: string[] = [];
  const soql = `SELECT Id FROM Contact ORDER BY Id LIMIT ${count}`;
  for (let next: string | null = null, first = true; first || next !== null; first = false) {
    const page: QueryPage = await salesforce.queryPage(next === null ? { soql } : { locator: next });
    ids.push(...page.rows.map((row) => String(row['Id'])));
    ({ next } = page);
  }
  return ids;
}

async function resultsOf(jobId: string, kind: IngestResultKind): Promise<IngestResultRow[]> {
  const rows: IngestResultRow[] = [];
  for await (const row of salesforce.readIngestResults(jobId, kind)) rows.push(row);
  return rows;
}

test('each flow logs in to the org as its user', async () => {
  const { clientId, clientSecret, username, privateKeyFile, refreshToken, organizationId, userId } = simulator.credentials;
  const flows: readonly SalesforceAuth[] = [
    { flow: 'clientCredentials', clientId, clientSecret },
    { flow: 'jwtBearer', clientId, username, privateKeyFile },
    { flow: 'refreshToken', clientId, refreshToken },
    { flow: 'refreshToken', clientId, clientSecret, refreshToken },
  ];
  for (const auth of flows) {
    const side = connect(auth);
    expect(await side.identity(), auth.flow).toEqual({ organizationId, userId });
    expect((await side.limits()).dailyApiRequests.max).toBeGreaterThan(0);
    await side.close();
  }
});

test('a wrong secret, a wrong key and a revoked refresh token are refused with a remedy and without the secret', async () => {
  const { clientId, username } = simulator.credentials;
  const other = await startSimulator({ dataDirectory: folder });
  try {
    const flows: readonly SalesforceAuth[] = [
      { flow: 'clientCredentials', clientId, clientSecret: 'wrong-secret' },
      { flow: 'jwtBearer', clientId, username, privateKeyFile: other.credentials.privateKeyFile },
      { flow: 'refreshToken', clientId, refreshToken: 'wrong-secret' },
    ];
    for (const auth of flows) {
      const side = connect(auth);
      const thrown: unknown = await side.identity().catch((error: unknown) => error);
      expect(thrown, auth.flow).toMatchObject({ name: 'Failure', kind: 'permanent', remedy: expect.stringContaining('salesforce.auth') as string });
      expect(String(thrown)).not.toMatch(/wrong-secret/);
      await side.close();
    }
  } finally {
    await other.stop();
  }
});

test('describe tells types and flags, and the prefix of ids (R8)', async () => {
  for (const [object, prefix] of [
    ['Account', '001'],
    ['Contact', '003'],
    ['Lead', '00Q'],
  ] as const) {
    const described = await salesforce.describe(object);
    expect(described.prefix).toBe(prefix);
    expect(described.fields.find(({ name }) => name === 'Id')).toMatchObject({ type: 'id', updateable: false });
  }
  const { fields } = await salesforce.describe('Contact');
  expect(fields.find(({ name }) => name === 'Email')).toMatchObject({ type: 'email', updateable: true });
  expect(fields.find(({ name }) => name === 'Score__c')?.type).toBe('double');
});

test('a Bulk query of several pages gives every row once, and what each page announces', async () => {
  const { jobId } = await salesforce.openQuery(selectQuery('Contact', ['Id', 'LastName', 'Score__c', 'SystemModstamp', 'IsDeleted']));
  const { records } = await finished(jobId);
  expect(records).toBe(contacts);
  const found = new Map<string, Record<string, string>>();
  let pages = 0;
  for (let locator: string | null = null, first = true; first || locator !== null; first = false) {
    const page = await salesforce.readPage(jobId, locator, 1_000);
    const rows = parse(await text(page.csv), { columns: true });
    expect(rows).toHaveLength(page.rows);
    for (const row of rows as Record<string, string>[]) found.set(row['Id'] ?? '', row);
    locator = page.nextLocator;
    pages += 1;
  }
  expect(pages).toBe(3);
  expect(found.size).toBe(contacts);
  const some = [...found.values()].find((row) => row['LastName']?.startsWith('Last, "7"'));
  expect(some?.['LastName']).toBe('Last, "7"\nsecond line');
  expect(canonicalValue('double', some?.['Score__c'])).toBe('7.5');
  expect(some?.['SystemModstamp']).toMatch(/^\d{4}-\d{2}-\d{2}T\d{2}:\d{2}:\d{2}\.000Z$/);
  await salesforce.deleteQuery(jobId);
  await salesforce.deleteQuery(jobId);
  await expect(salesforce.checkQuery(jobId)).rejects.toMatchObject({ code: 'JOB_GONE' });
});

test('a query that Salesforce does not understand is permanent', async () => {
  await expect(salesforce.queryPage({ soql: 'SELECT Nope__c FROM Contact' })).rejects.toMatchObject({
    code: 'INVALID_FIELD',
    kind: 'permanent',
  });
});

test('a small query reads all its pages', async () => {
  expect(new Set(await contactIds(contacts)).size).toBe(contacts);
});

test('rows are read by id in any order, with null for what does not exist', async () => {
  const [one = '', two = ''] = await contactIds(2);
  const none = '003zzzzzzzzzzzzAAA';
  const rows = await salesforce.retrieve('Contact', [two, none, one.slice(0, 15)], ['Email', 'Score__c', 'SystemModstamp']);
  expect([...rows.keys()]).toEqual([two, none, one]);
  expect(rows.get(none)).toBeNull();
  const row: CrmRow = rows.get(one) ?? {};
  expect(canonicalValue('datetime', row['SystemModstamp'])).toMatch(/\.000Z$/);
  expect(canonicalValue('double', row['Score__c'])).toMatch(/^\d+\.5$/);
});

test('rows are written each for itself: the good ones stand, the others say why', async () => {
  const [one = '', two = '', three = ''] = await contactIds(3);
  const results = await salesforce.updateRows('Contact', [
    { id: one, values: { Title: 'Chief', Score__c: 3.25 } },
    { id: two, values: { Title: 'x'.repeat(5_000) } },
    { id: '003zzzzzzzzzzzzAAA', values: { Title: 'nobody' } },
    { id: three, values: { Email: 'Mixed.Case@Example.com' } },
  ]);
  expect(results.map((result) => (result.ok ? 'ok' : result.code))).toEqual([
    'ok',
    'STRING_TOO_LONG',
    expect.stringMatching(/INVALID_CROSS_REFERENCE_KEY|ENTITY_IS_DELETED|NOT_FOUND/),
    'ok',
  ]);
  const rows = await salesforce.retrieve('Contact', [one, three], ['Title', 'Score__c', 'Email']);
  expect(rows.get(one)).toMatchObject({ Title: 'Chief', Score__c: 3.25 });
  expect(rows.get(three)).toMatchObject({ Email: 'mixed.case@example.com' });
});

test('a Bulk update writes a file, and its result files say what became of each row', async () => {
  const [one = '', two = '', three = ''] = await contactIds(3);
  const file = join(folder, 'update.csv');
  await writeFile(file, `Id,Title,Department\n${one},"Bulk, ""quoted""\nline",#N/A\n${two},${'y'.repeat(5_000)},\n${three},Third,D\n`);
  const { jobId } = await salesforce.openIngest('Contact');
  expect((await salesforce.listOpenIngestJobs()).map((job) => job.jobId)).toContain(jobId);
  await salesforce.uploadIngest(jobId, file);
  await salesforce.completeIngest(jobId);
  const deadlineMs = Date.now() + 20_000;
  let progress = await salesforce.checkIngest(jobId);
  while (progress.state !== 'JobComplete' && Date.now() < deadlineMs) progress = await salesforce.checkIngest(jobId);
  expect(progress).toEqual({ state: 'JobComplete', processed: 3, failed: 1 });
  expect((await resultsOf(jobId, 'successful')).map(({ id }) => id).toSorted()).toEqual([one, three].toSorted());
  expect(await resultsOf(jobId, 'failed')).toMatchObject([{ id: two, error: { code: 'STRING_TOO_LONG', fields: ['Title'] } }]);
  expect(await resultsOf(jobId, 'unprocessed')).toEqual([]);
  expect((await salesforce.retrieve('Contact', [one], ['Title'])).get(one)).toMatchObject({ Title: 'Bulk, "quoted"\nline' });
  await salesforce.deleteIngest(jobId);
});

test('an open Bulk update is aborted, and then no longer listed as open', async () => {
  const { jobId } = await salesforce.openIngest('Contact');
  await salesforce.abortIngest(jobId);
  expect(await salesforce.checkIngest(jobId)).toMatchObject({ state: 'Aborted' });
  expect((await salesforce.listOpenIngestJobs()).map((job) => job.jobId)).not.toContain(jobId);
});

test('what changed and what was deleted is asked for a window, and every call is counted', async () => {
  const now = Date.parse(await salesforce.serverDate());
  expect(Math.abs(now - Date.now())).toBeLessThan(5_000);
  const [start, end] = [new Date(now - 3_600_000).toISOString(), new Date(now + 120_000).toISOString()];
  const before = salesforce.apiCalls();
  const updated = await salesforce.updated('Contact', start, end);
  const deleted = await salesforce.deleted('Contact', start, end);
  expect(salesforce.apiCalls() - before).toBe(2);
  expect(updated.ids.length).toBeGreaterThan(0);
  expect(deleted.ids).toEqual([]);
  expect(updated.latestDateCovered).toMatch(/Z$/);
  expect(salesforce.usage()?.used).toBeGreaterThan(0);
});
