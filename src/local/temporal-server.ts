import { access, chmod, rm, writeFile } from 'node:fs/promises';
import { Connection } from '@temporalio/client';
import type { ConnectionOptions } from '@temporalio/client';
import { temporalOfEnvironment } from '../config/temporal.ts';
import type { PartDefinition } from './part.ts';

export interface TemporalServerOptions {
  readonly program: string;
  /** Where it runs; the database file is `databaseFile`, or nothing is kept. */
  readonly folder: string;
  readonly databaseFile: string | undefined;
  readonly port: number;
  readonly uiPort: number;
  readonly logFile: string;
}

/** The development server of the CLI: the real server with SQLite beneath, and the real web UI. */
export function temporalServer(options: TemporalServerOptions): PartDefinition<undefined> {
  const address = `127.0.0.1:${options.port}`;
  return {
    name: 'Temporal server',
    command: options.program,
    args: [
      ...['server', 'start-dev', '--ip', '127.0.0.1', '--port', String(options.port), '--ui-port', String(options.uiPort)],
      ...['--log-level', 'warn', '--ui-disable-news-fetch'],
      ...(options.databaseFile === undefined ? [] : ['--db-filename', options.databaseFile]),
    ],
    cwd: options.folder,
    logFile: options.logFile,
    stopSignal: 'SIGTERM',
    stopGraceMs: 10_000,
    startTimeoutMs: 60_000,
    remedy:
      'If its database is damaged, delete temporal.db* in the state directory (histories are lost, links are not); or name a server that runs with TEMPORAL_ADDRESS.',
    prepare: () => discardUnfinished(options.databaseFile),
    ready: async () => {
      await checkTemporal({ address }, 'default');
      await markFinished(options.databaseFile);
      return undefined;
    },
  };
}

/** A server that was killed while it made its tables never starts again on them. One that has never answered has nothing to lose. */
async function discardUnfinished(databaseFile: string | undefined): Promise<void> {
  if (databaseFile === undefined || (await exists(markOf(databaseFile)))) return;
  for (const suffix of ['', '-wal', '-shm']) await rm(`${databaseFile}${suffix}`, { force: true });
}

async function markFinished(databaseFile: string | undefined): Promise<void> {
  if (databaseFile === undefined) return;
  await chmod(databaseFile, 0o600);
  await writeFile(markOf(databaseFile), '', { mode: 0o600 });
}

function markOf(databaseFile: string): string {
  return `${databaseFile}.initialized`;
}

async function exists(path: string): Promise<boolean> {
  return access(path).then(
    () => true,
    () => false,
  );
}

/** Asks the server over gRPC for the namespace: a port that is open is not yet a server that works. */
async function checkTemporal(options: ConnectionOptions, namespace: string): Promise<void> {
  const connection = await Connection.connect({ ...options, connectTimeout: '2s' });
  try {
    await connection.withDeadline(Date.now() + 2_000, () => connection.workflowService.describeNamespace({ namespace }));
  } finally {
    await connection.close();
  }
}

/** The same of a server that somebody else runs, by what the environment says of TLS and keys. */
export async function checkTemporalOfEnvironment(address: string, namespace: string): Promise<void> {
  const { connection } = await temporalOfEnvironment();
  await checkTemporal({ ...(connection as ConnectionOptions), address }, namespace);
}
