import type { PoolClient } from 'pg';
import { objectFacts } from '../domain/objects.ts';
import type { ObjectType } from '../domain/objects.ts';
import type { OpenRun } from '../ledger/runs.ts';
import { crmColumns } from '../mirror/field-set.ts';
import { loadRead, pauseRead, saveCursor } from '../mirror/reads.ts';
import type { ReadCursor } from '../mirror/reads.ts';
import { beginSpan, copyPage, forgetSpan, stageTable } from '../mirror/stage.ts';
import { failureOf } from '../salesforce/errors.ts';
import type { CrmRow } from '../salesforce/side.ts';
import { behindCondition, selectQuery, spanCondition } from '../salesforce/soql.ts';
import { canonicalInstant, scalarText } from '../salesforce/values.ts';
import type { FetchDependencies } from './dependencies.ts';
import { halves } from './decide.ts';
import { grantRows } from './pull-cap.ts';
import { csvOf } from './rows.ts';
import { bulkPageRows, isExpiredPlace, isReshape, isRestart, mostTries, restPageRows, rowsMissing } from './spans.ts';

/** What one turn did. `wait`: the job is not ready, nothing was done. `end`: everything is staged. `cap`: the run may read no more. */
export interface Turn {
  readonly records: number;
  readonly next: 'turn' | 'wait' | 'end' | 'cap';
}

interface Reading {
  readonly deps: FetchDependencies;
  readonly tx: PoolClient;
  readonly run: OpenRun;
  readonly object: ObjectType;
  readonly turn: number;
  readonly columns: readonly string[];
  readonly stage: string;
  readonly signal: AbortSignal;
}

/**
 * One turn of an object's read: opens the query of the span at hand, or stages one page of it. What cannot be answered as a whole is cut in two; a query that was lost or does
 * not add up is asked anew, three times at most. Rows and place commit together, in the caller's transaction.
 */
export async function readOn(
  deps: FetchDependencies,
  tx: PoolClient,
  run: OpenRun,
  object: ObjectType,
  turn: number,
  signal: AbortSignal,
): Promise<Turn> {
  const read = await loadRead(tx, run.runNo, object);
  if (read === null) throw new Error(`the read of ${object} in run number ${run.runNo} has not begun`);
  const reading = { deps, tx, run, object, turn, signal, columns: crmColumns(run.shape, object), stage: stageTable(run.runNo, object) };
  const { cursor } = read;
  if (cursor.spans.length === 0) return { records: 0, next: 'end' };
  try {
    return await (cursor.path === 'rest' ? restTurn(reading, cursor) : bulkTurn(reading, cursor));
  } catch (error) {
    if (isExpiredPlace(error)) return goOn(reading, { ...cursor, query: null });
    const again = isReshape(error) ? cut(cursor, Date.parse(read.openedAt)) : isRestart(error) && cursor.tries + 1 < mostTries ? cursor : null;
    if (again === null) throw error;
    // What the failed statement left of the page is not there: it was another savepoint's.
    await tx.query('rollback to savepoint page');
    await forgetSpan(tx, reading.stage, cursor.spanNo);
    return goOn(reading, { ...again, query: null, after: null, tries: isReshape(error) ? 0 : cursor.tries + 1 });
  }
}

async function goOn({ tx, run, object }: Reading, cursor: ReadCursor, records = 0): Promise<Turn> {
  await saveCursor(tx, run.runNo, object, cursor);
  return { records, next: cursor.spans.length === 0 ? 'end' : 'turn' };
}

function cut(cursor: ReadCursor, nowMs: number): ReadCursor | null {
  const [span, ...rest] = cursor.spans;
  const both = span === undefined ? null : halves(span, nowMs);
  return both === null ? null : { ...cursor, spans: [...both, ...rest] };
}

/** How many of `wanted` rows may be read now; null: fewer than `least`, so the run's cap is reached and the read stops here. */
async function granted({ deps, tx, run, object, turn }: Reading, wanted: number, least: number): Promise<number | null> {
  const rows = await grantRows(deps.database, run, object, turn, wanted);
  if (rows >= least) return rows;
  await pauseRead(tx, run.runNo, object);
  return null;
}

/** A page of a query in the order of stamp and id. */
async function restTurn(reading: Reading, cursor: ReadCursor): Promise<Turn> {
  const { deps, tx, run, object, columns, stage, signal } = reading;
  const left = cursor.query === null ? cursor.expected : (cursor.query.total ?? 0) - cursor.query.seen;
  const wanted = Math.min(restPageRows, Math.max(1, left));
  if ((await granted(reading, wanted, wanted)) === null) return { records: 0, next: 'cap' };
  await tx.query('savepoint page');
  const page = await deps.salesforce.queryPage(cursor.query?.locator ? { locator: cursor.query.locator } : { soql: restQuery(reading, cursor) });
  const arrived = await copyPage(tx, stage, columns, csvOf(run.shape, object, columns, page.rows), signal);
  const seen = (cursor.query?.seen ?? 0) + arrived;
  const last = page.rows.at(-1);
  const after = last === undefined ? cursor.after : placeOf(last, object);
  if (seen > page.total) throw rowsMissing(`the read of ${objectFacts[object].crmName}`, page.total, seen);
  if (page.next !== null) return goOn(reading, { ...cursor, after, query: { jobId: null, locator: page.next, total: page.total, seen } }, arrived);
  if (seen !== page.total) throw rowsMissing(`the read of ${objectFacts[object].crmName}`, page.total, seen);
  return goOn(reading, await spanDone(reading, cursor), arrived);
}

/** Where a page ended: the next query goes on behind it. */
function placeOf(last: CrmRow, object: ObjectType): NonNullable<ReadCursor['after']> {
  const stamp = canonicalInstant(scalarText(last['SystemModstamp']));
  const id = scalarText(last['Id']);
  if (stamp === null || id === '') throw failureOf('BAD_ANSWER', `reading a page of ${objectFacts[object].crmName}`);
  return { stamp, id };
}

function restQuery({ object, columns }: Reading, { spans: [span], after }: ReadCursor): string {
  const conditions = [...(span === undefined ? [] : [spanCondition(span)]), ...(after === null ? [] : [behindCondition(after)])];
  return `${selectQuery(objectFacts[object].crmName, columns, conditions.join(' AND '))} ORDER BY SystemModstamp, Id`;
}

/** Opens the job, or stages its next page once it is ready. */
async function bulkTurn(reading: Reading, cursor: ReadCursor): Promise<Turn> {
  const { deps, tx, object, columns, stage, signal } = reading;
  const { salesforce } = deps;
  const { crmName } = objectFacts[object];
  const jobId = cursor.query?.jobId ?? null;
  if (cursor.query === null || jobId === null) {
    const [span] = cursor.spans;
    await tx.query('savepoint page');
    // A job whose id is lost is an orphan that Salesforce drops.
    const opened = await salesforce.openQuery(selectQuery(crmName, columns, span === undefined ? '' : spanCondition(span)));
    return goOn(reading, { ...cursor, jobs: [...cursor.jobs, opened.jobId], query: { jobId: opened.jobId, locator: null, total: null, seen: 0 } });
  }
  const { locator, seen } = cursor.query;
  await tx.query('savepoint page');
  let { total } = cursor.query;
  if (total === null) {
    const job = await salesforce.checkQuery(jobId);
    if (job.state === 'running') return { records: 0, next: 'wait' };
    total = job.records;
  }
  const wanted = Math.min(bulkPageRows, total - seen);
  const rows = await granted(reading, wanted, Math.min(1, wanted));
  if (rows === null) return { records: 0, next: 'cap' };
  const page = await salesforce.readPage(jobId, locator, Math.max(1, rows));
  let arrived: number;
  try {
    arrived = await copyPage(tx, stage, columns, page.csv, signal);
  } finally {
    page.csv.destroy();
  }
  if (arrived !== page.rows) {
    if (cursor.tries + 1 === mostTries) throw rowsMissing(`a page of ${crmName}`, page.rows, arrived);
    await tx.query('rollback to savepoint page');
    return goOn(reading, { ...cursor, tries: cursor.tries + 1 });
  }
  const query = { jobId, locator: page.nextLocator, total, seen: seen + arrived };
  if (page.nextLocator !== null && query.seen <= total) return goOn(reading, { ...cursor, query }, arrived);
  if (query.seen !== total) throw rowsMissing(`the read of ${crmName}`, total, query.seen);
  return goOn(reading, await spanDone(reading, cursor), arrived);
}

/** The span at hand is staged as a whole: its rows stay whatever becomes of the next one. */
async function spanDone({ tx, stage }: Reading, cursor: ReadCursor): Promise<ReadCursor> {
  const spanNo = cursor.spanNo + 1;
  await beginSpan(tx, stage, spanNo);
  return { ...cursor, spans: cursor.spans.slice(1), query: null, after: null, tries: 0, spanNo };
}
