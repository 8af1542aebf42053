import { ActivityCancellationType, proxyActivities } from '@temporalio/workflow';
import { workflowInfo } from '@temporalio/workflow';
import type { Activities } from '../activities/index.ts';

const retry = { initialInterval: '1s', backoffCoefficient: 2, maximumInterval: '30s' } as const;

/** A look at the ledger, or one small write to it. */
export const short = proxyActivities<Activities>({
  startToCloseTimeout: '30s',
  scheduleToCloseTimeout: '30m',
  heartbeatTimeout: '25s',
  retry,
  cancellationType: ActivityCancellationType.WAIT_CANCELLATION_COMPLETED,
});

/** One part of a step inside the mirror. */
export const mirror = proxyActivities<Activities>({
  startToCloseTimeout: '15m',
  scheduleToCloseTimeout: '2h',
  heartbeatTimeout: '25s',
  retry,
  cancellationType: ActivityCancellationType.WAIT_CANCELLATION_COMPLETED,
});

/** Calls of the two sides; those of Salesforce have a queue and slots of their own. */
export function sides(name: string): typeof mirror {
  return proxyActivities<Activities>({
    taskQueue: `${name}-salesforce`,
    startToCloseTimeout: '15m',
    scheduleToCloseTimeout: '4h',
    heartbeatTimeout: '25s',
    retry,
    cancellationType: ActivityCancellationType.WAIT_CANCELLATION_COMPLETED,
  });
}

/** The sync's name is the task queue of its workflows. */
export function syncName(): string {
  return workflowInfo().taskQueue;
}
