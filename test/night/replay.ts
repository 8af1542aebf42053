import { setTimeout as delay } from 'node:timers/promises';
import type { WorkflowHandle } from '@temporalio/client';
import { Worker } from '@temporalio/worker';
import type { World } from './world.ts';
import { workflowBundle } from './world.ts';

export type History = Awaited<ReturnType<WorkflowHandle['fetchHistory']>>;

export interface Execution {
  readonly workflowId: string;
  readonly runId: string;
  readonly history: History;
}

const patienceMs = 15_000;

/** Every execution that came of what the test started: children and whole continue-as-new chains. */
export async function executionsOf({ client, name, started }: World): Promise<readonly Execution[]> {
  const control = await client.workflow.getHandle(name).describe();
  const first = control.raw.workflowExecutionInfo?.firstRunId ?? control.runId;
  const open = [{ workflowId: name, runId: first }, ...started];
  const found: Execution[] = [];
  for (let next = open.shift(); next !== undefined; next = open.shift()) {
    const history = await client.workflow.getHandle(next.workflowId, next.runId).fetchHistory();
    found.push({ ...next, history });
    for (const event of history.events ?? []) {
      const child = event.childWorkflowExecutionStartedEventAttributes?.workflowExecution;
      if (typeof child?.workflowId === 'string' && typeof child.runId === 'string') open.push({ workflowId: child.workflowId, runId: child.runId });
      const following = event.workflowExecutionContinuedAsNewEventAttributes?.newExecutionRunId;
      if (typeof following === 'string') open.push({ workflowId: next.workflowId, runId: following });
    }
  }
  return found;
}

/** Replays every history of the world's task queue. Fails if a step of a workflow is not determined by its history, or if there is none. */
export async function replayAll(world: World): Promise<readonly Execution[]> {
  const found = await executionsOf(world);
  await listed(world, found);
  if (found.length < 2) throw new Error('no history of a night to replay');
  const histories = found.map(({ workflowId, history }) => ({ workflowId, history }));
  const results = Worker.runReplayHistories({ workflowBundle: { codePath: await workflowBundle() }, ...world.converter }, histories);
  for await (const { workflowId, error } of results)
    if (error !== undefined) throw new Error(`the history of ${workflowId} does not replay`, { cause: error });
  return found;
}

/** Nothing runs on the task queue that was not found through histories; the list lags behind. */
async function listed({ client, name }: World, found: readonly Execution[]): Promise<void> {
  const known = new Set(found.map(({ runId }) => runId));
  const deadline = Date.now() + patienceMs;
  for (;;) {
    const seen = new Set<string>();
    for await (const { runId } of client.workflow.list({ query: `TaskQueue = '${name}'` })) seen.add(runId);
    const strangers = [...seen].filter((runId) => !known.has(runId));
    if (strangers.length > 0) throw new Error(`executions that nobody started: ${strangers.join(', ')}`);
    if (seen.size === known.size) return;
    if (Date.now() > deadline) throw new Error(`${known.size} executions, but the list shows ${seen.size}`);
    await delay(100);
  }
}
