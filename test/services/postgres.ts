import { join } from 'node:path';
import type { TestProject } from 'vitest/node';
import { localEnvironment } from '../../src/config/local.ts';
import { freePort } from '../../src/local/ports.ts';
import { preparePostgres } from '../../src/local/postgres.ts';
import { shareServer } from './shared-server.ts';

declare module 'vitest' {
  interface ProvidedContext {
    /** The address of the `postgres` database, as superuser. */
    readonly postgresUrl: string;
  }
}

/** Vitest's global setup: one PostgreSQL for the run. */
export default async function setup(project: TestProject): Promise<() => Promise<void>> {
  const { told, release } = await shareServer('postgres', async (folder) => {
    const { searchPath } = localEnvironment();
    const cluster = await preparePostgres({
      folder: join(folder, 'postgres'),
      port: await freePort(),
      logFile: join(folder, 'postgres.log'),
      searchPath,
      durable: false,
    });
    return { definition: cluster.definition, told: cluster.url('postgres') };
  });
  project.provide('postgresUrl', told);
  return release;
}
