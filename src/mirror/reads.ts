import type { PoolClient } from 'pg';
import type { ObjectType } from '../domain/objects.ts';
import type { Queryable } from '../postgres/database.ts';
import { raw, sql } from '../postgres/sql.ts';

/** Why an object is read in full although there is a log of changes. Those of `comparedReasons` had a window to compare with. */
export type FullReason = 'first' | 'fieldSet' | 'future' | 'gap' | 'logExpired' | 'asked' | 'sunday' | 'formulas';

/** A stretch of time: half-open, ISO instants, null is open. The same shape as a SOQL span. */
export interface TimeSpan {
  readonly field: 'SystemModstamp' | 'CreatedDate';
  readonly from: string | null;
  readonly to: string | null;
}

/** A query that is open: pages so far had `seen` of its `total` rows. */
export interface OpenQuery {
  /** Of a Bulk query. */
  readonly jobId: string | null;
  /** The next page; null: the first. */
  readonly locator: string | null;
  /** Null until Salesforce said it. */
  readonly total: number | null;
  readonly seen: number;
}

/** Where a read stands. Kept with the rows that were staged. */
export interface ReadCursor {
  readonly path: 'rest' | 'bulk';
  /** What is left, the one at hand first; none: everything is staged. */
  readonly spans: readonly TimeSpan[];
  readonly query: OpenQuery | null;
  /** REST alone: the last row of the span that is staged; where a query whose place has expired begins again. */
  readonly after: { readonly stamp: string; readonly id: string } | null;
  /** Rows that were counted before REST was chosen; 0 for Bulk. */
  readonly expected: number;
  /** Numbers the spans: staged rows of one that must be read anew are told by it. */
  readonly spanNo: number;
  /** Queries of this span that came to nothing. */
  readonly tries: number;
  /** Bulk jobs of this read, to be deleted at its end. */
  readonly jobs: readonly string[];
}

export interface ObjectRead {
  readonly mode: 'full' | 'window';
  readonly reason: FullReason | null;
  readonly windowFrom: string | null;
  readonly coveredTo: string;
  /** By the org's clock. */
  readonly openedAt: string;
  readonly cursor: ReadCursor;
}

export interface StoredRead extends ObjectRead {
  readonly state: 'reading' | 'paused' | 'taken' | 'failed' | 'handedOn';
  /** Taken over from an earlier run, which a cap had stopped. */
  readonly carried: boolean;
}

export interface ReadState {
  readonly arrangement: string;
  readonly watermark: string | null;
  readonly fullAt: string | null;
}

const iso = (column: string): string => `to_char(${column}, 'YYYY-MM-DD"T"HH24:MI:SS.MS"Z"')`;

export async function loadReadState(tx: Queryable, object: ObjectType): Promise<ReadState | null> {
  const found = await tx.query<ReadState>(sql`
    select arrangement, ${raw(iso('watermark'))} as watermark, ${raw(iso('full_at'))} as "fullAt" from read_state where source = ${object}`);
  return found.rows[0] ?? null;
}

/** Begins a read, or begins another one in the same run once the first is taken: what that one covers stays known. */
export async function beginRead(tx: PoolClient, runNo: number, object: ObjectType, read: ObjectRead): Promise<void> {
  await tx.query(sql`
    insert into object_read (run_no, object, mode, reason, window_from, covered_to, opened_at, cursor, state)
    values (${runNo}, ${object}, ${read.mode}, ${read.reason}, ${read.windowFrom}, ${read.coveredTo}, ${read.openedAt}, ${JSON.stringify(read.cursor)}, 'reading')
    on conflict (run_no, object) do update set mode = excluded.mode, reason = excluded.reason, window_from = excluded.window_from,
      covered_to = excluded.covered_to, opened_at = excluded.opened_at, cursor = excluded.cursor, state = 'reading', carried = false, code = null`);
}

/** What this run's reads so far cover, if it is not settled yet. */
export async function pendingWatermark(tx: Queryable, runNo: number, object: ObjectType): Promise<string | null> {
  const found = await tx.query<{ watermark: string | null }>(sql`
    select ${raw(iso('watermark_to'))} as watermark from object_read where run_no = ${runNo} and object = ${object}`);
  return found.rows[0]?.watermark ?? null;
}

export async function loadRead(tx: Queryable, runNo: number, object: ObjectType): Promise<StoredRead | null> {
  const found = await tx.query<StoredRead>(sql`
    select mode, reason, ${raw(iso('window_from'))} as "windowFrom", ${raw(iso('covered_to'))} as "coveredTo", ${raw(iso('opened_at'))} as "openedAt", cursor, state, carried
      from object_read where run_no = ${runNo} and object = ${object}`);
  return found.rows[0] ?? null;
}

export async function saveCursor(tx: PoolClient, runNo: number, object: ObjectType, cursor: ReadCursor): Promise<void> {
  await tx.query(sql`update object_read set cursor = ${JSON.stringify(cursor)} where run_no = ${runNo} and object = ${object}`);
}

/** A cap stops the read here: the next run takes it over. */
export async function pauseRead(tx: PoolClient, runNo: number, object: ObjectType): Promise<void> {
  await tx.query(sql`
    update object_read set state = 'paused', code = 'PULL_CAP', waiting_since = coalesce(waiting_since, now()) where run_no = ${runNo} and object = ${object}`);
}

/** The read that a cap stopped last, of a run before this one. */
export async function pausedRead(
  tx: Queryable,
  runNo: number,
  object: ObjectType,
): Promise<{ readonly runNo: number; readonly mode: 'full' | 'window' } | null> {
  const found = await tx.query<{ runNo: number; mode: 'full' | 'window' }>(sql`
    select run_no as "runNo", mode from object_read where object = ${object} and state = 'paused' and run_no < ${runNo} order by run_no desc limit 1`);
  return found.rows[0] ?? null;
}

/** Whether any object waits for a run that may read it. */
export async function anyWaits(tx: Queryable): Promise<boolean> {
  const found = await tx.query(sql`select from object_read where state = 'paused' limit 1`);
  return found.rowCount !== 0;
}

/** A read that cannot be gone on with. */
export async function forgetPaused(tx: PoolClient, runNo: number, object: ObjectType): Promise<void> {
  await tx.query(sql`update object_read set state = 'handedOn' where object = ${object} and state = 'paused' and run_no < ${runNo}`);
}

export async function takeOverRead(tx: PoolClient, runNo: number, object: ObjectType, from: number): Promise<void> {
  await tx.query(sql`
    insert into object_read (run_no, object, mode, reason, window_from, covered_to, opened_at, cursor, state, waiting_since, carried)
    select ${runNo}::bigint, object, mode, reason, window_from, covered_to, opened_at, cursor, 'reading', waiting_since, true
      from object_read where run_no = ${from} and object = ${object}`);
  await tx.query(sql`update object_read set state = 'handedOn' where run_no = ${from} and object = ${object}`);
}

/** Objects in the order in which they are to be read, the longest waiting first, and whether any waits. */
export async function readingOrder(
  tx: Queryable,
  objects: readonly ObjectType[],
): Promise<{ readonly order: readonly ObjectType[]; readonly anyWaits: boolean }> {
  const found = await tx.query<{ object: ObjectType }>(sql`
    select object from object_read where state = 'paused' and object = any(${objects}) group by object order by min(waiting_since), object`);
  const waiting = found.rows.map(({ object }) => object);
  return { order: [...waiting, ...objects.filter((object) => !waiting.includes(object))], anyWaits: waiting.length > 0 };
}

/** The rows are in the mirror. Of a full read `missed` tells what no window would have brought. */
export async function noteTaken(tx: PoolClient, runNo: number, object: ObjectType, missed: number | null): Promise<void> {
  await tx.query(sql`
    update object_read set state = 'taken', waiting_since = null, missed = coalesce(${missed}::bigint, missed), watermark_to = greatest(watermark_to, covered_to),
      full_to = case when mode = 'full' then greatest(full_to, opened_at) else full_to end
     where run_no = ${runNo} and object = ${object}`);
}

/** The object's read of either side came to nothing: it is not matched tonight (R27), and its watermark stays. */
export async function noteIncomplete(tx: PoolClient, runNo: number, object: ObjectType, code: string): Promise<void> {
  await tx.query(sql`
    insert into object_read (run_no, object, mode, covered_to, opened_at, cursor, state, code)
    values (${runNo}, ${object}, 'window', now(), now(), '{}', 'failed', ${code})
    on conflict (run_no, object) do update set state = 'failed', code = excluded.code, watermark_to = null, full_to = null`);
}

/** R27: whether both sides of an object were read completely in this run. */
export async function isComplete(tx: Queryable, runNo: number, object: ObjectType): Promise<boolean> {
  const found = await tx.query(sql`select from object_read where run_no = ${runNo} and object = ${object} and state = 'taken'`);
  return found.rowCount !== 0;
}

/** The objects of which that cannot be said, with why. */
export async function incompleteReads(tx: Queryable, runNo: number): Promise<readonly { readonly object: ObjectType; readonly code: string }[]> {
  const found = await tx.query<{ object: ObjectType; code: string }>(sql`
    select object, coalesce(code, 'NOT_READ') as code from object_read where run_no = ${runNo} and state <> 'taken' order by object`);
  return found.rows;
}

/**
 * To be called in the transaction that closes a run which went through: watermarks only go forward. One that lay in the future of the org's clock is no time
 * that was ever covered: the full read that followed sets it.
 */
export async function moveWatermarks(tx: PoolClient, runNo: number): Promise<void> {
  await tx.query(sql`
    update read_state s set full_at = greatest(s.full_at, r.full_to),
      watermark = case when s.watermark > r.full_to then r.watermark_to else greatest(s.watermark, r.watermark_to) end
      from object_read r where r.run_no = ${runNo} and r.object = s.source and r.watermark_to is not null`);
}

/** What is known of the reads of a run, for its report. */
export async function readsOf(
  tx: Queryable,
  runNo: number,
): Promise<
  readonly { readonly object: ObjectType; readonly mode: 'full' | 'window'; readonly reason: FullReason | null; readonly missed: number | null }[]
> {
  const found = await tx.query<{ object: ObjectType; mode: 'full' | 'window'; reason: FullReason | null; missed: number | null }>(sql`
    select object, mode, reason, missed from object_read where run_no = ${runNo} and (state <> 'failed' or cursor <> '{}')`);
  return found.rows;
}
