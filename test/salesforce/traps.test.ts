import { text } from 'node:stream/consumers';
import { gzipSync } from 'node:zlib';
import { createRequire } from 'node:module';
import { Connection } from 'jsforce';
import { expect, test } from 'vitest';
import { Failure } from '../../src/domain/failure.ts';
import { json, stubOrg } from './stubOrg.ts';

/** The Failure that the work ends with; anything else is the test's error. */
async function failureOf(work: Promise<unknown>): Promise<Failure> {
  const thrown: unknown = await work.then(
    () => new Error('nothing was thrown'),
    (error: unknown) => error,
  );
  if (!(thrown instanceof Failure)) throw thrown;
  return thrown;
}

const csvHead = { 'content-type': 'text/csv', 'sforce-numberofrecords': '2', 'sforce-locator': 'null' };
const page = '"Id","Email"\n"003000000000001AAA","a@x"\n"003000000000002AAA",""\n';

test('jsforce still has the private place where our transport goes, and the exact version', () => {
  const version = createRequire(import.meta.url)('jsforce/package.json') as { version: string };
  expect(version.version).toBe('3.10.26');
  expect(Object.keys(new Connection({ instanceUrl: 'http://127.0.0.1:1', accessToken: 't' }))).toContain('_transport');
});

test('trap 2: a JSON body cut in the middle is a transient failure, not an uncaught exception', async () => {
  await using org = await stubOrg({
    limits: (_request, response) => {
      response.writeHead(200, { 'content-type': 'application/json', 'content-length': '5000' });
      response.write('{"DailyApiRequests":{"Max":15000,', () => response.socket?.destroy());
    },
  });
  const failure = await failureOf(org.salesforce.limits());
  expect(failure).toMatchObject({ kind: 'transient', code: 'CONNECTION_LOST' });
  expect(org.count('/services/data/')).toBe(1);
});

test('trap 2: half a JSON answer that the connection calls complete is a transient failure for every call', async () => {
  await using org = await stubOrg({
    '': (request, response) => {
      if (request.url.startsWith('/services/oauth2'))
        return json(response, { access_token: 't', instance_url: org.url, id: `${org.url}/id/00D000000000062EAA/005000000000001AAA` });
      response.writeHead(200, { 'content-type': 'application/json', connection: 'close' });
      response.end('{"ids":["003000000000001AAA"],"records":[{"Id"');
    },
  });
  const { salesforce } = org;
  const calls: readonly (() => Promise<unknown>)[] = [
    () => salesforce.limits(),
    () => salesforce.describe('Contact'),
    () => salesforce.updated('Contact', '2026-11-23T00:00:00Z', '2026-11-23T01:00:00Z'),
    () => salesforce.deleted('Contact', '2026-11-23T00:00:00Z', '2026-11-23T01:00:00Z'),
    () => salesforce.queryPage({ soql: 'SELECT Id FROM Contact' }),
    () => salesforce.count('Contact', ''),
    () => salesforce.retrieve('Contact', ['003000000000001'], ['Email']),
    () => salesforce.updateRows('Contact', [{ id: '003000000000001', values: { Title: 'x' } }]),
    () => salesforce.openQuery('SELECT Id FROM Contact'),
    () => salesforce.checkQuery('750A'),
    () => salesforce.openIngest('Contact'),
    () => salesforce.completeIngest('750B'),
    () => salesforce.checkIngest('750B'),
    () => salesforce.listOpenIngestJobs(),
  ];
  for (const call of calls) expect(await failureOf(call())).toMatchObject({ kind: 'transient', code: 'NOT_JSON' });
  expect(org.count('/services/data/')).toBe(calls.length);
});

test.each([
  ['with a known length', { 'content-length': '5000' }, Buffer.from(page)],
  ['in chunks', {}, Buffer.from(page)],
  ['zipped', { 'content-encoding': 'gzip', 'content-length': '5000' }, gzipSync(page.repeat(9)).subarray(0, 40)],
])('trap 2: a result page %s that is cut rejects the stream with a transient failure', async (_name, headers, bytes) => {
  await using org = await stubOrg({
    'jobs/query/750A/results': (_request, response) => {
      response.writeHead(200, { ...csvHead, ...headers });
      response.write(bytes, () => response.socket?.destroy());
    },
  });
  const { csv } = await org.salesforce.readPage('750A', null, 1000);
  expect(await failureOf(text(csv))).toMatchObject({ kind: 'transient', code: 'CONNECTION_LOST' });
});

test('a zipped page that ends too early is cut, though the connection says it is complete', async () => {
  await using org = await stubOrg({
    'jobs/query/750A/results': (_request, response) => {
      response.writeHead(200, { ...csvHead, 'content-encoding': 'gzip' });
      response.end(gzipSync(page).subarray(0, 30));
    },
  });
  const { csv } = await org.salesforce.readPage('750A', null, 1000);
  expect(await failureOf(text(csv))).toMatchObject({ kind: 'transient', code: 'CONNECTION_LOST' });
});

test('a body that drips and then falls silent is a transient failure after the idle time', async () => {
  await using org = await stubOrg({
    'jobs/query/750A/results': (_request, response) => {
      response.writeHead(200, csvHead);
      response.write(page.slice(0, 20));
    },
    limits: () => undefined,
  });
  const { csv } = await org.salesforce.readPage('750A', null, 1000);
  expect(await failureOf(text(csv))).toMatchObject({ kind: 'transient', code: 'TIMED_OUT' });
  expect(await failureOf(org.salesforce.limits())).toMatchObject({ kind: 'transient', code: 'TIMED_OUT' });
});

test('a page given up before its first byte leaves nothing behind', async () => {
  await using org = await stubOrg({
    'jobs/query/750A/results': (_request, response) => {
      response.writeHead(200, csvHead);
      response.write(page);
    },
  });
  const { csv } = await org.salesforce.readPage('750A', null, 1000);
  csv.destroy();
  await new Promise((resolve) => csv.once('close', resolve));
  expect(csv.destroyed).toBe(true);
});

test('trap 3: every page of a result of several is read, each with its header row, the last one ends it', async () => {
  await using org = await stubOrg({
    'jobs/query/750A/results': (request, response) => {
      const locator = new URLSearchParams(request.url.split('?')[1]).get('locator');
      response.writeHead(200, { ...csvHead, 'sforce-locator': locator === null ? 'Mg' : locator === 'Mg' ? 'NA' : 'null' });
      response.end(page);
    },
  });
  let rows = 0;
  const texts: string[] = [];
  for (let locator: string | null = null, first = true; first || locator !== null; first = false) {
    const read = await org.salesforce.readPage('750A', locator, 2);
    rows += read.rows;
    texts.push(await text(read.csv));
    locator = read.nextLocator;
  }
  expect(rows).toBe(6);
  expect(texts).toEqual([page, page, page]);
  expect(org.seen.at(-1)?.headers['accept-encoding']).toBe('gzip');
});

test.each([
  ['LOCATOR_MISSING', { 'sforce-numberofrecords': '2' }],
  ['LOCATOR_REPEATED', { 'sforce-numberofrecords': '2', 'sforce-locator': 'Mg' }],
  ['ROW_COUNT_MISSING', { 'sforce-locator': 'null' }],
])('trap 3: a page with %s is a failure, not the end and not a loop', async (code, headers) => {
  await using org = await stubOrg({
    'jobs/query/750A/results': (_request, response) => {
      response.writeHead(200, { 'content-type': 'text/csv', ...headers });
      response.end(page);
    },
  });
  expect(await failureOf(org.salesforce.readPage('750A', 'Mg', 2))).toMatchObject({ code, kind: 'transient' });
});

test('NUL bytes are left out of a page, zipped or not', async () => {
  await using org = await stubOrg({
    'jobs/query/750A/results': (request, response) => {
      const zip = request.url.includes('locator=zip');
      const bytes = Buffer.from('"Id"\n"a\u0000b"\n');
      response.writeHead(200, { ...csvHead, ...(zip ? { 'content-encoding': 'gzip' } : {}) });
      response.end(zip ? gzipSync(bytes) : bytes);
    },
  });
  for (const locator of [null, 'zip']) expect(await text((await org.salesforce.readPage('750A', locator, 2)).csv)).toBe('"Id"\n"ab"\n');
});

test('trap 4: a 401 that outlives the renewal of the session ends after one renewal and one replay', async () => {
  await using org = await stubOrg({
    '': (request, response) => {
      if (request.url.startsWith('/services/data/'))
        json(response, [{ errorCode: 'INVALID_SESSION_ID', message: 'Session expired or invalid' }], 401);
      else
        json(response, { access_token: `00D!${org.seen.length}`, instance_url: org.url, id: `${org.url}/id/00D000000000062EAA/005000000000001AAA` });
    },
  });
  for (const [calls, work] of [
    [2, () => org.salesforce.limits()],
    [4, () => org.salesforce.readPage('750A', null, 2)],
    [6, () => org.salesforce.checkIngest('750B')],
  ] as const) {
    expect(await failureOf(work())).toMatchObject({ kind: 'transient', code: 'SESSION_REFUSED', mostTries: 2 });
    expect(org.count('/services/data/')).toBe(calls);
  }
  expect(org.count('/services/oauth2/token')).toBe(4);
  expect(org.salesforce.apiCalls()).toBe(6);
});

test('a session that ran out is renewed once for all calls that met it at the same time', async () => {
  await using org = await stubOrg({
    limits: (request, response) => {
      if (request.headers.authorization === 'Bearer 00D!1') json(response, [{ errorCode: 'INVALID_SESSION_ID', message: '' }], 401);
      else json(response, { DailyApiRequests: { Max: 15000, Remaining: 14000 } });
    },
  });
  const limits = await Promise.all(Array.from({ length: 5 }, () => org.salesforce.limits()));
  expect(limits.map(({ dailyApiRequests }) => dailyApiRequests.remaining)).toEqual([14000, 14000, 14000, 14000, 14000]);
  expect(org.count('/services/oauth2/token')).toBe(2);
  expect(org.salesforce.usage()).toEqual({ used: 18, max: 15000 });
});

test('a query whose next page is its own is a failure, not a loop', async () => {
  await using org = await stubOrg({
    query: (_request, response) =>
      json(response, { totalSize: 9, done: false, records: [{ Id: '1' }], nextRecordsUrl: '/services/data/v66.0/query/0r8x-1' }),
  });
  const { next } = await org.salesforce.queryPage({ soql: 'SELECT Id FROM Contact' });
  expect(await failureOf(org.salesforce.queryPage({ locator: next ?? '' }))).toMatchObject({ code: 'LOCATOR_REPEATED' });
});

test.each([200, 503, 404])('a web page instead of an answer (HTTP %i) is a transient failure that does not quote it', async (status) => {
  await using org = await stubOrg({
    '': (request, response) => {
      if (request.url.startsWith('/services/oauth2'))
        return json(response, { access_token: 't', instance_url: org.url, id: `${org.url}/id/00D000000000062EAA/005000000000001AAA` });
      response.writeHead(status, { 'content-type': 'text/html' });
      response.end('<html><body>Down for maintenance, bob@example.com</body></html>');
    },
  });
  for (const work of [
    () => org.salesforce.limits(),
    () => org.salesforce.readPage('750A', null, 2),
    () => org.salesforce.retrieve('Contact', ['003000000000001'], ['Email']),
  ]) {
    const failure = await failureOf(work());
    expect(failure.message).not.toContain('bob');
    expect(failure.kind).toBe('transient');
  }
});

test.each([
  ['TotalRequests Limit exceeded.', 'DAILY_REQUESTS_USED_UP'],
  ['ConcurrentRequests (Concurrent API Requests) Limit exceeded.', 'TOO_MANY_CONCURRENT'],
])('the two request limits are told apart: %s', async (message, code) => {
  await using org = await stubOrg({ limits: (_request, response) => json(response, [{ errorCode: 'REQUEST_LIMIT_EXCEEDED', message }], 403) });
  const failure = await failureOf(org.salesforce.limits());
  expect(failure).toMatchObject({ kind: 'throttled', code });
  expect(failure.retryAfterMs).toBeGreaterThan(0);
});

test.each([
  [409, 'API_VERSION_MISMATCH', 'permanent'],
  [404, 'JOB_GONE', 'permanent'],
  [500, 'UNKNOWN_EXCEPTION', 'transient'],
  [429, 'TOO_MANY_REQUESTS', 'throttled'],
  [301, 'REDIRECTED', 'permanent'],
])('HTTP %i on a page is %s', async (status, code, kind) => {
  await using org = await stubOrg({ 'jobs/query': (_request, response) => json(response, {}, status) });
  expect(await failureOf(org.salesforce.readPage('750A', null, 2))).toMatchObject({ code, kind });
});

test.each([
  [{ state: 'Failed', errorMessage: "InternalServerError : Retried more than 15 times; SELECT Id WHERE Email = 'bob@x'" }, 'QUERY_TOO_LARGE'],
  [{ state: 'Failed' }, 'JOB_FAILED'],
  [{ state: 'Aborted' }, 'JOB_ABORTED'],
  [{ state: 'Odd' }, 'BAD_ANSWER'],
])('a query job that is %j ends as %s', async (job, code) => {
  await using org = await stubOrg({ 'jobs/query/750A': (_request, response) => json(response, { id: '750A', ...job }) });
  const failure = await failureOf(org.salesforce.checkQuery('750A'));
  expect(failure.code).toBe(code);
  expect(failure.message).not.toContain('bob');
});
