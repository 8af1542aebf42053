import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { startPart } from '../../src/local/part.ts';
import type { PartDefinition } from '../../src/local/part.ts';
import type { RecordedProcesses } from '../../src/local/state-directory.ts';

/** A server as it is to be started in a folder of its own, and what the tests are told of it. */
export interface ServerPlan<T> {
  readonly definition: PartDefinition<unknown>;
  readonly told: T;
}

/** A server for the whole run of the tests. */
interface SharedServer<T> {
  readonly value: Promise<{ readonly told: T; readonly stop: () => Promise<void> }>;
  users: number;
}

const registry = globalThis as { crmSyncTestServers?: Map<string, SharedServer<unknown>> };

/**
 * Starts the server for the first project of the run that needs it, shares it with the others, and stops it after the last.
 * Each project loads this module anew, so what they share hangs on the global object. A run that is killed leaves no server: its guard ends it.
 */
export async function shareServer<T>(
  name: string,
  planIn: (folder: string) => Promise<ServerPlan<T>>,
): Promise<{ readonly told: T; readonly release: () => Promise<void> }> {
  const servers = (registry.crmSyncTestServers ??= new Map());
  let server = servers.get(name) as SharedServer<T> | undefined;
  if (server === undefined) {
    server = { value: start(name, planIn), users: 0 };
    servers.set(name, server);
  }
  const shared = server;
  shared.users++;
  const { told, stop } = await shared.value;
  const release = async (): Promise<void> => {
    if (--shared.users > 0) return;
    servers.delete(name);
    await stop();
  };
  return { told, release };
}

async function start<T>(
  name: string,
  planIn: (folder: string) => Promise<ServerPlan<T>>,
): Promise<{ readonly told: T; readonly stop: () => Promise<void> }> {
  const folder = await mkdtemp(join(tmpdir(), `crm-sync-test-${name}-`));
  const guard = await startGuard(folder);
  const { definition, told } = await planIn(folder);
  const part = await startPart(definition, {
    onLine: (line) => console.error(line),
    onStarted: async (identity) => guard.tell({ parts: [{ name: definition.name, identity, stopSignal: definition.stopSignal }] }),
    onReady: async () => undefined,
  });
  const stop = async (): Promise<void> => {
    await part.stop();
    await guard.end();
    await rm(folder, { recursive: true, force: true });
  };
  return { told, stop };
}

async function startGuard(folder: string): Promise<{ readonly tell: (processes: RecordedProcesses) => void; readonly end: () => Promise<void> }> {
  const guard = spawn(process.execPath, [join(import.meta.dirname, 'guard.ts'), folder], { stdio: ['pipe', 'ignore', 'inherit'], detached: true });
  await once(guard, 'spawn');
  // A guard that somebody killed is no reason to stop.
  guard.stdin.on('error', () => undefined);
  const ended = once(guard, 'exit');
  return {
    tell: (processes) => void guard.stdin.write(`${JSON.stringify(processes)}\n`),
    end: async () => {
      guard.stdin.end('done\n');
      await ended;
    },
  };
}
