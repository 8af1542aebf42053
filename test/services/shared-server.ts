import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

/** A server for the whole run of the tests, with the folder it lives in. */
interface SharedServer<T> {
  readonly value: Promise<{ readonly told: T; readonly stop: () => Promise<void> }>;
  readonly folder: Promise<string>;
  users: number;
}

const registry = globalThis as { crmSyncTestServers?: Map<string, SharedServer<unknown>> };

/**
 * Starts the server for the first project of the run that needs it, shares it with the others, and stops it after the last.
 * Each project loads this module anew, so what they share hangs on the global object.
 */
export async function shareServer<T>(
  name: string,
  start: (folder: string) => Promise<{ readonly told: T; readonly stop: () => Promise<void> }>,
): Promise<{ readonly told: T; readonly release: () => Promise<void> }> {
  const servers = (registry.crmSyncTestServers ??= new Map());
  let server = servers.get(name) as SharedServer<T> | undefined;
  if (server === undefined) {
    const folder = mkdtemp(join(tmpdir(), `crm-sync-test-${name}-`));
    server = { folder, value: folder.then(start), users: 0 };
    servers.set(name, server);
  }
  const shared = server;
  shared.users++;
  const { told, stop } = await shared.value;
  const release = async (): Promise<void> => {
    if (--shared.users > 0) return;
    servers.delete(name);
    await stop();
    await rm(await shared.folder, { recursive: true, force: true });
  };
  return { told, release };
}
