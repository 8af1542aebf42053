import { executeChild, log, ParentClosePolicy, uuid4, workflowInfo } from '@temporalio/workflow';
import { WorkflowExecutionAlreadyStartedError } from '@temporalio/common';
import type { RunResult } from '../src/domain/progress.ts';
import { syncName } from './activity-proxies.ts';
import { syncRun } from './sync-run.ts';

/** What the Schedule starts: one night as a child whose fixed id is the lock (R5); if a run is open, this one is skipped. */
export async function nightlySync(): Promise<RunResult> {
  const { startTime, workflowId } = workflowInfo();
  const run = `${startTime.toISOString().replaceAll(/[-:]|\.\d+/g, '')}-${uuid4().slice(0, 8)}`;
  try {
    return await executeChild(syncRun, {
      workflowId: `${nameIn(workflowId)}-run`,
      args: [{ run, kind: 'night', full: false, atGate: 'wait', nominalAt: nominalOf(workflowId) ?? startTime.toISOString() }],
      parentClosePolicy: ParentClosePolicy.ABANDON,
      staticSummary: 'one night',
    });
  } catch (error) {
    if (!(error instanceof WorkflowExecutionAlreadyStartedError)) throw error;
    log.warn('a run is open already: this night is skipped');
    return { run, status: 'skipped' };
  }
}

/** The slot of the Schedule that the night is of: a late start does not make it another day's. The server puts it at the id's end. */
function nominalOf(workflowId: string): string | undefined {
  return /-nightly-(\d{4}-\d{2}-\d{2}T\d{2}:\d{2}:\d{2}Z)$/.exec(workflowId)?.[1];
}

/** The sync's name in the id of a night. The task queue has it too, but not where histories are replayed. */
function nameIn(workflowId: string): string {
  const at = workflowId.lastIndexOf('-nightly');
  return at > 0 ? workflowId.slice(0, at) : syncName();
}
