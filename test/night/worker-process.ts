import { readFileSync } from 'node:fs';
import path from 'node:path';
import { stringify } from 'yaml';
import { startCrmSync } from '../cli/running-cli.ts';
import type { RunningCli } from '../cli/running-cli.ts';
import { workflowBundle } from './world.ts';
import type { World } from './world.ts';

/** A worker in a process of its own, as in production: `crm-sync worker`. It can be killed alone. Ready when this resolves. */
export async function startWorkerProcess(world: World, folder: string, env: Readonly<Record<string, string>> = {}): Promise<RunningCli> {
  const worker = startCrmSync(['worker', '--config', path.join(folder, 'crm-sync.yaml')], folder, {
    TEMPORAL_ADDRESS: world.temporal.address,
    TEMPORAL_NAMESPACE: world.temporal.namespace,
    CRM_SYNC_WORKFLOW_BUNDLE: await workflowBundle(),
    ...env,
  });
  await worker.says('"ready":true');
  return worker;
}

/** The text of a settings file for the world, on top of what its data directory says. */
export function settingsText(world: World, data: string, more: object = {}): string {
  const { salesforce, personalizationUrl, ledgerUrl } = world.connections;
  const added = {
    name: world.name,
    approval: 'never',
    salesforce,
    personalization: { url: personalizationUrl },
    ledger: { url: ledgerUrl },
    ...more,
  };
  return `${readFileSync(path.join(data, 'crm-sync.yaml'), 'utf8')}${stringify(added)}`;
}

/** The server waits ten seconds for the cache of a worker that is dead; a test does not. */
export async function forgetDeadWorkers({ client, temporal: { namespace } }: World): Promise<void> {
  for await (const { workflowId, runId } of client.workflow.list({ query: `ExecutionStatus = 'Running'` }))
    await client.workflowService.resetStickyTaskQueue({ namespace, execution: { workflowId, runId } });
}
