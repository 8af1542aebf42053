import { homedir } from 'node:os';
import { delimiter, join, resolve } from 'node:path';

/** What the environment says about the servers of this machine. */
export interface LocalEnvironment {
  /** Downloads of all checkouts of this machine: `CRM_SYNC_CACHE`, else `~/.cache/crm-sync`. */
  readonly cacheDir: string;
  /** `host:port` of a Temporal server that is already there (`TEMPORAL_ADDRESS`); then none is started. */
  readonly temporalAddress: string | undefined;
  /** `TEMPORAL_NAMESPACE` */
  readonly temporalNamespace: string;
  /** `TEMPORAL_CLI_PATH` */
  readonly temporalCliPath: string | undefined;
  /** A PostgreSQL that is already there (`CRM_SYNC_DATABASE_URL`); then none is started. */
  readonly databaseUrl: string | undefined;
  /** The folders of the PATH, in order. */
  readonly searchPath: readonly string[];
  /** The start came from the launcher, which holds an IPC channel open for as long as it lives. */
  readonly launched: boolean;
}

export function localEnvironment(env: NodeJS.ProcessEnv = process.env): LocalEnvironment {
  return {
    cacheDir: resolve(env['CRM_SYNC_CACHE'] || join(env['XDG_CACHE_HOME'] || join(homedir(), '.cache'), 'crm-sync')),
    temporalAddress: env['TEMPORAL_ADDRESS'] || undefined,
    temporalNamespace: env['TEMPORAL_NAMESPACE'] || 'default',
    temporalCliPath: env['TEMPORAL_CLI_PATH'] || undefined,
    databaseUrl: env['CRM_SYNC_DATABASE_URL'] || undefined,
    searchPath: (env['PATH'] ?? '').split(delimiter).filter((folder) => folder !== ''),
    launched: env['CRM_SYNC_LAUNCHED'] === '1',
  };
}

/** The environment of a child process that needs another value or two. */
export function inheritedEnvironment(): NodeJS.ProcessEnv {
  return { ...process.env };
}
