import { randomUUID } from 'node:crypto';
import type { Client, WorkflowHandleWithFirstExecutionRunId } from '@temporalio/client';
import { WorkflowExecutionAlreadyStartedError, WorkflowFailedError, WorkflowNotFoundError } from '@temporalio/client';
import { ApplicationFailure, CancelledFailure, TerminatedFailure } from '@temporalio/common';
import { progress } from '../../workflows/messages.ts';
import { Failure } from '../domain/failure.ts';
import type { Progress, RunRequest, RunResult, RunStatus } from '../domain/progress.ts';
import { grpcCode } from './errors.ts';
import { retriesOf } from './retries.ts';
import type { Retry } from './retries.ts';

/** One execution of `<name>-run`. */
export interface OpenNight {
  readonly workflowId: string;
  /** Temporal's id of the execution, for the web UI. */
  readonly executionId: string;
  /** It was open already: somebody else started it, or it outlived the stack that did. */
  readonly attached: boolean;
}

/** How a run ended; `failure` is what the workflow said if it did not end by itself. */
export interface EndedNight {
  readonly run: string | undefined;
  readonly status: RunStatus;
  readonly failure: Failure | undefined;
}

/** Names a run for good, whatever becomes of its workflow: `20260930T020000Z-1a2b3c4d`. */
export function newRunKey(now: Date): string {
  return `${now.toISOString().replaceAll(/[-:]|\.\d+/g, '')}-${randomUUID().slice(0, 8)}`;
}

/** Starts a run under the fixed id that is the lock (R5); if one is open, that one is answered. */
export async function openNight(client: Client, name: string, request: RunRequest): Promise<OpenNight> {
  const workflowId = `${name}-run`;
  try {
    const handle: WorkflowHandleWithFirstExecutionRunId = await client.workflow.start('syncRun', {
      workflowId,
      taskQueue: name,
      args: [request],
      staticSummary: request.kind === 'preview' ? 'a preview by hand' : 'one night by hand',
    });
    return { workflowId, executionId: handle.firstExecutionRunId, attached: false };
  } catch (error) {
    if (!(error instanceof WorkflowExecutionAlreadyStartedError)) throw error;
    const open = await findOpenNight(client, name);
    // It ended between the two calls.
    return open ?? openNight(client, name, request);
  }
}

export async function findOpenNight(client: Client, name: string): Promise<OpenNight | undefined> {
  const workflowId = `${name}-run`;
  try {
    const { status, runId } = await client.workflow.getHandle(workflowId).describe();
    return status.name === 'RUNNING' || status.name === 'PAUSED' ? { workflowId, executionId: runId, attached: true } : undefined;
  } catch (error) {
    if (error instanceof WorkflowNotFoundError) return undefined;
    throw error;
  }
}

const queryPatienceMs = 5_000;

/** Undefined if no worker answers in time. */
export async function queryProgress(client: Client, night: OpenNight): Promise<Progress | undefined> {
  try {
    return await client.withDeadline(Date.now() + queryPatienceMs, () =>
      client.workflow.getHandle(night.workflowId, night.executionId).query(progress),
    );
  } catch (error) {
    if (error instanceof WorkflowNotFoundError) throw error;
    return undefined;
  }
}

export interface FollowOptions {
  /** Told about once a second, undefined when no worker answers; from time to time with what is tried again. */
  readonly onProgress: (progress: Progress | undefined, retries: readonly Retry[]) => void;
  readonly signal: AbortSignal;
}

/** Waits for the end of a run, however often the server or the worker goes away meanwhile. Undefined if the signal came first. */
export async function followNight(client: Client, night: OpenNight, { onProgress, signal }: FollowOptions): Promise<EndedNight | undefined> {
  let run: string | undefined;
  let ended: EndedNight | undefined;
  const over = new AbortController();
  const waiting = waitForEnd(client, night, signal)
    .then((end) => void (ended = end))
    .finally(() => over.abort());
  const either = AbortSignal.any([signal, over.signal]);
  for (let look = 1; !either.aborted; look += 1) {
    const now = await queryProgress(client, night);
    run = now?.run ?? run;
    const retries = look % looksPerRetries === 0 ? await retriesIfKnown(client, night) : [];
    if (!signal.aborted) onProgress(now, retries);
    await pause(1_000, either);
  }
  if (signal.aborted) return undefined;
  await waiting;
  const last = await queryProgress(client, night);
  if (last !== undefined) onProgress(last, []);
  return ended === undefined ? undefined : { ...(ended as EndedNight), run: (ended as EndedNight).run ?? last?.run ?? run };
}

const looksPerRetries = 5;

/** A server that is away is waited for elsewhere. */
async function retriesIfKnown(client: Client, night: OpenNight): Promise<readonly Retry[]> {
  try {
    return await retriesOf(client, night);
  } catch (error) {
    if (grpcCode(error) === undefined) throw error;
    return [];
  }
}

async function waitForEnd(client: Client, { workflowId, executionId }: OpenNight, signal: AbortSignal): Promise<EndedNight | undefined> {
  while (!signal.aborted) {
    try {
      const result = (await client.withAbortSignal(signal, () => client.workflow.getHandle(workflowId, executionId).result())) as RunResult;
      return { ...result, failure: undefined };
    } catch (error) {
      if (error instanceof WorkflowFailedError) return endingOf(error);
      // The server went away and the stack brings it back; anything else is not for waiting.
      if (grpcCode(error) === undefined && !signal.aborted) throw error;
      await pause(1_000, signal);
    }
  }
  return undefined;
}

/** Codes of failures that are about settings: exit code 2, as if the command had found them. */
const settingsCodes = new Set(['SETTINGS', 'USAGE', 'DATABASE_URL', 'OTHER_ORG', 'OTHER_STORE']);

function endingOf({ cause }: WorkflowFailedError): EndedNight {
  if (cause instanceof CancelledFailure) return { run: undefined, status: 'cancelled', failure: undefined };
  if (cause instanceof TerminatedFailure)
    return { run: undefined, status: 'failed', failure: new Failure('the run was terminated', { kind: 'permanent', code: 'TERMINATED' }) };
  let innermost: unknown = cause;
  while (innermost instanceof Error && innermost.cause instanceof Error) innermost = innermost.cause;
  const message = innermost instanceof Error ? innermost.message : 'the run failed';
  const code = innermost instanceof ApplicationFailure ? (innermost.type ?? 'UNEXPECTED') : 'UNEXPECTED';
  return {
    run: undefined,
    status: 'failed',
    failure: new Failure(message, { kind: 'permanent', code, exitCode: settingsCodes.has(code) ? 2 : 1 }),
  };
}

async function pause(ms: number, signal: AbortSignal): Promise<void> {
  if (signal.aborted) return;
  await new Promise<void>((resolve) => {
    const done = (): void => {
      clearTimeout(timer);
      signal.removeEventListener('abort', done);
      resolve();
    };
    const timer = setTimeout(done, ms);
    signal.addEventListener('abort', done, { once: true });
  });
}

const exitCodes = { success: 0, failed: 1, partial: 3, preview: 3, rejected: 3, cancelled: 3, skipped: 3 } as const satisfies Record<
  RunStatus,
  0 | 1 | 3
>;

/** What `--once` and `--wait` end with. A preview that was asked for is done. */
export function exitCodeOf(ended: EndedNight, wanted: RunRequest['kind']): number {
  if (ended.failure !== undefined) return ended.failure.exitCode;
  return wanted === 'preview' && ended.status === 'preview' ? 0 : exitCodes[ended.status];
}
