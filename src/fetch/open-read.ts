import type { PoolClient } from 'pg';
import { Failure } from '../domain/failure.ts';
import { objectFacts } from '../domain/objects.ts';
import type { ObjectType } from '../domain/objects.ts';
import type { OpenRun } from '../ledger/runs.ts';
import { arrangementOf } from '../mirror/arrangement.ts';
import { crmColumns } from '../mirror/field-set.ts';
import { nameForLookUp } from '../mirror/look-up.ts';
import { beginRead, forgetPaused, loadReadState, pausedRead, pendingWatermark, takeOverRead } from '../mirror/reads.ts';
import type { FullReason, ReadCursor, TimeSpan } from '../mirror/reads.ts';
import { createStage, dropOldStages, renameStage, stageExists, stageTable } from '../mirror/stage.ts';
import { spanCondition } from '../salesforce/soql.ts';
import { coveredByUpdates, deletedSince } from './changes.ts';
import type { Covered } from './changes.ts';
import { comparedReasons, decideRead } from './decide.ts';
import type { FetchDependencies } from './dependencies.ts';
import { pullLeft } from './pull-cap.ts';
import { isReshape, restRowsMost } from './spans.ts';

export interface ReadRequest {
  /** `run --full` */
  readonly full: boolean;
  /** When the Schedule meant the run to begin: an ISO instant. */
  readonly nominalAt?: string | undefined;
}

/** An hour before the org's clock: how far back a full read is taken to cover when the org cannot say. */
const doubtMs = 3_600_000;

const isoOf = (ms: number): string => new Date(ms).toISOString();

/**
 * Begins the read of one object: goes on with one that a cap stopped, or decides between a window of changes and a full read, and what to ask. The column list is that of the
 * run; time is the org's, never this machine's. Returns whether there is anything to read.
 */
export async function openRead(
  deps: FetchDependencies,
  tx: PoolClient,
  run: OpenRun,
  object: ObjectType,
  request: ReadRequest,
): Promise<{ readonly more: boolean }> {
  const stage = stageTable(run.runNo, object);
  const state = await loadReadState(tx, object);
  const pending = await pendingWatermark(tx, run.runNo, object);
  const arrangement = arrangementOf(run.shape, object);
  const columns = crmColumns(run.shape, object);
  // An org may have no leads.
  if (columns.length === 0) {
    await beginRead(tx, run.runNo, object, {
      mode: 'window',
      reason: null,
      windowFrom: null,
      coveredTo: isoOf(0),
      openedAt: isoOf(0),
      cursor: cursorOf('rest', 0),
    });
    await createStage(tx, stage, columns, { spans: true });
    return { more: false };
  }
  if (pending === null && (await takeOver(tx, run, object, columns))) return { more: true };
  await dropOldStages(tx, run.runNo, object);
  await createStage(tx, stage, columns, { spans: true });

  const { crmName } = objectFacts[object];
  const nowMs = Date.parse(await deps.salesforce.serverDate());
  const decision = decideRead({
    state: state === null || pending === null ? state : { ...state, watermark: pending },
    arrangement,
    nowMs,
    asked: request.full && pending === null,
    nominalMs: request.nominalAt === undefined ? nowMs : Date.parse(request.nominalAt),
    timezone: run.shape.settings.schedule.timezone,
    hasFormulas: run.shape.crm[object].some((field) => field.calculated) && pending === null,
  });
  const asksLog = decision.mode === 'window' || comparedReasons.has(decision.reason);
  const told = !asksLog || decision.fromMs === null ? null : await toldSince(deps, object, decision.fromMs, nowMs);
  const named = told === null || told === 'tooFarBack' ? [] : told.deletedIds;
  await nameForLookUp(tx, object, 'log', named);
  if (decision.mode === 'full' || told === null || told === 'tooFarBack') {
    const reason: FullReason = told === 'tooFarBack' ? 'logExpired' : decision.mode === 'full' ? decision.reason : 'first';
    const coveredMs = await coveredNow(deps, object, nowMs);
    await beginRead(tx, run.runNo, object, {
      mode: 'full',
      reason,
      windowFrom: decision.fromMs === null ? null : isoOf(decision.fromMs),
      coveredTo: isoOf(coveredMs),
      openedAt: isoOf(nowMs),
      cursor: cursorOf('bulk', 0, { field: 'CreatedDate', from: null, to: null }),
    });
    return { more: true };
  }
  const toMs = Math.min(told.toMs, await coveredByUpdates(deps.salesforce, crmName, decision.fromMs, nowMs));
  const span: TimeSpan = { field: 'SystemModstamp', from: isoOf(decision.fromMs), to: isoOf(toMs) };
  const rows = toMs <= decision.fromMs ? 0 : await countOf(deps, object, span);
  const path = rows !== null && rows <= Math.min(restRowsMost, await pullLeft(tx, run)) ? 'rest' : 'bulk';
  await beginRead(tx, run.runNo, object, {
    mode: 'window',
    reason: null,
    windowFrom: isoOf(decision.fromMs),
    coveredTo: isoOf(toMs),
    openedAt: isoOf(nowMs),
    cursor: rows === 0 ? cursorOf('rest', 0) : cursorOf(path, rows ?? 0, span),
  });
  return { more: rows !== 0 };
}

function cursorOf(path: ReadCursor['path'], expected: number, ...spans: readonly TimeSpan[]): ReadCursor {
  return { path, expected, spans, query: null, after: null, spanNo: 0, tries: 0, jobs: [] };
}

/** A read of the same columns that a cap stopped is gone on with: its rows are staged, its place is kept. */
async function takeOver(tx: PoolClient, run: OpenRun, object: ObjectType, columns: readonly string[]): Promise<boolean> {
  const paused = await pausedRead(tx, run.runNo, object);
  if (paused === null) return false;
  const stage = stageTable(paused.runNo, object);
  if (!(await stageExists(tx, stage, columns))) {
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

/** Up to when a full read that begins now sees every change. */
async function coveredNow({ salesforce }: FetchDependencies, object: ObjectType, nowMs: number): Promise<number> {
  try {
    return await coveredByUpdates(salesforce, objectFacts[object].crmName, nowMs - 10 * 60_000, nowMs);
  } catch (error) {
    if (error instanceof Failure && error.code === 'EXCEEDED_ID_LIMIT') return nowMs - doubtMs;
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
