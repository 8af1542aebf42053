import type { PoolClient } from 'pg';
import { Failure } from '../domain/failure.ts';
import { objectFacts } from '../domain/objects.ts';
import type { ObjectType } from '../domain/objects.ts';
import type { OpenRun } from '../ledger/runs.ts';
import { arrangementOf } from '../mirror/arrangement.ts';
import { crmColumns } from '../mirror/field-set.ts';
import { nameForLookUp } from '../mirror/look-up.ts';
import { anyWaits, beginRead, forgetPaused, loadReadState, noteTaken, pausedRead, pendingWatermark, takeOverRead } from '../mirror/reads.ts';
import type { FullReason, ReadCursor, TimeSpan } from '../mirror/reads.ts';
import { createStage, dropOldStages, dropStage, renameStage, stageExists, stageTable } from '../mirror/stage.ts';
import { selectQuery, spanCondition } from '../salesforce/soql.ts';
import { coveredByUpdates, deletedSince } from './changes.ts';
import type { Covered } from './changes.ts';
import { comparedReasons, decideRead, overlapMs } from './decide.ts';
import type { FetchDependencies } from './dependencies.ts';
import { pullLeft } from './pull-cap.ts';
import { fitsAddress, isReshape, restRowsMost } from './spans.ts';

export interface ReadRequest {
  /** `run --full` */
  readonly full: boolean;
  /** When the Schedule meant the run to begin: an ISO instant. */
  readonly nominalAt?: string | undefined;
}

const isoOf = (ms: number): string => new Date(ms).toISOString();

const secondMs = 1_000;

/** What comes after opening: turns, or the rows are taken at once since there are none, or there is nothing to be taken. */
export type Opened = 'turns' | 'take' | 'nothing';

/**
 * Begins the read of one object: goes on with one that a cap stopped, or decides between a window of changes and a full read, and what to ask. The column list is that of the
 * run; time is the org's, never this machine's.
 */
export async function openRead(deps: FetchDependencies, tx: PoolClient, run: OpenRun, object: ObjectType, request: ReadRequest): Promise<Opened> {
  const state = await loadReadState(tx, object);
  const columns = crmColumns(run.shape, object);
  // An org may have no leads.
  if (columns.length === 0) {
    const never = isoOf(0);
    await beginRead(tx, run.runNo, object, {
      mode: 'window',
      reason: null,
      windowFrom: null,
      coveredTo: never,
      openedAt: never,
      cursor: cursorOf('rest', 0),
    });
    await noteTaken(tx, run.runNo, object, null);
    return 'nothing';
  }
  if (await takeOver(tx, run, object, columns, request)) return 'turns';
  await dropOldStages(tx, run.runNo, object);
  await createStage(tx, stageTable(run.runNo, object), columns, { spans: true });
  const nowMs = Date.parse(await deps.salesforce.serverDate());
  const decision = decideRead({
    state,
    arrangement: arrangementOf(run.shape, object),
    nowMs,
    asked: request.full,
    nominalMs: request.nominalAt === undefined ? nowMs : Date.parse(request.nominalAt),
    timezone: run.shape.settings.schedule.timezone,
    hasFormulas: run.shape.crm[object].some((field) => field.calculated),
  });
  const asksLog = decision.mode === 'window' || comparedReasons.has(decision.reason);
  const told = !asksLog || decision.fromMs === null ? null : await toldSince(deps, object, decision.fromMs, nowMs);
  if (told !== null && told !== 'tooFarBack') {
    await nameForLookUp(tx, object, 'log', told.deletedIds);
    if (decision.mode === 'window') return openWindow(deps, tx, run, object, { fromMs: decision.fromMs, nowMs, told, mostRows: null });
  }
  const reason: FullReason = told === 'tooFarBack' ? 'logExpired' : decision.mode === 'full' ? decision.reason : 'first';
  await beginRead(tx, run.runNo, object, {
    mode: 'full',
    reason,
    windowFrom: decision.fromMs === null ? null : isoOf(decision.fromMs),
    coveredTo: isoOf(await coveredByUpdates(deps.salesforce, objectFacts[object].crmName, nowMs - overlapMs, nowMs)),
    openedAt: isoOf(nowMs),
    cursor: cursorOf('bulk', 0, { field: 'CreatedDate', from: null, to: null }),
  });
  return 'turns';
}

/**
 * After a read that an earlier run had begun: what changed since, if the cap leaves room for all of it and nothing else waits. If not, the mirror is complete as of then, and the
 * next run reads it.
 */
export async function openCatchUp(deps: FetchDependencies, tx: PoolClient, run: OpenRun, object: ObjectType): Promise<Opened> {
  const watermark = await pendingWatermark(tx, run.runNo, object);
  if (watermark === null || (await anyWaits(tx))) return 'nothing';
  const nowMs = Date.parse(await deps.salesforce.serverDate());
  const fromMs = Date.parse(watermark) - overlapMs;
  const told = await toldSince(deps, object, fromMs, nowMs);
  if (told === 'tooFarBack') return 'nothing';
  await createStage(tx, stageTable(run.runNo, object), crmColumns(run.shape, object), { spans: true });
  const opened = await openWindow(deps, tx, run, object, { fromMs, nowMs, told, mostRows: await pullLeft(tx, run) });
  if (opened === 'nothing') await dropStage(tx, stageTable(run.runNo, object));
  else await nameForLookUp(tx, object, 'log', told.deletedIds);
  return opened;
}

interface Window {
  readonly fromMs: number;
  readonly nowMs: number;
  readonly told: Covered;
  /** A window of more rows is not opened. */
  readonly mostRows: number | null;
}

async function openWindow(
  deps: FetchDependencies,
  tx: PoolClient,
  run: OpenRun,
  object: ObjectType,
  { fromMs, nowMs, told, mostRows }: Window,
): Promise<Opened> {
  const toMs = Math.min(told.toMs, await coveredByUpdates(deps.salesforce, objectFacts[object].crmName, fromMs, nowMs));
  // Stamps are to the second: the one that still runs is read with the others, and again by the next window, as the watermark stays before it.
  const span: TimeSpan = { field: 'SystemModstamp', from: isoOf(fromMs), to: isoOf(toMs + secondMs) };
  const rows = toMs <= fromMs ? 0 : await countOf(deps, object, span);
  if (mostRows !== null && (rows === null || rows > mostRows)) return 'nothing';
  const soql = selectQuery(objectFacts[object].crmName, crmColumns(run.shape, object), spanCondition(span));
  const path = rows !== null && rows <= Math.min(restRowsMost, await pullLeft(tx, run)) && fitsAddress(soql) ? 'rest' : 'bulk';
  await beginRead(tx, run.runNo, object, {
    mode: 'window',
    reason: null,
    windowFrom: isoOf(fromMs),
    // A transaction that began before the window holds the watermark where it was.
    coveredTo: isoOf(Math.max(toMs, fromMs)),
    openedAt: isoOf(nowMs),
    cursor: rows === 0 ? cursorOf('rest', 0) : cursorOf(path, rows ?? 0, span),
  });
  return rows === 0 ? 'take' : 'turns';
}

function cursorOf(path: ReadCursor['path'], expected: number, ...spans: readonly TimeSpan[]): ReadCursor {
  return { path, expected, spans, query: null, after: null, spanNo: 0, tries: 0, jobs: [] };
}

/** A read of the same columns that a cap stopped is gone on with: its rows are staged, its place is kept. */
async function takeOver(tx: PoolClient, run: OpenRun, object: ObjectType, columns: readonly string[], { full }: ReadRequest): Promise<boolean> {
  const paused = await pausedRead(tx, run.runNo, object);
  if (paused === null) return false;
  const stage = stageTable(paused.runNo, object);
  // Somebody who asks for a full read is not answered by a window.
  if ((full && paused.mode === 'window') || !(await stageExists(tx, stage, columns))) {
    await forgetPaused(tx, run.runNo, object);
    return false;
  }
  await takeOverRead(tx, run.runNo, object, paused.runNo);
  await renameStage(tx, stage, stageTable(run.runNo, object));
  return true;
}

/** What the log of deletions names, or that it does not reach back so far. */
async function toldSince({ salesforce }: FetchDependencies, object: ObjectType, fromMs: number, nowMs: number): Promise<Covered | 'tooFarBack'> {
  try {
    return await deletedSince(salesforce, objectFacts[object].crmName, fromMs, nowMs);
  } catch (error) {
    if (error instanceof Failure && (error.code === 'INVALID_REPLICATION_DATE' || error.code === 'EXCEEDED_ID_LIMIT')) return 'tooFarBack';
    throw error;
  }
}

/** Counted first: none, no query; few, by REST in order of time; many, or more than the run may still read, by Bulk. Null: too many to count in time. */
async function countOf({ salesforce }: FetchDependencies, object: ObjectType, span: TimeSpan): Promise<number | null> {
  try {
    return await salesforce.count(objectFacts[object].crmName, spanCondition(span));
  } catch (error) {
    if (isReshape(error)) return null;
    throw error;
  }
}
