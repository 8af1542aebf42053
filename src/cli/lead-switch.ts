import type { Client } from '@temporalio/client';
import { WorkflowNotFoundError } from '@temporalio/client';
import { leads, setLeads } from '../../workflows/messages.ts';
import { Failure } from '../domain/failure.ts';
import type { LeadSwitch } from '../domain/progress.ts';

/** Switches leads in this run and in later ones (R16); answers with the switch as it was saved. */
export async function switchLeads(client: Client, name: string, enabled: boolean): Promise<LeadSwitch> {
  return control(name, () => client.workflow.getHandle(name).executeUpdate(setLeads, { args: [enabled] }));
}

export async function readLeads(client: Client, name: string): Promise<LeadSwitch> {
  return control(name, () => client.workflow.getHandle(name).query(leads));
}

/** Makes sure that the workflow which holds the switch is open; workers do the same at their start. */
export async function ensureControl(client: Client, name: string): Promise<void> {
  await client.workflow.start('syncControl', { workflowId: name, taskQueue: name, workflowIdConflictPolicy: 'USE_EXISTING', staticSummary: 'the lead switch' });
}

async function control<T>(name: string, body: () => Promise<T>): Promise<T> {
  try {
    return await body();
  } catch (error) {
    if (!(error instanceof WorkflowNotFoundError)) throw error;
    throw new Failure(`the workflow ${name}, which holds the lead switch, is not open`, {
      kind: 'permanent',
      code: 'CONTROL_MISSING',
      remedy: 'Start a worker (crm-sync worker): it opens it.',
    });
  }
}
