import { expect, test } from 'vitest';
import { startSimulator } from '../src/simulator.ts';
import { arm, bulkQuery, call, counted, directoryWith, ingest, jobOver, orgWith, rowsOf } from './harness.ts';
import { tokenOf } from './token.ts';
import type { Session } from './harness.ts';

const id = (n: number): string => `003${String(n).padStart(12, '0')}AAA`;
const ids = [1, 2, 3, 4, 5, 6].map(id);
const world = { 'Contact.csv': `Id,LastName\n${ids.map((each) => `${each},x\n`).join('')}` };
const csv = `Id,Title\n${ids.map((each) => `${each},new\n`).join('')}`;
const update = { object: 'Contact', operation: 'update' };
const job = (fault: Record<string, unknown>, path = '/jobs/ingest'): unknown => ({ path, method: 'POST', fault: { kind: 'job', ...fault } });

/** How many data rows the three result files have. */
async function files(session: Session, jobId: string): Promise<{ ok: number; failed: number; unprocessed: number }> {
  const count = async (name: string): Promise<number> =>
    Math.max(0, (await call(session, 'GET', `/jobs/ingest/${jobId}/${name}`)).text.trim().split('\n').length - 1);
  return { ok: await count('successfulResults'), failed: await count('failedResults'), unprocessed: await count('unprocessedrecords') };
}
const written = async (session: Session): Promise<number> => (await counted(session, 'updates', 'object=Contact')).length;

test.for(['Failed', 'Aborted'])('an ingest job ends %s after some rows: those are written, the others unprocessed', async (end) => {
  const session = await orgWith(world);
  await arm(session, job({ end, afterRows: 2, message: 'InternalServerError : out of order' }));
  const over = await ingest(session, update, csv);
  expect(over).toMatchObject({ state: end, numberRecordsProcessed: 2, numberRecordsFailed: 0 });
  expect(over.errorMessage).toBe(end === 'Failed' ? 'InternalServerError : out of order' : undefined);
  expect(over).not.toHaveProperty('jobFault');
  expect(await files(session, over.id)).toEqual({ ok: 2, failed: 0, unprocessed: 4 });
  expect(await written(session)).toBe(2);
  expect(await ingest(session, update, csv)).toMatchObject({ state: 'JobComplete', numberRecordsProcessed: 6 });
});

test('an ingest job that fails without a word has no row processed, whichever request of it the rule strikes', async () => {
  const session = await orgWith(world);
  await arm(session, { path: '/jobs/ingest/*', method: 'PATCH', fault: { kind: 'job', end: 'Failed' } });
  const over = await ingest(session, update, csv);
  expect(over).toMatchObject({ state: 'Failed', errorMessage: expect.stringMatching(/Retried more than/) });
  expect(await files(session, over.id)).toEqual({ ok: 0, failed: 0, unprocessed: 6 });
});

test('a stuck ingest job stays InProgress until it was asked often enough, or for good, also after a restart', async () => {
  const state = directoryWith({});
  const data = directoryWith(world);
  let simulator = await startSimulator({ dataDirectory: data, stateDirectory: state });
  const session = { simulator, token: await tokenOf(simulator), base: `${simulator.url}/services/data/v66.0`, warnings: [] };
  await arm(session, job({ end: 'stuck', polls: 4, afterRows: 3 }), { ...(job({ end: 'stuck' }) as object), at: 2 });
  const opened = async (): Promise<string> => {
    const { json } = await call(session, 'POST', '/jobs/ingest', update);
    await call(session, 'PUT', `/jobs/ingest/${json.id}/batches`, csv);
    await call(session, 'PATCH', `/jobs/ingest/${json.id}`, { state: 'UploadComplete' });
    return json.id as string;
  };
  const slow = await opened();
  await expect.poll(() => written(session)).toBe(3);
  const seen = new Set<string>();
  for (let n = 0; n < 3; n += 1) seen.add((await call(session, 'GET', `/jobs/ingest/${slow}`)).json.state);
  expect([...seen]).toEqual(['InProgress']);
  expect(await jobOver(session, 'ingest', slow)).toMatchObject({ state: 'JobComplete', numberRecordsProcessed: 6 });
  expect(await counted(session, 'updates', 'object=Contact&min=2')).toEqual([]);

  const stuck = await opened();
  await simulator.stop();
  simulator = await startSimulator({ stateDirectory: state });
  const later = { ...session, simulator, base: `${simulator.url}/services/data/v66.0` };
  for (let n = 0; n < 10; n += 1) expect((await call(later, 'GET', `/jobs/ingest/${stuck}`)).json.state).toMatch(/UploadComplete|InProgress/);
  expect((await call(later, 'PATCH', `/jobs/ingest/${stuck}`, { state: 'Aborted' })).json.state).toBe('Aborted');
  expect(await files(later, stuck)).toEqual({ ok: 0, failed: 0, unprocessed: 6 });
  await simulator.stop();
});

test('a job that is gone: its rows are written, and it is a 404 from then on', async () => {
  const session = await orgWith(world);
  await arm(session, job({ end: 'gone' }));
  const { json } = await call(session, 'POST', '/jobs/ingest', update);
  await call(session, 'PUT', `/jobs/ingest/${json.id}/batches`, csv);
  await call(session, 'PATCH', `/jobs/ingest/${json.id}`, { state: 'UploadComplete' });
  await expect.poll(() => call(session, 'GET', `/jobs/ingest/${json.id}`)).toMatchObject({ status: 404, json: [{ errorCode: 'NOT_FOUND' }] });
  expect((await call(session, 'GET', `/jobs/ingest/${json.id}/successfulResults`)).status).toBe(404);
  expect(await written(session)).toBe(6);
});

test.for([true, false])('rows that are lost stand in no result file; whether they were saved: %s', async (lostAreSaved) => {
  const session = await orgWith(world);
  await arm(session, job({ lostRows: 2, lostAreSaved }));
  const over = await ingest(session, update, csv);
  expect(over).toMatchObject({ state: 'JobComplete', numberRecordsProcessed: 4, numberRecordsFailed: 0 });
  expect(await files(session, over.id)).toEqual({ ok: 4, failed: 0, unprocessed: 0 });
  expect(await written(session)).toBe(lostAreSaved ? 6 : 4);
});

test('a query job is stuck, Failed, Aborted or gone', async () => {
  const session = await orgWith(world);
  const soql = 'select Id from Contact';
  await arm(
    session,
    ...[{ end: 'Failed', message: 'QUERY_TIMEOUT' }, { end: 'Aborted' }, { end: 'stuck', polls: 3 }, { end: 'gone' }].map((fault, index) => ({
      ...(job(fault, '/jobs/query') as object),
      name: fault.end,
      at: index + 1,
    })),
  );
  expect(await bulkQuery(session, soql)).toMatchObject({ state: 'Failed', errorMessage: 'QUERY_TIMEOUT' });
  const aborted = await bulkQuery(session, soql);
  expect(aborted).toMatchObject({ state: 'Aborted' });
  expect(await call(session, 'GET', `/jobs/query/${aborted.id}/results`)).toMatchObject({ status: 400, json: [{ errorCode: 'INVALIDJOBSTATE' }] });
  const stuck = await bulkQuery(session, soql);
  expect(stuck).toMatchObject({ state: 'JobComplete', numberRecordsProcessed: 6 });
  const polls = session.simulator.requestLog().filter(({ url }) => url.endsWith(`/jobs/query/${stuck.id}`)).length;
  expect(polls).toBeGreaterThan(2);
  const { json } = await call(session, 'POST', '/jobs/query', { operation: 'query', query: soql });
  await expect.poll(() => call(session, 'GET', `/jobs/query/${json.id}`)).toMatchObject({ status: 404 });
});

test('rowError: a locked row in collections, by number or id, and the others are saved; then it is free again', async () => {
  const session = await orgWith(world);
  const save = async (): Promise<[boolean, string | undefined][]> => {
    const records = ids.slice(0, 3).map((each) => ({ attributes: { type: 'Contact' }, id: each, Title: 'new' }));
    const { json } = await call(session, 'PATCH', '/composite/sobjects', { allOrNone: false, records });
    return json.map((result: { success: boolean; errors: { statusCode: string }[] }) => [result.success, result.errors[0]?.statusCode]);
  };
  const path = '/composite/sobjects';
  await arm(
    session,
    { path, fault: { kind: 'rowError', rows: 2 } },
    { path, at: 2, fault: { kind: 'rowError', ids: [ids[2]?.slice(0, 15)], errorCode: 'ENTITY_IS_LOCKED' } },
  );
  const locked = [false, 'UNABLE_TO_LOCK_ROW'];
  const saved = [true, undefined];
  expect(await save()).toEqual([locked, locked, saved]);
  expect(await save()).toEqual([saved, saved, [false, 'ENTITY_IS_LOCKED']]);
  expect(await save()).toEqual([saved, saved, saved]);
  expect((await counted(session, 'updates', 'object=Contact')).map(({ updates }: { updates: number }) => updates)).toEqual([2, 2, 2]);
});

test('rowError in single rows and in Bulk: the row fails as Salesforce says it', async () => {
  const session = await orgWith(world);
  await arm(
    session,
    { path: '/sobjects/Contact/*', fault: { kind: 'rowError' } },
    {
      path: '/jobs/ingest',
      fault: { kind: 'rowError', ids: [ids[1]], errorCode: 'FIELD_CUSTOM_VALIDATION_EXCEPTION', message: 'no', fields: ['Title'] },
    },
  );
  expect(await call(session, 'PATCH', `/sobjects/Contact/${ids[0]}`, { Title: 'one' })).toMatchObject({
    status: 400,
    json: [{ errorCode: 'UNABLE_TO_LOCK_ROW', message: `unable to obtain exclusive access to this record or 1 records: ${ids[0]}` }],
  });
  const over = await ingest(session, update, csv);
  expect(over).toMatchObject({ state: 'JobComplete', numberRecordsProcessed: 6, numberRecordsFailed: 1 });
  expect((await call(session, 'GET', `/jobs/ingest/${over.id}/failedResults`)).text).toContain(
    `"${ids[1]}","FIELD_CUSTOM_VALIDATION_EXCEPTION:no:Title --"`,
  );
  expect(await rowsOf(session, `select Title from Contact where Id = '${ids[1]}'`)).toEqual([{ Title: null }]);
});
