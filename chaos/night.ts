import { setTimeout as delay } from 'node:timers/promises';
import { WorkflowExecutionAlreadyStartedError, WorkflowFailedError } from '@temporalio/client';
import { ApplicationFailure, CancelledFailure, TerminatedFailure } from '@temporalio/common';
import { grpcCode } from '../src/cli/errors.ts';
import type { RunRequest, RunResult, RunStatus } from '../src/domain/progress.ts';
import type { World } from './world.ts';

/** Short, so that a seed costs seconds; production waits ten times as long. */
export const heartbeatTimeoutMs = 2_000;
const budgetPauseMs = 1_500;
const patienceMs = 420_000;
const pauseMs = 250;

export interface EndedRun {
  readonly run: string;
  readonly status: RunStatus | 'terminated';
  /** What the workflow failed with. */
  readonly why?: string;
  /** Attempts at an activity that were taken for dead: whether they were, and what they had under way, nobody knows. */
  readonly takenForDead: number;
}

/** One run of the sync, followed to its end however often the servers go away. Throws if it does not end. */
export async function night(world: World, run: string, onStarted: () => void = () => undefined): Promise<EndedRun> {
  const { client, name } = world;
  const workflowId = `${name}-run`;
  const request: RunRequest = { run, kind: 'night', full: false, atGate: 'end', heartbeatTimeoutMs, budgetPauseMs };
  const deadline = Date.now() + patienceMs;
  const executionId = await patiently(deadline, async () => {
    try {
      const options = { workflowId, taskQueue: name, args: [request], workflowTaskTimeout: '5s' } as const;
      return (await client.workflow.start('syncRun', options)).firstExecutionRunId;
    } catch (error) {
      // The answer to an earlier try was lost.
      if (error instanceof WorkflowExecutionAlreadyStartedError) return (await client.workflow.getHandle(workflowId).describe()).runId;
      throw error;
    }
  });
  onStarted();
  const ended = await endOf(world, executionId, deadline);
  return { run, ...ended, takenForDead: await patiently(deadline, () => takenForDead(world, executionId)) };
}

async function endOf({ client, name }: World, executionId: string, deadline: number): Promise<Pick<EndedRun, 'status' | 'why'>> {
  try {
    const result = await patiently(deadline, () =>
      client.withDeadline(deadline, () => client.workflow.getHandle(`${name}-run`, executionId).result()),
    );
    return { status: (result as RunResult).status };
  } catch (error) {
    if (!(error instanceof WorkflowFailedError)) throw new Error(`the run of ${name} did not end within ${patienceMs / 1000} s`, { cause: error });
    if (error.cause instanceof TerminatedFailure) return { status: 'terminated' };
    if (error.cause instanceof CancelledFailure) return { status: 'cancelled' };
    return { status: 'failed', why: whyOf(error) };
  }
}

async function takenForDead({ client, name }: World, executionId: string): Promise<number> {
  const { events } = await client.workflow.getHandle(`${name}-run`, executionId).fetchHistory();
  return (events ?? []).filter((event) => Boolean(event.activityTaskStartedEventAttributes?.lastFailure?.timeoutFailureInfo)).length;
}

/** Codes and messages from the outside to the inside. */
function whyOf(error: Error): string {
  const words: string[] = [];
  for (let at: unknown = error.cause; at instanceof Error; at = at.cause)
    words.push(at instanceof ApplicationFailure && typeof at.type === 'string' ? `${at.type}: ${at.message}` : at.message);
  return words.join(' < ');
}

/** Again while the server is away. */
export async function patiently<T>(deadline: number, body: () => Promise<T>): Promise<T> {
  for (;;) {
    try {
      return await body();
    } catch (error) {
      if (grpcCode(error) === undefined || Date.now() > deadline) throw error;
      await delay(pauseMs);
    }
  }
}
