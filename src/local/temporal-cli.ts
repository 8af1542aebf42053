import { execFile } from 'node:child_process';
import { constants } from 'node:fs';
import { access, mkdir, rename, rm } from 'node:fs/promises';
import { join } from 'node:path';
import { promisify } from 'node:util';
import type { LocalEnvironment } from '../config/local.ts';
import { Failure } from '../domain/failure.ts';
import { findExecutable, isExecutable } from './executables.ts';
import { waitForLock } from './lock.ts';
import { temporalCliVersion, temporalSources, type TemporalSource } from './temporal-sources.ts';

/**
 * The `temporal` program, which is the server and its web UI as well: `TEMPORAL_CLI_PATH`, the PATH, the cache, else downloaded once per machine.
 * Throws a Failure (`TEMPORAL_MISSING`) that says what each way answered.
 */
export async function ensureTemporalCli(
  environment: LocalEnvironment,
  onLine: (line: string) => void,
  sources: readonly TemporalSource[] = temporalSources,
): Promise<string> {
  const { temporalCliPath, searchPath, cacheDir } = environment;
  if (temporalCliPath !== undefined) {
    if (await isExecutable(temporalCliPath)) return temporalCliPath;
    throw missing(`TEMPORAL_CLI_PATH is ${temporalCliPath}, which is no program that can be run`, 'Correct TEMPORAL_CLI_PATH or unset it.');
  }
  const onPath = await findExecutable('temporal', searchPath);
  if (onPath !== undefined) return onPath;
  const folder = join(cacheDir, `temporal-${temporalCliVersion}`);
  const cached = join(folder, 'temporal');
  if (await isExecutable(cached)) return cached;
  await makeCacheFolder(cacheDir);
  const lock = await waitForLock(join(cacheDir, 'temporal.lock'), (pid) => onLine(`Temporal server: waiting for its download by process ${pid}`));
  try {
    if (!(await isExecutable(cached))) await obtain(cacheDir, folder, sources, onLine);
    return cached;
  } finally {
    await lock.release();
  }
}

/** Tries the sources in turn; what one left is unpacked beside the target and moved there in one step. */
async function obtain(cacheDir: string, folder: string, sources: readonly TemporalSource[], onLine: (line: string) => void): Promise<void> {
  const draft = join(cacheDir, `temporal-draft-${process.pid}`);
  const refusals: string[] = [];
  try {
    for (const source of sources) {
      await rm(draft, { recursive: true, force: true });
      await mkdir(draft, { recursive: true });
      onLine(`Temporal server: not on this machine yet; fetching it (${source.name})`);
      try {
        const program = join(draft, 'temporal');
        await source.fetch(draft, program);
        await promisify(execFile)(program, ['--version']);
      } catch (error) {
        const why = firstLine(error);
        refusals.push(`${source.name}: ${why}`);
        onLine(`Temporal server: ${source.name} does not answer the need (${why})`);
        continue;
      }
      await rm(folder, { recursive: true, force: true });
      await rename(draft, folder);
      onLine(`Temporal server: kept in ${folder}`);
      return;
    }
  } finally {
    await rm(draft, { recursive: true, force: true });
  }
  throw missing(
    `Temporal server: not found on the PATH nor in ${cacheDir}, and not to be had: ${refusals.join('; ')}`,
    'Install the Temporal CLI (https://docs.temporal.io/cli) and put it on the PATH or name it with TEMPORAL_CLI_PATH, or name a server that runs with TEMPORAL_ADDRESS.',
  );
}

async function makeCacheFolder(cacheDir: string): Promise<void> {
  try {
    await mkdir(cacheDir, { recursive: true });
    await access(cacheDir, constants.W_OK);
  } catch (error) {
    const { code } = error as NodeJS.ErrnoException;
    throw new Failure(`the cache folder ${cacheDir} cannot be written (${code})`, {
      kind: 'permanent',
      code: 'CACHE_UNWRITABLE',
      remedy: 'Name a folder that can be written with CRM_SYNC_CACHE.',
      cause: error,
    });
  }
}

function firstLine(error: unknown): string {
  const { stderr } = error as { readonly stderr?: string };
  const text = stderr?.trim() || (error instanceof Error ? error.message : String(error));
  return text.split('\n').at(0) ?? text;
}

function missing(message: string, remedy: string): Failure {
  return new Failure(message, { kind: 'permanent', code: 'TEMPORAL_MISSING', remedy });
}
