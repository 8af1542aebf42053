import { execFile } from 'node:child_process';
import { setTimeout as delay } from 'node:timers/promises';
import { promisify } from 'node:util';
import { patiently } from './night.ts';
import type { PartToKill } from './drawn-kills.ts';
import type { StormyWorld } from './stormy-world.ts';

const run = promisify(execFile);
const patienceMs = 90_000;

/** The process of a part as it is now; undefined if there is none. */
export function pidOf(world: StormyWorld, part: PartToKill): number | undefined {
  const [base, own] = [world.base.current(), world.stack.current()];
  switch (part) {
    case 'worker':
      return own.worker?.pid;
    case 'secondWorker':
      return world.secondWorker()?.current().worker?.pid;
    case 'simulator':
      return own.salesforce?.pid;
    case 'temporal':
      return base.temporal?.pid;
    case 'postgres':
      return base.postgres?.pid;
    default:
      return part satisfies never;
  }
}

export function signalTo(pid: number, signal: NodeJS.Signals): boolean {
  try {
    process.kill(pid, signal);
    return true;
  } catch {
    // It ended a moment ago.
    return false;
  }
}

/** Stops a part for some time; it goes on where it was. A PostgreSQL is stopped with all its sessions. */
export async function pausePart(world: StormyWorld, part: PartToKill, ms: number | Promise<void>): Promise<void> {
  const pid = pidOf(world, part);
  if (pid === undefined) return;
  const children = part === 'postgres' ? await childrenOf(pid) : [];
  const all = [pid, ...children];
  for (const each of all) signalTo(each, 'SIGSTOP');
  try {
    await (typeof ms === 'number' ? delay(ms) : ms);
  } finally {
    for (const each of all) signalTo(each, 'SIGCONT');
  }
}

async function childrenOf(pid: number): Promise<readonly number[]> {
  const { stdout } = await run('ps', ['-o', 'pid=', '--ppid', String(pid)]).catch(() => ({ stdout: '' }));
  return stdout
    .split('\n')
    .map(Number)
    .filter((each) => each > 0);
}

/** Until a part that was killed has been started again and answers. */
export async function back(world: StormyWorld, part: PartToKill, killed: number): Promise<void> {
  const deadline = Date.now() + patienceMs;
  while (pidOf(world, part) === killed || pidOf(world, part) === undefined) {
    if (Date.now() > deadline) throw new Error(`the ${part} did not come back within ${patienceMs / 1000} s`);
    await delay(100);
  }
}

/** The server waits ten seconds for what a dead worker had in its memory; here it is told that it is dead. */
export async function forgetDeadWorkers({ client, name }: StormyWorld): Promise<void> {
  await patiently(Date.now() + patienceMs, async () => {
    for await (const { workflowId, runId } of client.workflow.list({ query: `TaskQueue = '${name}' and ExecutionStatus = 'Running'` }))
      await client.workflowService.resetStickyTaskQueue({ namespace: 'default', execution: { workflowId, runId } }).catch(() => undefined);
  });
}
