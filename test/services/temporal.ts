import { join } from 'node:path';
import type { TestProject } from 'vitest/node';
import { localEnvironment } from '../../src/config/local.ts';
import { freePorts } from '../../src/local/ports.ts';
import { ensureTemporalCli } from '../../src/local/temporal-cli.ts';
import { temporalServer } from '../../src/local/temporal-server.ts';
import { shareServer } from './shared-server.ts';

declare module 'vitest' {
  interface ProvidedContext {
    /** `host:port` */
    readonly temporalAddress: string;
    /** The `temporal` program. */
    readonly temporalCli: string;
  }
}

/** Vitest's global setup: one Temporal development server for the run. */
export default async function setup(project: TestProject): Promise<() => Promise<void>> {
  const { told, release } = await shareServer('temporal', async (folder) => {
    const program = await ensureTemporalCli(localEnvironment(), (line) => console.error(line));
    const [port = 0, uiPort = 0] = await freePorts(2);
    const definition = temporalServer({ program, folder, databaseFile: undefined, port, uiPort, logFile: join(folder, 'temporal.log') });
    return { definition, told: { address: `127.0.0.1:${port}`, program } };
  });
  project.provide('temporalAddress', told.address);
  project.provide('temporalCli', told.program);
  return release;
}
