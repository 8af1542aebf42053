import { createHash } from 'node:crypto';
import { request } from 'node:http';
import { expect, test } from 'vitest';
import { arm, bulkQuery, call, counted, orgWith, rowsOf, soql, strikes } from './harness.ts';
import { tokenOf, tokenRequest } from './token.ts';
import type { Session } from './harness.ts';

const id = (n: number): string => `003${String(n).padStart(12, '0')}AAA`;
const rows = (count: number): string =>
  Array.from({ length: count }, (_none, n) => `${id(n + 1)},"Row, ${n + 1}\nof ${createHash('sha256').update(String(n)).digest('hex')}"\n`).join('');
const world = (count = 10): Record<string, string> => ({ 'Contact.csv': `Id,LastName\n${rows(count)}` });
const every = (path: string, fault: unknown, more: Record<string, unknown> = {}): unknown => ({ path, fault, count: 'always', ...more });

/** What came over the wire, gzip as it is, up to the end or the break. */
async function raw(session: Session, path: string, headers: Record<string, string> = {}, method = 'GET', body = '') {
  return new Promise<{ status: number; headers: Record<string, unknown>; body: Buffer; broken: boolean; pieces: number; ms: number }>(
    (resolve, reject) => {
      const startedMs = performance.now();
      const target = path.startsWith('http') ? path : session.base + path;
      const sent = request(target, { method, headers: { authorization: `Bearer ${session.token}`, ...headers }, agent: false }, (response) => {
        const chunks: Buffer[] = [];
        const done = (broken: boolean) => () =>
          resolve({
            status: response.statusCode ?? 0,
            headers: response.headers,
            body: Buffer.concat(chunks),
            broken,
            pieces: chunks.length,
            ms: performance.now() - startedMs,
          });
        response
          .on('data', (chunk: Buffer) => chunks.push(chunk))
          .on('end', done(false))
          .on('error', done(true));
      });
      sent.on('error', reject);
      sent.end(body);
    },
  );
}

test('status: any status, code and body instead of the answer, by position: the third request and the one after it', async () => {
  const session = await orgWith(world());
  const fault = { kind: 'status', status: 500, errorCode: 'UNKNOWN_EXCEPTION', message: 'broken' };
  await arm(session, { path: '/query', method: 'get', at: 3, count: 2, fault });
  const seen = [];
  for (let n = 0; n < 6; n += 1) seen.push((await soql(session, 'select Id from Contact')).status);
  expect(seen).toEqual([200, 200, 500, 500, 200, 200]);
  expect(await strikes(session)).toEqual([{ matched: 6, struck: 2 }]);
  expect(session.simulator.requestLog().map((each) => each.fault)).toContain('rules[0] status');

  await arm(session, { path: '/services/data/v66.0/limits/', fault: { ...fault, status: 503, errorCode: 'SERVER_UNAVAILABLE' } });
  expect(await call(session, 'GET', '/limits')).toMatchObject({ status: 503, json: [{ errorCode: 'SERVER_UNAVAILABLE', message: 'broken' }] });
  await arm(session, { path: '**/LIMITS', fault: { kind: 'status', status: 200, body: { DailyApiRequests: 'none' } } });
  expect(await call(session, 'GET', '/limits')).toMatchObject({ status: 200, json: { DailyApiRequests: 'none' } });
  await arm(session, { path: '/limits', fault: { kind: 'status', status: 420, body: 'calm', contentType: 'text/strange' } });
  expect(await call(session, 'GET', '/limits')).toMatchObject({ status: 420, text: 'calm' });
});

test('every: each k-th request; probability: by seed and position alone, whatever other rules do', async () => {
  const session = await orgWith(world());
  const fault = { kind: 'status', status: 502 };
  const pattern = async (seed: number, ...rules: unknown[]): Promise<string> => {
    session.simulator.org.faults.set({ seed, rules });
    let seen = '';
    for (let n = 0; n < 40; n += 1) seen += (await call(session, 'GET', '/limits')).status === 502 ? 'x' : '.';
    return seen;
  };
  expect(await pattern(1, { path: '/limits', every: 4, fault })).toBe('...x'.repeat(10));
  expect(await pattern(1, { path: '/limits', every: 4, count: 2, fault })).toBe(`...x...x${'.'.repeat(32)}`);
  const some = { name: 'some', path: '/limits', probability: 0.3, fault };
  const first = await pattern(1, some);
  expect(first.split('x').length - 1).toBeGreaterThan(3);
  expect(first.split('x').length - 1).toBeLessThan(25);
  expect(await pattern(1, some)).toBe(first);
  expect(await pattern(2, some)).not.toBe(first);
  expect(await pattern(1, every('/query', { kind: 'close' }), some)).toBe(first);
});

test('contains: only requests whose query or body says so, in any case; the body is still read by the org', async () => {
  const session = await orgWith({ ...world(), 'Lead.csv': 'LastName,Company\nA,B\n' });
  const fault = { kind: 'html', status: 502 };
  await arm(session, every('/query', fault, { contains: 'FROM lead' }), every('/composite/sobjects', fault, { contains: 'Chef' }));
  expect((await soql(session, 'select Id from Contact')).status).toBe(200);
  expect(await soql(session, 'select Id from Lead')).toMatchObject({ status: 502, text: expect.stringContaining('<html>') });
  const patch = (Title: string) =>
    call(session, 'PATCH', '/composite/sobjects', { records: [{ attributes: { type: 'Contact' }, id: id(1), Title }] });
  expect((await patch('chef')).status).toBe(502);
  expect((await patch('Boss')).json).toMatchObject([{ success: true }]);
  expect(await rowsOf(session, `select Title from Contact where Id = '${id(1)}'`)).toEqual([{ Title: 'Boss' }]);
});

test('requestLimit: both texts; the budget of the day shows as spent with the total one', async () => {
  const session = await orgWith(world());
  await arm(
    session,
    { path: '**', fault: { kind: 'requestLimit', limit: 'total' } },
    { path: '**', at: 2, fault: { kind: 'requestLimit', limit: 'concurrent' } },
  );
  const total = await call(session, 'GET', '/limits');
  expect(total).toMatchObject({ status: 403, json: [{ errorCode: 'REQUEST_LIMIT_EXCEEDED', message: 'TotalRequests Limit exceeded.' }] });
  expect(total.headers.get('sforce-limit-info')).toBe('api-usage=100000/100000');
  expect(await call(session, 'GET', '/limits')).toMatchObject({
    status: 403,
    json: [{ errorCode: 'REQUEST_LIMIT_EXCEEDED', message: expect.stringMatching(/Concurrent/) }],
  });
  expect((await call(session, 'GET', '/limits')).status).toBe(200);
});

test('close: nothing is done and nothing answered; loseAnswer: all is done and committed, nothing answered', async () => {
  const session = await orgWith(world());
  const patch = (Title: string) =>
    raw(session, `/sobjects/Contact/${id(1)}`, { 'content-type': 'application/json' }, 'PATCH', JSON.stringify({ Title }));
  const title = () => rowsOf(session, `select Title from Contact where Id = '${id(1)}'`);
  await arm(session, { path: '/sobjects/Contact/*', fault: { kind: 'close' } }, { path: '/sobjects/**', at: 2, fault: { kind: 'loseAnswer' } });
  await expect(patch('closed')).rejects.toThrow(/socket hang up|ECONNRESET/);
  expect(await title()).toEqual([{ Title: null }]);
  await expect(patch('lost')).rejects.toThrow(/socket hang up|ECONNRESET/);
  expect(await title()).toEqual([{ Title: 'lost' }]);
  expect(await counted(session, 'updates', `object=Contact&id=${id(1)}`)).toMatchObject([{ updates: 1 }]);
  expect((await patch('kept')).status).toBe(204);
  const log = session.simulator.requestLog().filter(({ method }) => method === 'PATCH');
  expect(log.map(({ status, fault }) => [status, fault])).toEqual([
    [0, 'rules[0] close'],
    [0, 'rules[1] loseAnswer'],
    [204, undefined],
  ]);
});

test('loseAnswer of the requests of a Bulk job: it is opened, has its content, and runs', async () => {
  const session = await orgWith(world());
  await arm(
    session,
    every('/jobs/ingest/**', { kind: 'loseAnswer' }, { method: 'PUT' }),
    every('/jobs/ingest/*', { kind: 'loseAnswer' }, { method: 'PATCH' }),
  );
  const { json } = await call(session, 'POST', '/jobs/ingest', { object: 'Contact', operation: 'update' });
  await expect(call(session, 'PUT', `/jobs/ingest/${json.id}/batches`, `Id,Title\n${id(1)},x\n`)).rejects.toThrow('fetch failed');
  await expect(call(session, 'PATCH', `/jobs/ingest/${json.id}`, { state: 'UploadComplete' })).rejects.toThrow('fetch failed');
  await expect.poll(() => rowsOf(session, `select Title from Contact where Id = '${id(1)}'`)).toEqual([{ Title: 'x' }]);
});

test('delay and delayMs wait first; drip sends the answer in pieces', async () => {
  const session = await orgWith(world(3));
  await arm(session, { path: '/limits', fault: { kind: 'delay', ms: 60 } }, { path: '/limits', at: 2, delayMs: 60, fault: { kind: 'html' } });
  expect(await raw(session, '/limits')).toMatchObject({ status: 200, ms: expect.toSatisfy((ms: number) => ms >= 58) });
  expect(await raw(session, '/limits')).toMatchObject({ status: 503, ms: expect.toSatisfy((ms: number) => ms >= 58) });
  const asked = '/query?q=select+Id+from+Contact';
  const whole = await raw(session, asked);
  await arm(session, { path: '/query', fault: { kind: 'drip', bytes: 100, everyMs: 5 } });
  const slow = await raw(session, asked);
  expect(slow).toMatchObject({ status: 200, broken: false, body: whole.body });
  expect(slow.ms).toBeGreaterThan((whole.body.length / 100 - 1) * 4);
});

test('cut breaks off in the middle of JSON, CSV and gzip; clean, it looks whole', async () => {
  const session = await orgWith(world(500));
  const { id: job } = await bulkQuery(session, 'select Id, LastName from Contact');
  const asked: [string, Record<string, string>][] = [
    ['/query?q=select+Id+from+Contact', {}],
    [`/jobs/query/${job}/results`, {}],
    [`/jobs/query/${job}/results`, { 'accept-encoding': 'gzip' }],
  ];
  for (const [path, headers] of asked) {
    await arm(session);
    const { body, headers: shown } = await raw(session, path, headers);
    await arm(session, { path: '**', fault: { kind: 'cut' } }, { path: '**', at: 2, fault: { kind: 'cut', afterBytes: 10, clean: true } });
    const cut = await raw(session, path, headers);
    expect(cut).toMatchObject({ status: 200, broken: true, headers: { 'content-type': shown['content-type'] } });
    expect(cut.headers['content-encoding']).toBe(headers['accept-encoding']);
    expect(cut.body.equals(body.subarray(0, Math.floor(body.length / 2)))).toBe(true);
    expect(await raw(session, path, headers)).toMatchObject({ broken: false, body: body.subarray(0, 10) });
  }
  await arm(session, { path: '**', fault: { kind: 'cut', afterBytes: 0 } });
  expect(await raw(session, '/limits')).toMatchObject({ status: 200, broken: true, body: Buffer.alloc(0) });
});

test('garbage: random bytes under the headers of the answer', async () => {
  const session = await orgWith(world());
  await arm(session, { path: '/limits', fault: { kind: 'garbage', bytes: 1000 } });
  const { status, headers, body } = await raw(session, '/limits');
  expect({ status, type: headers['content-type'], bytes: body.length }).toEqual({ status: 200, type: 'application/json;charset=UTF-8', bytes: 1000 });
});

test('locator: missing, or that of the same page again, in Bulk results and REST pages', async () => {
  const session = await orgWith(world(500));
  const { id: job } = await bulkQuery(session, 'select Id from Contact');
  const results = `/jobs/query/${job}/results?maxRecords=100`;
  const second = (await call(session, 'GET', results)).headers.get('sforce-locator');
  await arm(
    session,
    { path: '/jobs/query/*/results', fault: { kind: 'locator', as: 'missing' } },
    every('/jobs/**', { kind: 'locator', as: 'repeated' }),
  );
  expect((await call(session, 'GET', results)).headers.get('sforce-locator')).toBeNull();
  const again = await call(session, 'GET', `${results}&locator=${second}`);
  expect(again.headers.get('sforce-locator')).toBe(second);
  const first = await call(session, 'GET', results);
  expect((await call(session, 'GET', `${results}&locator=${first.headers.get('sforce-locator')}`)).text).toBe(first.text);

  await arm(session, { path: '/query', fault: { kind: 'locator', as: 'missing' } }, every('/query/*', { kind: 'locator', as: 'repeated' }));
  const page = (path: string) => call(session, 'GET', path, undefined, { 'sforce-query-options': 'batchSize=200' });
  const asked = '/query?q=select+Id+from+Contact';
  expect((await page(asked)).json).not.toHaveProperty('nextRecordsUrl');
  const next = (await page(asked)).json.nextRecordsUrl as string;
  expect((await page(session.simulator.url + next)).json.nextRecordsUrl).toBe(next);
});

test('wrongCount and dropRows: counts and rows that do not agree, in CSV, gzip and JSON', async () => {
  const session = await orgWith(world(10));
  const { id: job } = await bulkQuery(session, 'select Id, LastName from Contact');
  const whole = await call(session, 'GET', `/jobs/query/${job}/results`);
  for (const coding of ['identity', 'gzip']) {
    const results = () => call(session, 'GET', `/jobs/query/${job}/results`, undefined, { 'accept-encoding': coding });
    await arm(session, { path: '**', fault: { kind: 'wrongCount', by: -3 } }, { path: '**', at: 2, fault: { kind: 'dropRows', rows: 2 } });
    const counted10 = await results();
    expect(counted10.text).toBe(whole.text);
    expect(counted10.headers.get('sforce-numberofrecords')).toBe('7');
    expect(counted10.headers.get('content-encoding')).toBe(coding === 'gzip' ? 'gzip' : null);
    const fewer = await results();
    expect(fewer.headers.get('sforce-numberofrecords')).toBe('10');
    expect(fewer.text).toBe(whole.text.slice(0, whole.text.indexOf(`"${id(9)}"`)));
  }
  await arm(
    session,
    { path: '/query', fault: { kind: 'wrongCount', by: 5 } },
    { path: '/query', at: 2, fault: { kind: 'dropRows', rows: 4 } },
    { path: '/jobs/query/*', fault: { kind: 'wrongCount', by: 1 } },
  );
  expect((await soql(session, 'select Id from Contact')).json).toMatchObject({ totalSize: 15 });
  const { json } = await soql(session, 'select Id from Contact');
  expect([json.totalSize, json.records.length]).toEqual([10, 6]);
  expect((await call(session, 'GET', `/jobs/query/${job}`)).json).toMatchObject({ numberRecordsProcessed: 11 });
  await arm(session, { path: '/composite/sobjects/Contact', fault: { kind: 'dropRows', rows: 1 } });
  expect((await call(session, 'POST', '/composite/sobjects/Contact', { ids: [id(1), id(2)], fields: ['Id'] })).json).toHaveLength(1);
});

test('sessionExpired: the token ends once and a new one is good; always: no token is good for long', async () => {
  const session = await orgWith(world());
  await arm(session, { path: '/limits', at: 2, fault: { kind: 'sessionExpired' } });
  expect((await call(session, 'GET', '/limits')).status).toBe(200);
  expect(await call(session, 'GET', '/limits')).toMatchObject({ status: 401, json: [{ errorCode: 'INVALID_SESSION_ID' }] });
  expect((await call(session, 'GET', '/query?q=select+Id+from+Contact')).status).toBe(401);
  const renewed = { ...session, token: await tokenOf(session.simulator) };
  expect((await call(renewed, 'GET', '/limits')).status).toBe(200);
  await arm(session, every('/limits', { kind: 'sessionExpired' }));
  for (let n = 0; n < 3; n += 1) expect((await call({ ...session, token: await tokenOf(session.simulator) }, 'GET', '/limits')).status).toBe(401);
});

test('the token endpoint is down, refuses, or does not answer', async () => {
  const session = await orgWith(world());
  const path = '/services/oauth2/token';
  const { clientId: client_id, clientSecret: client_secret } = session.simulator.credentials;
  const asked = () => tokenRequest(session.simulator.url, { grant_type: 'client_credentials', client_id, client_secret });
  await arm(
    session,
    { path, fault: { kind: 'status', status: 400, body: { error: 'invalid_grant', error_description: 'expired' } } },
    every(path, { kind: 'close' }, { count: 1 }),
    { path, fault: { kind: 'html' } },
  );
  expect(await asked()).toEqual({ status: 400, json: { error: 'invalid_grant', error_description: 'expired' } });
  await expect(asked()).rejects.toThrow('fetch failed');
  await expect(asked()).rejects.toThrow(/JSON/);
  expect((await asked()).status).toBe(200);
});
