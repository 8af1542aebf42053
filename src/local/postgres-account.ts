import { execFile } from 'node:child_process';
import { cp, mkdir, readFile, stat } from 'node:fs/promises';
import { createHash } from 'node:crypto';
import { basename, dirname, join } from 'node:path';
import { promisify } from 'node:util';
import { Failure } from '../domain/failure.ts';
import { findExecutable } from './executables.ts';
import type { PostgresBinaries } from './postgres-binaries.ts';

const run = promisify(execFile);

/**
 * As whom PostgreSQL runs, and where. It refuses root: then it runs as an unprivileged account, which cannot enter a state directory of mode 0700
 * (nor a checkout below /root). `setpriv` lends it the one capability that lets it through; where that is not to be had, programs and data live
 * in a folder that the account can reach.
 */
export interface PostgresAccount {
  readonly owner: { readonly uid: number; readonly gid: number } | undefined;
  readonly binaries: PostgresBinaries;
  /** Where the cluster is. */
  readonly folder: string;
  /** Puts the change of account before a command. */
  readonly command: (program: string, args: readonly string[]) => { readonly command: string; readonly args: readonly string[] };
}

const reachableRoot = '/var/lib/crm-sync';

/** `wanted` is the folder in the state directory; the answer's folder may be another (see above). */
export async function choosePostgresAccount(binaries: PostgresBinaries, wanted: string, searchPath: readonly string[]): Promise<PostgresAccount> {
  if (process.getuid?.() !== 0) return { owner: undefined, binaries, folder: wanted, command: (command, args) => ({ command, args }) };
  const owner = await unprivilegedAccount();
  const setpriv = await findExecutable('setpriv', [...searchPath, '/usr/bin', '/bin']);
  if (setpriv === undefined) throw rootFailure('setpriv, by which another account is taken, is not installed', 'Install util-linux');
  const asAccount = [`--reuid=${owner.uid}`, `--regid=${owner.gid}`, '--clear-groups', '--no-new-privs'];
  const lent = [...asAccount, '--inh-caps=+dac_override', '--ambient-caps=+dac_override', '--'];
  const command = (options: readonly string[]) => (program: string, args: readonly string[]) => ({
    command: setpriv,
    args: [...options, program, ...args],
  });
  if (await canRun(setpriv, [...lent, binaries.postgres, '--version'])) return { owner, binaries, folder: wanted, command: command(lent) };

  const place = join(reachableRoot, createHash('sha256').update(wanted).digest('hex').slice(0, 16));
  const moved = await copyBinaries(binaries, join(reachableRoot, 'programs'));
  const plain = [...asAccount, '--'];
  await mkdir(place, { recursive: true, mode: 0o711 });
  if (!(await canRun(setpriv, [...plain, moved.postgres, '--version']))) {
    throw rootFailure(`the account ${owner.uid} cannot run ${moved.postgres}`, 'Start crm-sync as a user other than root');
  }
  return { owner, binaries: moved, folder: join(place, basename(wanted)), command: command(plain) };
}

/** `postgres` if this machine has it, else `nobody`. */
async function unprivilegedAccount(): Promise<{ readonly uid: number; readonly gid: number }> {
  const accounts = (await readFile('/etc/passwd', 'utf8')).split('\n').map((line) => line.split(':'));
  for (const name of ['postgres', 'nobody']) {
    const account = accounts.find((fields) => fields[0] === name);
    if (account !== undefined) return { uid: Number(account[2]), gid: Number(account[3]) };
  }
  throw rootFailure('/etc/passwd has neither postgres nor nobody', 'Start crm-sync as a user other than root');
}

async function canRun(command: string, args: readonly string[]): Promise<boolean> {
  try {
    await run(command, args);
    return true;
  } catch {
    // Forbidden or not there: the caller has another way, or says so.
    return false;
  }
}

/** `bin`, `lib` and `share` beside each other, as the package has them; programs of a distribution are reachable and stay. */
async function copyBinaries(binaries: PostgresBinaries, to: string): Promise<PostgresBinaries> {
  const root = dirname(dirname(binaries.postgres));
  if (root.startsWith('/usr/')) return binaries;
  const { mtimeMs, size } = await stat(binaries.postgres);
  const target = join(to, `${size}-${Math.trunc(mtimeMs)}`);
  await mkdir(to, { recursive: true, mode: 0o755 });
  await cp(root, target, { recursive: true, verbatimSymlinks: true, force: true });
  return { initdb: join(target, 'bin', 'initdb'), postgres: join(target, 'bin', 'postgres') };
}

function rootFailure(why: string, remedy: string): Failure {
  return new Failure(`PostgreSQL does not run as root, and ${why}`, {
    kind: 'permanent',
    code: 'POSTGRES_ROOT',
    remedy: `${remedy}, or name a server that runs with CRM_SYNC_DATABASE_URL.`,
  });
}
