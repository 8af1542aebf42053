import { randomUUID } from 'node:crypto';
import { ApplicationFailure, Context } from '@temporalio/activity';
import { Failure } from '../src/domain/failure.ts';
import type { Opener } from '../src/ledger/runs.ts';

/** How often a running activity tells that it lives; a cancel is noticed at the next beat. Oftener where silence counts as death sooner. */
const longestBeatMs = 3_000;
const beatsPerTimeout = 5;

/** Thrown by an activity that only looks whether something is ready: tried again after a pause that grows, without an end but its timeout. */
export class NotReady extends Error {
  override readonly name = 'NotReady';
}

const firstPauseMs = 1_000;
const longestPauseMs = 30_000;

/** A pause that an error asks for grows so many times at most, and by chance: those that met one limit do not come back together. */
const longestPauses = 6;

function pauseMs(retryAfterMs: number, attempt: number): number {
  return Math.round(retryAfterMs * (1 + Math.random() * Math.min(longestPauses - 1, attempt)));
}

/** The one place that makes Temporal failures: code and message of what was anticipated, a correlation id for what was not. `tries` counts failures of this kind in a row. */
export function temporalFailure(
  error: unknown,
  { attempt, tries }: { readonly attempt: number; readonly tries: number },
  log: (message: string, attributes: Record<string, unknown>) => void,
): unknown {
  if (error instanceof NotReady)
    return ApplicationFailure.create({
      message: 'not ready yet',
      type: 'NOT_READY',
      nextRetryDelay: Math.min(longestPauseMs, firstPauseMs * 1.5 ** Math.min(attempt, 16)),
    });
  if (error instanceof Failure) {
    const message = error.remedy === undefined ? error.message : `${error.message}; ${error.remedy}`;
    if (error.cause !== undefined) log('an anticipated failure', { code: error.code, cause: placeOf(error.cause) });
    return ApplicationFailure.create({
      message,
      type: error.code,
      // Without calls left the run decides what to do: an activity that goes on asking holds a slot for hours.
      nonRetryable: error.kind === 'permanent' || error.code === 'DAILY_REQUESTS_USED_UP' || tries >= (error.mostTries ?? Infinity),
      ...(error.retryAfterMs === undefined ? {} : { nextRetryDelay: pauseMs(error.retryAfterMs, attempt) }),
    });
  }
  if (error instanceof Error && (error.name === 'CancelledFailure' || error.name === 'AbortError')) return error;
  const id = randomUUID();
  log('an unexpected failure', { id, place: placeOf(error) });
  return ApplicationFailure.create({ message: `unexpected failure ${id}: the worker's log has its place`, type: 'UNEXPECTED' });
}

/** Class and stack of an error without its message, which can hold values. */
function placeOf(error: unknown): string {
  if (!(error instanceof Error)) return typeof error;
  const frames = (error.stack ?? '').split('\n').filter((line) => /^\s+at /.test(line));
  return [error.name, ...frames].join('\n');
}

/**
 * How often in a row an activity met an error that is tried again a few times only. An attempt's number does not say it: looking whether something is ready counts as one.
 * Of this process: a worker that dies begins anew.
 */
const triesOf = new Map<string, number>();

function countTry(activityKey: string, error: unknown): number {
  if (!(error instanceof Failure && error.mostTries !== undefined)) {
    triesOf.delete(activityKey);
    return 1;
  }
  const tries = (triesOf.get(activityKey) ?? 0) + 1;
  if (tries < error.mostTries) triesOf.set(activityKey, tries);
  else triesOf.delete(activityKey);
  return tries;
}

/** Wraps an activity: beats while it runs, turns what it throws into Temporal's failures. */
export function activity<A extends readonly unknown[], R>(body: (...args: A) => Promise<R>): (...args: A) => Promise<R> {
  return async (...args) => {
    const context = Context.current();
    const { attempt, activityId, workflowExecution } = context.info;
    const activityKey = `${workflowExecution?.runId ?? ''}/${activityId}`;
    const beatMs = Math.min(longestBeatMs, (context.info.heartbeatTimeoutMs ?? Infinity) / beatsPerTimeout);
    const beat = setInterval(() => context.heartbeat(), beatMs);
    try {
      const result = await body(...args);
      triesOf.delete(activityKey);
      return result;
    } catch (error) {
      if (context.cancellationSignal.aborted && !(error instanceof Failure)) throw context.cancellationSignal.reason;
      const tries = countTry(activityKey, error);
      throw temporalFailure(error, { attempt, tries }, (message, attributes) => context.log.error(message, attributes));
    } finally {
      clearInterval(beat);
    }
  };
}

/** Aborts when the activity is cancelled or the worker stops. */
export function cancellation(): AbortSignal {
  return Context.current().cancellationSignal;
}

/** Tells the engine that a long activity lives, between two calls of a side. */
export function heartbeat(): () => void {
  const context = Context.current();
  return () => context.heartbeat();
}

/** The number of this attempt, from 1. */
export function attempt(): number {
  return Context.current().info.attempt;
}

/** Which attempt this is, of which execution of the workflow. */
export function opener(): Opener {
  const { workflowExecution, attempt, scheduledTimestampMs } = Context.current().info;
  return { execution: workflowExecution?.runId ?? '', attempt, askedAtMs: scheduledTimestampMs };
}
