import { execFile } from 'node:child_process';
import { randomBytes } from 'node:crypto';
import { chmod, chown, mkdir, readFile, readdir, readlink, rm, stat, statfs, unlink, writeFile } from 'node:fs/promises';
import { totalmem } from 'node:os';
import { dirname, join } from 'node:path';
import { promisify } from 'node:util';
import pg from 'pg';
import { Failure } from '../domain/failure.ts';
import type { PartDefinition } from './part.ts';
import { choosePostgresAccount, type PostgresAccount } from './postgres-account.ts';
import { findPostgres } from './postgres-binaries.ts';
import { endProcess, identifyProcess } from './process-identity.ts';

const run = promisify(execFile);

/** A database cluster that is ready to be started. */
export interface PostgresCluster {
  /** Where its data is; the state directory unless the account that runs it cannot get there. */
  readonly folder: string;
  readonly definition: PartDefinition<undefined>;
  /** The address of one of its databases, password included. */
  readonly url: (database: string) => string;
}

export interface PostgresOptions {
  /** The cluster lives in `data` below it, the password beside. */
  readonly folder: string;
  readonly port: number;
  readonly logFile: string;
  readonly searchPath: readonly string[];
  /** Tests give up safety against a crash of the machine for speed. */
  readonly durable: boolean;
}

export const postgresUser = 'crm_sync';

/** Finds the programs and makes the cluster if there is none; starts nothing. */
export async function preparePostgres(options: PostgresOptions): Promise<PostgresCluster> {
  const account = await choosePostgresAccount(await findPostgres(options.searchPath), options.folder, options.searchPath);
  const { folder } = account;
  const data = join(folder, 'data');
  await makeFolder(folder, account);
  const password = await ensurePassword(join(folder, 'password'), account);
  await ensureCluster(data, join(folder, 'password'), account);
  const settings = await serverSettings(options);
  const url = (database: string): string => `postgres://${postgresUser}:${password}@127.0.0.1:${options.port}/${database}`;
  const definition: PartDefinition<undefined> = {
    name: 'PostgreSQL',
    ...account.command(account.binaries.postgres, ['-D', data, ...settings.flatMap(([key, value]) => ['-c', `${key}=${value}`])]),
    cwd: folder,
    logFile: options.logFile,
    // Fast shutdown: sessions are ended, what they committed is safe.
    stopSignal: 'SIGINT',
    stopGraceMs: 30_000,
    startTimeoutMs: 60_000,
    remedy: `If the data cannot be saved, delete ${folder} and start again; or name a server that runs with CRM_SYNC_DATABASE_URL.`,
    prepare: () => clearStalePid(data),
    ready: async () => {
      await withClient(url('postgres'), async (client) => client.query('select 1'));
      return undefined;
    },
  };
  return { folder, definition, url };
}

/** Makes the databases that are not there yet. A repeat does nothing. */
export async function ensureDatabases(adminUrl: string, names: readonly string[]): Promise<void> {
  await withClient(adminUrl, async (client) => {
    for (const name of names) {
      const { rowCount } = await client.query('select from pg_database where datname = $1', [name]);
      if (rowCount === 0) await client.query(`create database ${client.escapeIdentifier(name)} encoding 'UTF8' template template0`);
    }
  });
}

async function withClient<T>(url: string, body: (client: pg.Client) => Promise<T>): Promise<T> {
  const client = new pg.Client({ connectionString: url, connectionTimeoutMillis: 5_000 });
  // A server that goes away while nothing is asked tells it as an event; the next question fails by itself.
  client.on('error', () => undefined);
  await client.connect();
  try {
    return await body(client);
  } finally {
    await client.end();
  }
}

async function makeFolder(folder: string, account: PostgresAccount): Promise<void> {
  await mkdir(folder, { recursive: true, mode: 0o700 });
  await chmod(folder, 0o700);
  if (account.owner !== undefined) await chown(folder, account.owner.uid, account.owner.gid);
}

async function ensurePassword(file: string, account: PostgresAccount): Promise<string> {
  try {
    return (await readFile(file, 'utf8')).trim();
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== 'ENOENT') throw error;
  }
  const password = randomBytes(24).toString('hex');
  await writeFile(file, `${password}\n`, { mode: 0o600 });
  if (account.owner !== undefined) await chown(file, account.owner.uid, account.owner.gid);
  return password;
}

/** A folder that initdb did not finish has no `PG_VERSION` or no mark of ours: it is made anew. */
async function ensureCluster(data: string, passwordFile: string, account: PostgresAccount): Promise<void> {
  const mark = join(dirname(data), 'initialized');
  if (await exists(mark)) {
    await refuseOtherVersion(data, account);
    return;
  }
  await rm(data, { recursive: true, force: true });
  const { command, args } = account.command(account.binaries.initdb, [
    ...['-D', data, '-U', postgresUser, '-E', 'UTF8', '--locale=C', '--auth=scram-sha-256', `--pwfile=${passwordFile}`, '--no-instructions'],
  ]);
  try {
    await run(command, [...args], { cwd: dirname(data) });
  } catch (error) {
    const { stderr } = error as { readonly stderr?: string };
    throw new Failure(`PostgreSQL: cannot make a database cluster in ${data}: ${(stderr ?? String(error)).trim()}`, {
      kind: 'permanent',
      code: 'POSTGRES_INIT',
      remedy: 'Choose a state directory on a local disk with some space (--state DIR), or name a server that runs with CRM_SYNC_DATABASE_URL.',
      cause: error,
    });
  }
  await writeFile(mark, '', { mode: 0o600 });
}

async function refuseOtherVersion(data: string, account: PostgresAccount): Promise<void> {
  const made = (await readFile(join(data, 'PG_VERSION'), 'utf8')).trim();
  const { command, args } = account.command(account.binaries.postgres, ['--version']);
  const { stdout } = await run(command, [...args], { cwd: dirname(data) });
  const found = /(\d+)/.exec(stdout)?.[1];
  if (made === found) return;
  throw new Failure(`PostgreSQL: ${data} was made by version ${made}, the programs found (${account.binaries.postgres}) are version ${found}`, {
    kind: 'permanent',
    code: 'POSTGRES_VERSION',
    remedy: `Use another state directory (--state DIR), or make the programs of version ${made} the first that are found.`,
  });
}

/** For one person's machine: little memory, few checkpoints while a night loads millions of rows, no replication. */
async function serverSettings(options: PostgresOptions): Promise<readonly (readonly [string, string | number])[]> {
  return [
    ['port', options.port],
    ['listen_addresses', '127.0.0.1'],
    ['unix_socket_directories', ''],
    ['max_connections', 100],
    ['shared_buffers', `${sharedBuffersMegabytes()}MB`],
    ['work_mem', '64MB'],
    ['maintenance_work_mem', '256MB'],
    ['max_wal_size', '4GB'],
    ['checkpoint_timeout', '15min'],
    ['wal_level', 'minimal'],
    ['max_wal_senders', 0],
    ['jit', 'off'],
    ['timezone', 'UTC'],
    ['log_timezone', 'UTC'],
    ['dynamic_shared_memory_type', await sharedMemoryType()],
    ['synchronous_commit', options.durable ? 'on' : 'off'],
    ['fsync', options.durable ? 'on' : 'off'],
    ['full_page_writes', options.durable ? 'on' : 'off'],
  ];
}

/** A sixteenth of the memory of the machine, or of its container, so that of a million records less goes out and comes back in. Taken only as it is used. */
function sharedBuffersMegabytes(): number {
  const bytes = Math.min(totalmem(), process.constrainedMemory() || Infinity);
  return Math.round(Math.min(1_024, Math.max(128, bytes / 2 ** 20 / 16)));
}

/** Containers often have 64 MB in /dev/shm, in which a parallel hash join does not fit. */
async function sharedMemoryType(): Promise<'posix' | 'mmap'> {
  if (process.platform !== 'linux') return 'posix';
  // Whatever the reason that it cannot be looked at, it is not relied on.
  const shm = await statfs('/dev/shm').catch(() => undefined);
  return shm !== undefined && shm.bavail * shm.bsize >= 512 * 1024 * 1024 ? 'posix' : 'mmap';
}

/**
 * What a killed server left: `postmaster.pid`, and perhaps sessions that have not noticed yet. A process of this number that is not this server
 * (numbers are used again, in containers soon) must not keep it from starting; one that is would hold the port and is ended first.
 */
async function clearStalePid(data: string): Promise<void> {
  const file = join(data, 'postmaster.pid');
  if (!(await exists(file))) return;
  const pid = Number((await readFile(file, 'utf8')).split('\n')[0]);
  const identity = Number.isInteger(pid) ? identifyProcess(pid) : undefined;
  if (identity !== undefined && (await commandLine(pid)).includes(data)) await endProcess(identity, 'SIGINT', 30_000);
  if (await exists(file)) await unlink(file);
  await waitForSessions(data);
}

/** Sessions of a killed server end by themselves once they notice; a new one refuses to start before. */
async function waitForSessions(data: string): Promise<void> {
  if (process.platform !== 'linux') return;
  for (const entry of await readdir('/proc')) {
    if (!/^\d+$/.test(entry)) continue;
    const pid = Number(entry);
    if (!(await workingFolder(pid)).startsWith(data)) continue;
    const identity = identifyProcess(pid);
    if (identity !== undefined) await endProcess(identity, 'SIGTERM', 2_000);
  }
}

async function workingFolder(pid: number): Promise<string> {
  return readlink(`/proc/${pid}/cwd`).catch(() => '');
}

async function commandLine(pid: number): Promise<string> {
  const { stdout } = await run('ps', ['-o', 'args=', '-ww', '-p', String(pid)]).catch(() => ({ stdout: '' }));
  return stdout;
}

async function exists(path: string): Promise<boolean> {
  return stat(path).then(
    () => true,
    (error: NodeJS.ErrnoException) => {
      if (error.code === 'ENOENT') return false;
      throw error;
    },
  );
}
