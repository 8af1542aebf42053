import { expect, test } from 'vitest';
import { buildReport } from '../../src/operator/build-report.ts';
import { errorTable, generalRemedy, ruleOf } from '../../src/salesforce/errorTable.ts';
import { strike } from '../apply/night-world.ts';
import { startReads } from '../fetch/reads.ts';
import type { Reads } from '../fetch/reads.ts';
import { testDatabaseUrl } from '../services/database.ts';

const url = await testDatabaseUrl();

const edge = '001000000000001AAA';
const ada = '003000000000001AAA';
const files = {
  'Account.csv': `Id,Name,SystemModstamp\n${edge},Edge,2026-01-01T00:00:00.000Z\n`,
  'Contact.csv': `Id,LastName,AccountId,SystemModstamp\n${ada},King,${edge},2026-01-01T00:00:00.000Z\n003000000000002AAA,Long,${edge},2026-01-01T00:00:00.000Z\n`,
} as const;

/** A second night over a window in which one contact changed. */
async function changed(): Promise<Reads> {
  const reads = await startReads(url, files);
  await reads.night();
  reads.pass(86_400);
  await reads.org.sobject('Contact').update({ Id: ada, LastName: 'Queen' });
  return reads;
}

const error = (status: number, errorCode: string, message = 'quotes ada@example.com') => ({ kind: 'status', status, errorCode, message });
const query = { path: '/queryAll', contains: 'from Contact' };

const goesOn: readonly (readonly [string, object])[] = [
  ['a server error of its own, twice', { ...query, count: 2, fault: error(500, 'UNKNOWN_EXCEPTION') }],
  ['503', { ...query, count: 3, fault: error(503, 'SERVER_UNAVAILABLE') }],
  ['a web page with 502', { ...query, fault: { kind: 'html', status: 502 } }],
  ['a web page that says 404', { ...query, fault: { kind: 'html', status: 404 } }],
  ['420', { ...query, fault: { kind: 'status', status: 420, body: '' } }],
  ['429', { ...query, fault: { kind: 'status', status: 429, body: 'slow down', contentType: 'text/plain' } }],
  ['too many long requests at once', { ...query, count: 2, fault: { kind: 'requestLimit', limit: 'concurrent' } }],
  ['a connection that closes', { ...query, count: 2, fault: { kind: 'close' } }],
  ['an answer that is lost', { ...query, fault: { kind: 'loseAnswer' } }],
  ['half an answer', { ...query, fault: { kind: 'cut' } }],
  ['half an answer that calls itself whole', { ...query, fault: { kind: 'cut', clean: true } }],
  ['noise', { ...query, fault: { kind: 'garbage', bytes: 300 } }],
  ['a session that ends', { ...query, fault: { kind: 'sessionExpired' } }],
  ['a query that takes too long', { ...query, count: 3, fault: error(400, 'QUERY_TIMEOUT') }],
  ['an operation too large', { ...query, contains: 'order by', fault: error(400, 'OPERATION_TOO_LARGE') }],
  ['a log with too many ids', { path: '/sobjects/Contact/updated', fault: error(400, 'EXCEEDED_ID_LIMIT') }],
  ['too many deleted ids', { path: '/sobjects/Contact/deleted', fault: error(400, 'EXCEEDED_ID_LIMIT') }],
];

test.each(goesOn)('%s: the read of the window goes on', async (_what, rule) => {
  const reads = await changed();
  await strike(reads.simulator, rule);
  const night = await reads.night();
  expect([night.incomplete, night.reads.contact]).toEqual([[], 'window']);
  expect((await reads.held('contact')).get(ada)?.values).toContain('Queen');
  expect(await struck(reads)).toBeGreaterThan(0);
});

async function struck(reads: Reads): Promise<number> {
  const answer = (await (await fetch(`${reads.simulator.url}/__simulator/faults`)).json()) as { struck: number };
  return answer.struck;
}

test('a log of deletions that does not reach back: everything is read', async () => {
  const reads = await changed();
  await strike(reads.simulator, { path: '/sobjects/Contact/deleted', count: 3, fault: error(400, 'INVALID_REPLICATION_DATE') });
  const night = await reads.night();
  expect([night.incomplete, night.reads.contact, night.reads.account]).toEqual([[], 'full logExpired', 'window']);
});

const ends: readonly (readonly [string, string, object])[] = [
  ['UNKNOWN_EXCEPTION', 'three times in a row', { ...query, count: 3, fault: error(500, 'UNKNOWN_EXCEPTION') }],
  ['SESSION_REFUSED', 'for new sessions as well, twice in a row', { ...query, count: 'always', fault: { kind: 'sessionExpired' } }],
  ...['API_DISABLED_FOR_ORG', 'API_CURRENTLY_DISABLED', 'INSUFFICIENT_ACCESS', 'FUNCTIONALITY_NOT_ENABLED'].map(
    (code) => [code, 'at once', { ...query, fault: error(403, code) }] as const,
  ),
  ...['MALFORMED_QUERY', 'INVALID_FIELD', 'INVALID_TYPE', 'JSON_PARSER_ERROR', 'SOMETHING_NEW'].map(
    (code) => [code, 'at once', { ...query, fault: error(400, code) }] as const,
  ),
];

test.each(ends)('R27 %s, %s: the object is incomplete, and the report says what to do', async (code, _when, rule) => {
  const reads = await changed();
  await strike(reads.simulator, rule);
  const night = await reads.night();
  expect(night.incomplete).toEqual([{ object: 'contact', code }]);
  const { warnings } = await buildReport(reads.database, night.run);
  expect(warnings).toHaveLength(1);
  expect(warnings[0]).toContain(`contact was not read completely: `);
  if (Object.hasOwn(errorTable, code)) expect(warnings[0]).toContain(ruleOf(code).remedy ?? generalRemedy);
  expect(warnings[0]).not.toContain('ada');
  await strike(reads.simulator);
  expect((await reads.night()).incomplete).toEqual([]);
  expect((await reads.held('contact')).get(ada)?.values).toContain('Queen');
});

const jobs: readonly (readonly [string, object])[] = [
  [
    'given up by Salesforce',
    { path: '/jobs/query', method: 'POST', contains: 'from Contact', fault: { kind: 'job', end: 'Failed', message: 'InternalServerError' } },
  ],
  [
    'retried too often, so that it is asked in halves',
    { path: '/jobs/query', method: 'POST', contains: 'from Contact', fault: { kind: 'job', end: 'Failed' } },
  ],
  ['gone', { path: '/jobs/query', method: 'POST', contains: 'from Contact', fault: { kind: 'job', end: 'gone' } }],
  ['not ready for a while', { path: '/jobs/query', method: 'POST', contains: 'from Contact', fault: { kind: 'job', end: 'stuck', polls: 3 } }],
  ['without a locator once', { path: '/jobs/query/*/results', fault: { kind: 'locator', as: 'missing' } }],
  ['with a wrong count once', { path: '/jobs/query/*/results', fault: { kind: 'wrongCount', by: 1 } }],
  ['with rows that are not there once', { path: '/jobs/query/*/results', fault: { kind: 'dropRows', rows: 1 } }],
  ['cut once', { path: '/jobs/query/*/results', fault: { kind: 'cut' } }],
  ['of noise once', { path: '/jobs/query/*/results', fault: { kind: 'garbage', bytes: 2_000 } }],
];

test.each(jobs)('a Bulk result %s: everything is read in the end', async (_what, rule) => {
  const reads = await startReads(url, files);
  await strike(reads.simulator, rule);
  const night = await reads.night();
  expect(night.incomplete).toEqual([]);
  expect((await reads.held('contact')).size).toBe(2);
  expect(await struck(reads)).toBeGreaterThan(0);
});

test.each([
  ['JOB_ABORTED', { path: '/jobs/query', method: 'POST', contains: 'from Contact', fault: { kind: 'job', end: 'Aborted' } }],
  ['API_VERSION_MISMATCH', { path: '/jobs/query/*/results', count: 'always', fault: error(409, 'INVALID_API_VERSION') }],
] as const)('R27 %s of a Bulk query ends the read of its object with what to do', async (code, rule) => {
  const reads = await startReads(url, files);
  await strike(reads.simulator, rule);
  const night = await reads.night({ objects: ['contact'] });
  expect(night.incomplete).toEqual([{ object: 'contact', code }]);
  const { warnings } = await buildReport(reads.database, night.run);
  expect(warnings).toEqual([`contact was not read completely: ${ruleOf(code).says} (${code}). ${ruleOf(code).remedy}`]);
});

test('a look-up that takes too long is asked in halves, and one that lost its place once more', async () => {
  const reads = await startReads(url, {
    'Account.csv': `Id,Name\n${['1', '2', '3'].map((n) => `00100000000000${n}AAA,A${n}`).join('\n')}\n`,
    'Contact.csv': `Id,LastName,AccountId\n${['1', '2', '3'].map((n) => `00300000000000${n}AAA,C${n},00100000000000${n}AAA`).join('\n')}\n`,
  });
  await reads.night();
  reads.pass(86_400);
  const ids = ['1', '2', '3'].map((n) => `00300000000000${n}AAA`);
  for (const id of ids) await reads.org.sobject('Contact').destroy(id);
  await reads.org.soap.emptyRecycleBin(ids);
  await strike(
    reads.simulator,
    { path: '/queryAll', contains: "'003000000000001AAA','003000000000002AAA'", count: 2, fault: error(400, 'QUERY_TIMEOUT') },
    { path: '/queryAll', contains: "IN ('003000000000003AAA')", fault: error(400, 'INVALID_QUERY_LOCATOR') },
  );
  const night = await reads.night();
  expect(night.incomplete).toEqual([]);
  expect((await reads.held('contact')).size).toBe(0);
  expect(await struck(reads)).toBe(3);
});
