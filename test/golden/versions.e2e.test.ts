import { execFile } from 'node:child_process';
import { cpSync, mkdtempSync, writeFileSync } from 'node:fs';
import { rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { promisify } from 'node:util';
import { bundleWorkflowCode, DefaultLogger } from '@temporalio/worker';
import { afterAll, expect, inject, test } from 'vitest';
import type { RunResult } from '../../src/domain/progress.ts';
import { versionedBundle } from '../../src/versioned-bundle.ts';
import { atStep, holdAt } from '../night/hold.ts';
import { executionsOf } from '../night/replay.ts';
import { settingsText, startWorkerProcess } from '../night/worker-process.ts';
import { startWorld } from '../night/world.ts';
import { testNamespace } from '../services/namespace.ts';

const run = promisify(execFile);
const temporal = await testNamespace();
const rules = path.join(import.meta.dirname, '../rules/R4-both-ways');
const folder = mkdtempSync(path.join(tmpdir(), 'crm-sync-versions-'));
afterAll(() => rm(folder, { recursive: true }));

/** Writes the bundles of two versions. In the second one apply begins in another order: a history of the first does not replay with it. */
async function writeBundles(): Promise<void> {
  const workflowsPath = path.join(import.meta.dirname, '../../workflows/versioned.ts');
  const { code } = await bundleWorkflowCode({ workflowsPath, logger: new DefaultLogger('WARN') });
  const changed = code.replace(
    'const { groups } = await mirror.commitLinks(ref, round);',
    'await mirror.matchAccountsByContacts(ref); const { groups } = await mirror.commitLinks(ref, round);',
  );
  expect(changed).not.toBe(code);
  writeFileSync(versionedBundle(path.join(folder, 'one.js')), code);
  writeFileSync(versionedBundle(path.join(folder, 'two.js')), changed);
}

test('worker versioning: a run ends on the code that it began on, the next one begins on the new code, and the control goes over to it', async () => {
  cpSync(rules, folder, { recursive: true });
  await writeBundles();
  const world = await startWorld({ data: folder, temporal, withoutWorker: true });
  try {
    writeFileSync(path.join(folder, 'crm-sync.yaml'), settingsText(world, rules));
    // The server refuses a version of which it has not seen a worker at every task queue yet.
    const makeCurrent = async (buildId: string): Promise<void> => {
      const place = ['--address', temporal.address, '--namespace', temporal.namespace];
      const version = ['--deployment-name', world.name, '--build-id', buildId];
      const asked = (): Promise<boolean> =>
        run(inject('temporalCli'), ['worker', 'deployment', 'set-current-version', ...version, '--yes', ...place]).then(
          () => true,
          () => false,
        );
      await expect.poll(asked, { timeout: 60_000, interval: 500 }).toBe(true);
    };
    const workerOf = (buildId: string) =>
      startWorkerProcess(world, folder, { TEMPORAL_WORKER_BUILD_ID: buildId, CRM_SYNC_WORKFLOW_BUNDLE: path.join(folder, `${buildId}.js`) });
    const one = await workerOf('one');
    await makeCurrent('one');
    await using hold = await holdAt(world, atStep('plan.part', 'contact'));
    const open = await world.start();
    await hold.reached();
    const two = await workerOf('two');
    await makeCurrent('two');
    await hold.release();
    expect(await open.result()).toEqual({ run: open.run, status: 'success' } satisfies RunResult);
    // Nothing is pinned to it any more.
    expect(await one.end('SIGTERM')).toBe(0);
    expect(await world.setLeads(true)).toMatchObject({ enabled: true });
    const next = await world.start();
    expect(await next.result()).toEqual({ run: next.run, status: 'success' } satisfies RunResult);

    const versionsOf = (history: Awaited<ReturnType<typeof executionsOf>>[number]['history']): readonly string[] => [
      ...new Set(
        history.events?.flatMap(({ workflowTaskCompletedEventAttributes: done }) => (done ? [done.deploymentVersion?.buildId ?? 'none'] : [])),
      ),
    ];
    const executions = await executionsOf(world);
    const of = (id: string): readonly (readonly string[])[] =>
      executions.flatMap(({ workflowId, history }) => (workflowId === id ? [versionsOf(history)] : []));
    expect(of(`${world.name}-run`)).toEqual([['one'], ['two']]);
    expect(of(world.name)).toEqual([['one', 'two']]);
    expect(of(`${open.run}/fetch/contact`)).toEqual([['one']]);
    expect(of(`${next.run}/fetch/contact`)).toEqual([['two']]);
    expect(await two.end('SIGTERM')).toBe(0);
  } finally {
    await world.stop();
  }
});
