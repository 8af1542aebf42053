import { mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import { historyToJSON } from '@temporalio/common/lib/proto-utils.js';
import { expect, test } from 'vitest';
import type { Progress } from '../../src/domain/progress.ts';
import { atStep, holdAt } from '../night/hold.ts';
import { inWorld } from '../night/in-world.ts';
import { executionsOf } from '../night/replay.ts';
import type { World } from '../night/world.ts';
import { testNamespace } from '../services/namespace.ts';
import type { KeptExecution } from './histories.ts';

/** Run by `scripts/golden-histories.ts`: writes the histories of this version's nights over made-up data. */
const root = path.join(import.meta.dirname, '../..');
const { version } = JSON.parse(readFileSync(path.join(root, 'package.json'), 'utf8')) as { version: string };
const folder = path.join(import.meta.dirname, version);
const temporal = await testNamespace();
const world = (name: string) => ({ data: path.join(root, 'test/rules', name), temporal });

/** What says on which machine it was, and what no replay needs. */
const left: ReadonlySet<string> = new Set(['taskId', 'meteringMetadata']);
/** The queue that a worker keeps for itself is called after its machine. */
const isOwnQueue = (value: unknown): boolean => typeof value === 'string' && /^\d+@/.test(value);
const withoutPlace = (key: string, value: unknown): unknown =>
  left.has(key) ? undefined : key === 'identity' || (key === 'name' && isOwnQueue(value)) ? 'worker' : value;

async function keep(name: string, recorded: World): Promise<void> {
  const kept = (await executionsOf(recorded)).map(({ workflowId, history }): KeptExecution => ({
    workflowId,
    history: JSON.parse(historyToJSON(history)) as unknown,
  }));
  mkdirSync(folder, { recursive: true });
  writeFileSync(path.join(folder, `${name}.json`), `${JSON.stringify(kept, withoutPlace)}\n`);
}

const runOf = ({ client, name }: World) => client.workflow.getHandle(`${name}-run`);

test('first', async () => {
  await inWorld(world('R4-both-ways'), async (here) => {
    const workflowId = `${here.name}-nightly-2026-11-24T02:00:00Z`;
    const night = await here.client.workflow.start('nightlySync', { workflowId, taskQueue: here.name, args: [] });
    here.started.push({ workflowId, runId: night.firstExecutionRunId });
    expect(await night.result()).toMatchObject({ status: 'success' });
    await keep('first', here);
  });
});

test('quiet', async () => {
  await inWorld(world('R4-both-ways'), async (here) => {
    await here.night();
    const earlier = here.started.splice(0);
    expect(await here.night()).toMatchObject({ status: 'success' });
    await keep('quiet', here);
    here.started.push(...earlier);
  });
});

test('leads', async () => {
  await inWorld(world('R16-on'), async (here) => {
    await using hold = await holdAt(here, atStep('match.finish', 'contact'));
    const { result } = await here.start();
    await hold.reached();
    await here.setLeads(true);
    await hold.release();
    expect(await result()).toMatchObject({ status: 'success' });
    await here.setLeads(false);
    await keep('leads', here);
  });
});

test('cancelled', async () => {
  await inWorld(world('R4-both-ways'), async (here) => {
    await using hold = await holdAt(here, atStep('plan.part', 'contact'));
    const { result } = await here.start();
    await hold.reached();
    await runOf(here).cancel();
    await hold.release();
    await expect(result()).rejects.toThrow();
    await keep('cancelled', here);
  });
});

test('approved', async () => {
  await inWorld({ ...world('R4-both-ways'), overrides: { approval: 'always' } }, async (here) => {
    const { result } = await here.start();
    const waiting = async (): Promise<string | null> => {
      const { status, planDigest } = (await runOf(here).query('progress')) as Progress;
      return status === 'awaitingApproval' ? planDigest : null;
    };
    await expect.poll(waiting, { timeout: 60_000 }).not.toBeNull();
    await runOf(here).executeUpdate('approve', { args: [await waiting()] });
    expect(await result()).toMatchObject({ status: 'success' });
    await keep('approved', here);
  });
});
