import type { Client } from '@temporalio/client';
import { WorkflowNotFoundError, WorkflowUpdateFailedError } from '@temporalio/client';
import { Failure } from '../domain/failure.ts';
import type { Progress } from '../domain/progress.ts';
import { findOpenNight, queryProgress } from './night.ts';
import type { OpenNight } from './night.ts';

export interface WaitingNight {
  readonly night: OpenNight;
  readonly progress: Progress;
}

/** @throws Failure `NOT_WAITING`: there is no run, or it does not wait */
export async function waitingNight(client: Client, name: string): Promise<WaitingNight> {
  const night = await findOpenNight(client, name);
  if (night === undefined) throw notWaiting('no run is in progress');
  const progress = await queryProgress(client, night);
  if (progress === undefined)
    throw new Failure('no worker answers for the run in progress', {
      kind: 'transient',
      code: 'NO_WORKER',
      remedy: 'Start one with `crm-sync worker`, then ask again.',
    });
  if (progress.status !== 'awaitingApproval') throw notWaiting(`run ${progress.run} does not wait for approval: it is ${progress.status}`);
  return { night, progress };
}

/** Answers a run; what the run itself refuses is said in its words. */
export async function answer(body: () => Promise<void>): Promise<void> {
  try {
    await body();
  } catch (error) {
    if (error instanceof WorkflowUpdateFailedError)
      throw notWaiting(error.cause instanceof Error ? error.cause.message : 'the run refused the answer');
    if (error instanceof WorkflowNotFoundError) throw notWaiting('the run has ended meanwhile');
    throw error;
  }
}

function notWaiting(message: string): Failure {
  return new Failure(message, {
    kind: 'permanent',
    code: 'NOT_WAITING',
    remedy: '`crm-sync status` shows the run in progress, `crm-sync runs` those before it.',
  });
}
