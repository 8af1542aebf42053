import { writeFileSync } from 'node:fs';
import path from 'node:path';
import { expect, test } from 'vitest';
import { crmSync } from '../cli/run-cli.ts';
import type { CliResult } from '../cli/run-cli.ts';
import { startCrmSync } from '../cli/running-cli.ts';
import { inWorld } from '../night/in-world.ts';
import { settingsText } from '../night/worker-process.ts';
import type { World } from '../night/world.ts';
import { testNamespace } from '../services/namespace.ts';
import { importScores, peopleDirectory, setOrg } from './people.ts';
import { handleOf, openLinks } from './waiting.ts';

const temporal = await testNamespace();

/** The commands as an operator has them, on a world whose settings file says the same as its worker's. */
function operator(
  world: World,
  data: string,
  more: object,
): {
  readonly run: (...args: readonly string[]) => Promise<CliResult>;
  readonly begin: (...args: readonly string[]) => ReturnType<typeof startCrmSync>;
} {
  const file = path.join(data, 'operator.yaml');
  writeFileSync(file, settingsText(world, data, more));
  const env = { TEMPORAL_ADDRESS: world.temporal.address, TEMPORAL_NAMESPACE: world.temporal.namespace };
  return {
    run: (...args) => crmSync([...args, '--config', file], { cwd: data, env }),
    begin: (...args) => startCrmSync([...args, '--config', file], data, env),
  };
}

/** Runs that the commands started are replayed as well. */
async function noteRuns(world: World, count: number): Promise<void> {
  const listed = async (): Promise<number> => {
    world.started.length = 0;
    for await (const { workflowId, runId } of world.client.workflow.list({ query: `TaskQueue = '${world.name}' and WorkflowType = 'syncRun'` }))
      world.started.push({ workflowId, runId });
    return world.started.length;
  };
  await expect.poll(listed, { timeout: 30_000, interval: 200 }).toBe(count);
}

test('status, approve and reject show the numbers and the digest; the exit code tells how the run ended', async () => {
  const data = peopleDirectory({ count: 10 });
  await inWorld({ data, temporal, overrides: { approval: 'guards' } }, async (world) => {
    const cli = operator(world, data, { approval: 'guards' });
    const first = await cli.run('run', '--wait');
    expect([first.exitCode, first.stderr]).toEqual([0, expect.any(String)]);
    await world.store.deletePersons('user', ['u1']);

    const waiting = cli.begin('run', '--wait');
    await waiting.says('waits for approval');
    expect(waiting.output().stderr).toContain('guards.personsGone: 1 of 10 users are gone from Personalization; more than 5% asks for approval');
    const status = await cli.run('status');
    expect(status.exitCode).toBe(0);
    expect(status.stdout).toContain('links: 0 new, 9 kept, 1 ended');
    expect(status.stdout).toContain('guards.linksEnded: 1 of 10 contact links would end; more than 1% asks for approval');
    const digest = /crm-sync approve --plan (\w+)/.exec(status.stdout)?.[1] ?? '';
    expect(digest).toMatch(/^[0-9a-f]{32}$/);
    const details = await world.client.workflowService.queryWorkflow({
      namespace: world.temporal.namespace,
      execution: { workflowId: handleOf(world).workflowId },
      query: { queryType: '__temporal_workflow_metadata' },
    });
    const shown = Buffer.from(details.queryResult?.payloads?.[0]?.data ?? []).toString();
    expect(shown).toContain(digest);
    expect(shown).toContain('1 of 10 users are gone');
    expect(shown).not.toContain('u1');

    const another = await cli.run('approve', '--plan', 'f'.repeat(32));
    expect([another.exitCode, another.stderr]).toEqual([1, expect.stringContaining(`the plan that waits is ${digest}`)]);
    expect(await openLinks(world)).toHaveLength(10);
    const rejected = await cli.run('reject');
    expect(rejected.exitCode).toBe(0);
    expect(await waiting.end('SIGCONT')).toBe(3);
    expect(await openLinks(world)).toHaveLength(10);

    const again = cli.begin('run', '--wait', '--json');
    await again.says('waits for approval');
    const approved = await cli.run('approve', '--plan', digest);
    expect(approved.exitCode).toBe(0);
    expect(approved.stdout).toContain(digest);
    expect(approved.stdout).toContain('1 of 10 users are gone from Personalization');
    expect(await again.end('SIGCONT')).toBe(0);
    expect(await openLinks(world)).toHaveLength(9);
    const idle = await cli.run('approve');
    expect([idle.exitCode, idle.stderr]).toEqual([1, expect.stringContaining('no run is in progress')]);

    // A preview that was asked for waits for nobody.
    await world.store.deletePersons('user', ['u2']);
    const preview = await cli.run('run', '--preview', '--wait');
    expect([preview.exitCode, preview.stdout]).toEqual([0, expect.stringContaining('warning: guards.personsGone: 1 of 9 users')]);
    await noteRuns(world, 4);
  });
});

test('a run that a cap stops ends with 3, and says what waits; one that an empty budget refuses says what to do', async () => {
  const data = peopleDirectory({ count: 4 });
  await inWorld({ data, temporal, overrides: { approval: 'never', 'caps.pushRecords': 3 } }, async (world) => {
    const cli = operator(world, data, { approval: 'never' });
    const capped = await cli.run('run', '--wait');
    expect([capped.exitCode, capped.stdout]).toEqual([
      3,
      expect.stringContaining('caps.pushRecords (3) is reached: 1 writes to 1 records wait for the next run'),
    ]);
    const rest = await cli.run('run', '--wait');
    expect(rest.exitCode).toBe(0);
    await importScores(world, { u1: 5 });
    await setOrg(world, { apiRequestsUsed: 100_000 });
    const refused = await cli.run('run', '--wait');
    expect([refused.exitCode, refused.stderr]).toEqual([1, expect.stringContaining('nothing was read or written')]);
    await noteRuns(world, 3);
  });
});
