import { expect, test } from 'vitest';
import { applyCollectionsPart } from '../../src/apply/collections.ts';
import type { Failure } from '../../src/domain/failure.ts';
import type { OpenRun } from '../../src/ledger/runs.ts';
import { buildReport } from '../../src/operator/build-report.ts';
import { sql } from '../../src/postgres/sql.ts';
import { errorTable, ruleOf } from '../../src/salesforce/errorTable.ts';
import { applyBulk, nightWorld, strike } from '../apply/night-world.ts';
import type { NightWorld } from '../apply/night-world.ts';
import { id, outcomes, reserved, still } from '../apply/reserved.ts';
import { testDatabaseUrl } from '../services/database.ts';

const url = await testDatabaseUrl();

const rowClasses: ReadonlySet<string> = new Set(['rowTerminal', 'rowGone', 'reroute', 'defer']);
/** Codes whose row has its outcome at the first answer. What is tried again, and what stops all writing, is below. */
const codes = [...Object.entries(errorTable).flatMap(([code, rule]) => (rowClasses.has(rule.class) ? [code] : [])), 'SOMETHING_NEW'];
const contact = (n: number): string => `003${String(n + 1).padStart(12, '0')}AAA`;

/** As many contacts as there are codes and one more; each is refused with its own. */
const many = {
  'Contact.csv': ['Id,LastName,Department', ...[...codes, 'good'].map((_, n) => `${contact(n)},L${n},old`)].join('\n'),
  'user-1.csv': ['userId,attribute:sfcrmContactId,attribute:department', ...[...codes, 'good'].map((_, n) => `u${n},${contact(n)},new`)].join('\n'),
  'crm-sync.yaml': 'objects:\n  contact:\n    push: [{ from: department, to: Department }]',
} as const;

async function refusedEach(way: 'collections' | 'bulk'): Promise<ReadonlyMap<string, string>> {
  const { world, run, crmPart } = await reserved(url, way, many);
  const place = way === 'bulk' ? { path: '/jobs/ingest', method: 'POST' } : { path: '/composite/sobjects', method: 'PATCH' };
  // One request takes one fault: each code has a call of its own.
  const rows = await world.deps.database.query<{ id: string }>(
    sql`select distinct target_id as id from intent where run_no = ${run.runNo} and side = 'salesforce' order by 1`,
  );
  expect(rows.rows.length).toBe(codes.length + 1);
  for (const [n, code] of codes.entries()) {
    await strike(world.simulator, {
      ...place,
      fault: { kind: 'rowError', ids: [contact(n)], errorCode: code, message: `refused: ada@example.com`, fields: ['Department'] },
    });
    await onlyRecords(world, run, [contact(n)]);
    if (way === 'bulk') await applyBulk(world.deps, run, crmPart);
    else await applyCollectionsPart(world.deps, run, crmPart, still);
  }
  await onlyRecords(world, run, [contact(codes.length)]);
  await applyCollectionsPart(world.deps, run, crmPart, still);
  const kept = await world.deps.database.query<{ id: string; text: string }>(sql`
    select target_id as id, concat_ws(',', outcome, code, reason) as text from intent where run_no = ${run.runNo} and side = 'salesforce'`);
  return new Map(kept.rows.map(({ id: record, text }) => [record, text]));
}

/** Puts all intents but those of these records aside, in a chunk that no part has. */
async function onlyRecords({ deps }: NightWorld, run: OpenRun, ids: readonly string[]): Promise<void> {
  await deps.database.query(sql`
    update intent_set i set part = case when target_id = any(${ids}::text[]) then (select max(chunk) from apply_part where run_no = ${run.runNo} and side = 'salesforce') else 7 end
     where run_no = ${run.runNo} and side = 'salesforce' and outcome is null`);
}

const expected = (code: string): string => `${ruleOf(code).class === 'defer' ? 'deferred' : 'rejected'},${code},${ruleOf(code).says}`;

test('R26 collections: each code of the table for rows ends its row alone, by its class, without what Salesforce says of the value', async () => {
  const found = await refusedEach('collections');
  expect(codes.map((code, n) => [code, found.get(contact(n))])).toEqual(codes.map((code) => [code, expected(code)]));
  expect(found.get(contact(codes.length))).toBe('applied');
});

test('R26 Bulk: one job with rows refused for different reasons keeps each with its code', async () => {
  const { world, run, crmPart } = await reserved(url, 'bulk');
  await strike(world.simulator, {
    path: '/jobs/ingest',
    method: 'POST',
    fault: {
      kind: 'rowError',
      ids: [id(1), id(3)],
      errorCode: 'FIELD_CUSTOM_VALIDATION_EXCEPTION',
      message: 'not "new1", Ada: say',
      fields: ['Department'],
    },
  });
  await applyBulk(world.deps, run, crmPart);
  const text = 'rejected,FIELD_CUSTOM_VALIDATION_EXCEPTION,a validation rule of the org refuses the record';
  expect(await outcomes(world, run)).toEqual([`1,${text}`, '2,applied', `3,${text}`, '4,applied']);
});

test.each([
  ['collections', { path: '/composite/sobjects', method: 'PATCH', count: 2 }],
  ['bulk', { path: '/jobs/ingest', method: 'POST', count: 1 }],
] as const)('%s: a lock, also inside the error of a trigger, is tried again, and the rows are written', async (way, where) => {
  const { world, run, crmPart } = await reserved(url, way);
  await strike(world.simulator, {
    ...where,
    fault: {
      kind: 'rowError',
      rows: 2,
      errorCode: 'CANNOT_INSERT_UPDATE_ACTIVATE_ENTITY',
      message: 'AccountTrigger: UNABLE_TO_LOCK_ROW, unable to obtain',
    },
  });
  if (way === 'bulk') await applyBulk(world.deps, run, crmPart);
  else await applyCollectionsPart(world.deps, run, crmPart, still);
  expect(await outcomes(world, run)).toEqual(['1,applied', '2,applied', '3,applied', '4,applied']);
  expect([...(await world.updates('Contact')).values()]).toEqual([1, 1, 1, 1]);
});

test('a lock is tried again in smaller chunks, five times at most, and then waits for the next night', async () => {
  const { world, run, crmPart } = await reserved(url);
  const locked = (...ids: readonly string[]) => ({ path: '/composite/sobjects', method: 'PATCH', fault: { kind: 'rowError', ids } });
  await strike(world.simulator, { ...locked(id(1), id(2)), count: 2 }, { ...locked(id(1)), count: 'always' });
  await applyCollectionsPart(world.deps, run, crmPart, still);
  const sizes = world.simulator
    .requestLog()
    .flatMap(({ method, path, rows }) => (method === 'PATCH' && path.endsWith('composite/sobjects') ? [rows] : []));
  expect(sizes).toEqual([4, 2, 2, 1, 1]);
  expect(await outcomes(world, run)).toEqual(['1,deferred,UNABLE_TO_LOCK_ROW,tried again in vain', '2,applied', '3,applied', '4,applied']);
});

test('when the storage of the org is full, no part of the run writes any more, whatever its object and path, and the report says what to do', async () => {
  const world = await nightWorld(url, {
    'Account.csv': 'Id,Name,Site\n001000000000001AAA,One,old\n',
    'Contact.csv': `Id,LastName,Department\n${id(1)},L1,old\n${id(2)},L2,old\n`,
    'account-1.csv': 'accountId,attribute:sfcrmAccountId,attribute:site\na1,001000000000001AAA,new\n',
    'user-1.csv': `userId,attribute:sfcrmContactId,attribute:department\nu1,${id(1)},new\nu2,${id(2)},new\n`,
    'crm-sync.yaml': 'objects:\n  account:\n    push: [{ from: site, to: Site }]\n  contact:\n    push: [{ from: department, to: Department }]',
  });
  const run = await world.open('one');
  await world.fetch(run);
  await world.plan(run, 1);
  const groups = await world.reserve(run);
  await strike(world.simulator, {
    path: '/composite/sobjects',
    method: 'PATCH',
    count: 1,
    fault: { kind: 'rowError', errorCode: 'STORAGE_LIMIT_EXCEEDED' },
  });
  await world.apply(
    run,
    groups.filter(({ object }) => object === 'account'),
  );
  const sent = world.simulator.requestLog().length;
  await world.apply(
    run,
    groups.filter(({ object }) => object === 'contact'),
  );
  await world.deps.database.query(sql`update apply_part set path = 'bulk' where object = 'contact'`);
  expect((await world.updates('Contact')).size).toBe(0);
  expect(world.simulator.requestLog().length).toBe(sent);
  const csv = await world.intents(run);
  expect(
    csv
      .trim()
      .split('\n')
      .slice(1)
      .map((line) => line.split(',').slice(7, 9).join(',')),
  ).toEqual(Array.from({ length: 3 }, () => 'deferred,STORAGE_LIMIT_EXCEEDED'));
  expect((await buildReport(world.deps.database, run)).warnings).toEqual([
    "writing to Salesforce was stopped: the org's storage is full (STORAGE_LIMIT_EXCEEDED). Free storage in the org (Setup, Storage Usage).",
  ]);
});

test.each([
  ['SERVER_UNAVAILABLE', 'transient', { kind: 'html', status: 503 }],
  ['CONNECTION_LOST', 'transient', { kind: 'loseAnswer' }],
  ['UNKNOWN_EXCEPTION', 'transient', { kind: 'status', status: 500, errorCode: 'UNKNOWN_EXCEPTION', message: 'new1' }],
  ['TOO_MANY_CONCURRENT', 'throttled', { kind: 'requestLimit', limit: 'concurrent' }],
  ['DAILY_REQUESTS_USED_UP', 'throttled', { kind: 'requestLimit', limit: 'total' }],
  ['INSUFFICIENT_ACCESS', 'permanent', { kind: 'status', status: 403, errorCode: 'INSUFFICIENT_ACCESS', message: 'new1' }],
  ['JSON_PARSER_ERROR', 'permanent', { kind: 'status', status: 400, errorCode: 'JSON_PARSER_ERROR', message: 'new1' }],
] as const)('%s of a whole call is %s and decides no row: a repeat looks first, and each is written once', async (code, kind, fault) => {
  const { world, run, crmPart } = await reserved(url);
  await strike(world.simulator, { path: '/composite/sobjects', method: 'PATCH', fault });
  const thrown = await applyCollectionsPart(world.deps, run, crmPart, still).then(
    () => null,
    (error: unknown) => error as Failure,
  );
  expect(thrown).toMatchObject({ code, kind });
  expect(thrown?.message).not.toContain('new1');
  if (kind === 'permanent') expect(thrown?.remedy).toMatch(/\.$/);
  expect(await outcomes(world, run)).toEqual(['1', '2', '3', '4']);
  await applyCollectionsPart(world.deps, run, crmPart, still);
  expect(await outcomes(world, run)).toEqual(['1,applied', '2,applied', '3,applied', '4,applied']);
  expect([...(await world.updates('Contact')).values()]).toEqual([1, 1, 1, 1]);
});
