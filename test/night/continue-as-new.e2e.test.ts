import { mkdtempSync } from 'node:fs';
import { rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { afterAll, beforeAll, expect, inject, test } from 'vitest';
import type { Progress } from '../../src/domain/progress.ts';
import { fence } from '../../src/ledger/runs.ts';
import { startPart } from '../../src/local/part.ts';
import { freePorts } from '../../src/local/ports.ts';
import { temporalServer } from '../../src/local/temporal-server.ts';
import { testNamespace } from '../services/namespace.ts';
import type { TestNamespace } from '../services/namespace.ts';
import { atClose, atStep, holdAt } from './hold.ts';
import { inWorld } from './in-world.ts';
import { executionsOf } from './replay.ts';
import { expectSameResult } from './same-result.ts';
import type { NightFiles, World } from './world.ts';

const data = path.join(import.meta.dirname, 'small');
const folder = mkdtempSync(path.join(tmpdir(), 'crm-sync-continue-'));
const suggestedAtEvents = 20;
let server: { stop(): Promise<void> };
let impatient: TestNamespace;
const results: { off?: NightFiles; on?: NightFiles } = {};

beforeAll(async () => {
  const temporal = await testNamespace();
  await inWorld({ data, temporal }, async (world) => {
    results.off = await world.files((await world.night()).run);
  });
  await inWorld({ data, temporal }, async (world) => {
    await world.setLeads(true);
    results.on = await world.files((await world.night()).run);
  });
  const [port = 0, uiPort = 0] = await freePorts(2);
  const definition = temporalServer({
    program: inject('temporalCli'),
    folder,
    databaseFile: undefined,
    port,
    uiPort,
    logFile: path.join(folder, 'temporal.log'),
  });
  const args = [...definition.args, '--dynamic-config-value', `limit.historyCount.suggestContinueAsNew=${suggestedAtEvents}`];
  server = await startPart(
    { ...definition, args },
    { onLine: (line) => console.error(line), onStarted: async () => undefined, onReady: async () => undefined },
  );
  impatient = { address: `127.0.0.1:${port}`, namespace: 'default' };
});
afterAll(async () => {
  await server.stop();
  await rm(folder, { recursive: true });
});

/** Executions of the run's chain, each continued as the next. */
async function chainOf(world: World): Promise<number> {
  return (await executionsOf(world)).filter(({ workflowId }) => workflowId === `${world.name}-run`).length;
}

async function attemptOf({ database }: World, run: string): Promise<number> {
  const { rows } = await database.query<{ attempt: number }>(`select attempt from run where run = '${run}'`);
  return rows[0]?.attempt ?? 0;
}

test('a run that continues as new between its steps ends as one that does not: R26 holds, older attempts are fenced off, the table of steps is whole', async () => {
  await inWorld({ data, temporal: impatient }, async (world) => {
    await using hold = await holdAt(world, atClose);
    const { run, result } = await world.start();
    await hold.reached();
    const attempt = await attemptOf(world, run);
    expect(attempt).toBeGreaterThan(2);
    for (const older of [1, attempt - 1])
      await expect(world.database.transaction((tx) => fence(tx, { run, attempt: older }))).rejects.toMatchObject({ code: 'RUN_CLOSED' });
    const progress = (await world.client.workflow.getHandle(`${world.name}-run`).query('progress')) as Progress;
    const rows = progress.steps.map(({ step, object, state, records }) => `${step} ${object} ${state} ${records}`);
    expect(rows.toSorted()).toEqual([
      'apply all done 8',
      'fetch account done 5',
      'fetch contact done 13',
      'match account done 3',
      'match contact done 6',
      'plan account done 3',
      'plan contact done 6',
      'settle all running 0',
    ]);
    await hold.release();
    expect(await result()).toEqual({ run, status: 'success' });
    expectSameResult(await world.files(run), results.off as NightFiles);
    expect(await chainOf(world)).toBe(attempt);
  });
});

test('R16 leads switched on and off while a run continues as new: no signal is lost', async () => {
  await inWorld({ data, temporal: impatient }, async (world) => {
    await using matching = await holdAt(world, atStep('match.finish', 'contact'));
    const { run, result } = await world.start();
    await matching.reached();
    const handle = world.client.workflow.getHandle(`${world.name}-run`);
    for (const name of ['enableLeads', 'disableLeads', 'enableLeads', 'disableLeads', 'enableLeads']) await handle.signal(name);
    await matching.release();
    expect((await result()).status).toBe('success');
    expectSameResult(await world.files(run), results.on as NightFiles);
    await expect.poll(() => world.client.workflow.getHandle(world.name).query('settings')).toEqual({ enabled: true, revision: 5 });
  });
});

test('an approval survives', async () => {
  await inWorld({ data, temporal: impatient, overrides: { approval: 'always' } }, async (world) => {
    const { run, result } = await world.start();
    const handle = world.client.workflow.getHandle(`${world.name}-run`);
    let progress: Progress | undefined;
    await expect
      .poll(
        async () => {
          progress = (await handle.query('progress')) as Progress;
          return progress.status;
        },
        { timeout: 60_000 },
      )
      .toBe('awaitingApproval');
    await handle.executeUpdate('approve', { args: [progress?.planDigest] });
    expect((await result()).status).toBe('success');
    expectSameResult(await world.files(run), results.off as NightFiles);
    expect(await chainOf(world)).toBeGreaterThan(1);
  });
});

test('the control continues as new and keeps the switch', async () => {
  await inWorld({ data, temporal: impatient }, async (world) => {
    const handle = world.client.workflow.getHandle(world.name);
    const { runId } = await handle.describe();
    for (let each = 1; each <= 8; each++) expect(await world.setLeads(each % 2 === 1)).toEqual({ enabled: each % 2 === 1, revision: each });
    await expect.poll(async () => (await handle.describe()).runId, { timeout: 30_000 }).not.toBe(runId);
    await expect.poll(() => handle.query('settings'), { timeout: 30_000 }).toEqual({ enabled: false, revision: 8 });
    expect((await world.night()).status).toBe('success');
  });
});
