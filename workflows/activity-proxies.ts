import { ActivityCancellationType, proxyActivities, workflowInfo } from '@temporalio/workflow';
import type { ActivityInterfaceFor } from '@temporalio/workflow';
import type { Activities } from '../activities/index.ts';

export interface Proxies {
  /** A look at the ledger, or one small write to it. */
  readonly short: ActivityInterfaceFor<Activities>;
  /** One part of a step inside the mirror. */
  readonly mirror: ActivityInterfaceFor<Activities>;
  /** Calls of Salesforce have a queue and slots of their own. */
  readonly salesforce: ActivityInterfaceFor<Activities>;
}

const defaultHeartbeatMs = 25_000;

/** Ways to the activities. `heartbeatTimeoutMs` after its last beat an activity is begun again elsewhere: its worker is taken for dead. */
export function proxies(heartbeatTimeoutMs = defaultHeartbeatMs): Proxies {
  const common = {
    heartbeatTimeout: heartbeatTimeoutMs,
    retry: { initialInterval: '1s', backoffCoefficient: 2, maximumInterval: '30s' },
    // The default lets an activity commit after its run was cancelled and closed.
    cancellationType: ActivityCancellationType.WAIT_CANCELLATION_COMPLETED,
  } as const;
  return {
    short: proxyActivities<Activities>({ ...common, startToCloseTimeout: '30s', scheduleToCloseTimeout: '30m' }),
    mirror: proxyActivities<Activities>({ ...common, startToCloseTimeout: '15m', scheduleToCloseTimeout: '2h' }),
    salesforce: proxyActivities<Activities>({
      ...common,
      taskQueue: `${syncName()}-salesforce`,
      startToCloseTimeout: '15m',
      scheduleToCloseTimeout: '4h',
    }),
  };
}

/** The sync's name is the task queue of its workflows. */
export function syncName(): string {
  return workflowInfo().taskQueue;
}
