import { spawn } from 'node:child_process';
import type { ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { existsSync, mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { expect, onTestFinished, test } from 'vitest';
import { identifyProcess, isRunning } from '../../src/local/process-identity.ts';
import type { ProcessIdentity } from '../../src/local/process-identity.ts';
import type { RecordedProcesses } from '../../src/local/state-directory.ts';

/** A process that stands for a server, the guard that knows of it, and the folder they share. */
async function guarded(): Promise<{ readonly server: ProcessIdentity; readonly folder: string; readonly guard: ChildProcess }> {
  const folder = mkdtempSync(path.join(tmpdir(), 'crm-sync-guard-'));
  const child = spawn(process.execPath, ['-e', 'setInterval(() => undefined, 60_000)'], { stdio: 'ignore' });
  onTestFinished(() => {
    child.kill('SIGKILL');
    rmSync(folder, { recursive: true, force: true });
  });
  await once(child, 'spawn');
  const server = identifyProcess(child.pid ?? 0);
  if (server === undefined) throw new Error('the process did not start');
  const guard = spawn(process.execPath, [path.join(import.meta.dirname, 'guard.ts'), folder], { stdio: ['pipe', 'ignore', 'inherit'] });
  const known: RecordedProcesses = { parts: [{ name: 'PostgreSQL', identity: server, stopSignal: 'SIGTERM' }] };
  guard.stdin.write(`${JSON.stringify(known)}\n`);
  return { server, folder, guard };
}

test('servers of a run of the tests that was killed end, and their folder goes', async () => {
  const { server, folder, guard } = await guarded();
  guard.stdin?.end();
  await once(guard, 'exit');
  expect([isRunning(server), existsSync(folder)]).toEqual([false, false]);
});

test('a run that ends its servers itself is left to it', async () => {
  const { server, folder, guard } = await guarded();
  guard.stdin?.end('done\n');
  await once(guard, 'exit');
  expect([isRunning(server), existsSync(folder)]).toEqual([true, true]);
});
