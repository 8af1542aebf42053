import type { Client } from '@temporalio/client';
import { WorkflowNotFoundError, WorkflowUpdateRPCTimeoutOrCancelledError } from '@temporalio/client';
import { leads, setLeads } from '../../workflows/messages.ts';
import { Failure } from '../domain/failure.ts';
import type { LeadSwitch } from '../domain/progress.ts';
import { grpcCode } from './errors.ts';

/** A worker that was killed a moment ago answers again within half of it. */
const patienceMs = 60_000;
const deadlineExceeded = 4;

/** Switches leads in this run and in later ones (R16); answers with the switch as it was saved. */
export async function switchLeads(client: Client, name: string, enabled: boolean): Promise<LeadSwitch> {
  return control(client, name, () => client.workflow.getHandle(name).executeUpdate(setLeads, { args: [enabled] }));
}

export async function readLeads(client: Client, name: string): Promise<LeadSwitch> {
  return control(client, name, () => client.workflow.getHandle(name).query(leads));
}

/** Makes sure that the workflow which holds the switch is open; workers do the same at their start. */
export async function ensureControl(client: Client, name: string): Promise<void> {
  await client.workflow.start('syncControl', {
    workflowId: name,
    taskQueue: name,
    workflowIdConflictPolicy: 'USE_EXISTING',
    staticSummary: 'the lead switch',
  });
}

async function control<T>(client: Client, name: string, body: () => Promise<T>): Promise<T> {
  try {
    return await client.withDeadline(Date.now() + patienceMs, body);
  } catch (error) {
    if (error instanceof WorkflowNotFoundError)
      throw new Failure(`the workflow ${name}, which holds the lead switch, is not open`, {
        kind: 'permanent',
        code: 'CONTROL_MISSING',
        remedy: 'Start a worker (crm-sync worker): it opens it.',
      });
    if (error instanceof WorkflowUpdateRPCTimeoutOrCancelledError || grpcCode(error) === deadlineExceeded)
      throw new Failure(`no worker answers for the workflow ${name}, which holds the lead switch`, {
        kind: 'transient',
        code: 'NO_WORKER',
        remedy: 'Start one with `crm-sync worker`, then ask again; a signal (enableLeads, disableLeads) waits for one.',
      });
    throw error;
  }
}
