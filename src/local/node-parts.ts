import { programFile } from './places.ts';
import type { PartDefinition } from './part.ts';

/** What the simulator tells when it answers, as far as a stack passes it on. */
export interface SimulatorReady {
  readonly url: string;
  readonly clientId: string;
  readonly clientSecret: string;
  readonly username: string;
  readonly password: string;
}

export interface SimulatorOptions {
  readonly port: number;
  /** Where the org is kept. */
  readonly stateDir: string;
  readonly dataDir: string | undefined;
  readonly synthetic: { readonly contacts: number; readonly seed: number } | undefined;
  readonly keepEmailCase: boolean;
  readonly logFile: string;
}

export function simulatorPart(options: SimulatorOptions): PartDefinition<SimulatorReady> {
  const { synthetic } = options;
  return {
    name: 'Salesforce simulator',
    command: process.execPath,
    args: [
      programFile('simulator/src/main'),
      ...['--port', String(options.port), '--state', options.stateDir],
      ...(options.dataDir === undefined ? [] : ['--data', options.dataDir]),
      ...(synthetic === undefined ? [] : ['--synthetic', String(synthetic.contacts), '--seed', String(synthetic.seed)]),
      ...(options.keepEmailCase ? ['--keep-email-case'] : []),
    ],
    cwd: process.cwd(),
    logFile: options.logFile,
    echo: true,
    stopSignal: 'SIGTERM',
    stopGraceMs: 10_000,
    startTimeoutMs: 15 * 60_000,
    remedy: 'Correct what it names in the data directory, or use another state directory (--state DIR).',
    ready: async ({ firstJsonLine }) => {
      const line = await firstJsonLine();
      const told = (key: keyof SimulatorReady): string => String(line[key]);
      return {
        url: told('url'),
        clientId: told('clientId'),
        clientSecret: told('clientSecret'),
        username: told('username'),
        password: told('password'),
      };
    },
  };
}

export interface WorkerPartOptions {
  readonly stateDir: string;
  /** Further arguments of `crm-sync worker`, such as `--config FILE`. */
  readonly args: readonly string[];
  readonly logFile: string;
}

/** A heap that is collected early: what a night holds at a time is small, whatever the size of the org. */
const workerHeap = ['--max-semi-space-size=8', '--max-old-space-size=384'];

/** A worker is ready when it prints `{"ready":true}`. */
export function workerPart(options: WorkerPartOptions): PartDefinition<undefined> {
  return {
    name: 'Worker',
    command: process.execPath,
    args: [...workerHeap, programFile('src/cli/main'), 'worker', '--state', options.stateDir, ...options.args],
    cwd: process.cwd(),
    logFile: options.logFile,
    stopSignal: 'SIGTERM',
    stopGraceMs: 30_000,
    startTimeoutMs: 120_000,
    remedy: `Its log, ${options.logFile}, says more; check the settings with crm-sync doctor.`,
    ready: async ({ firstJsonLine }) => {
      await firstJsonLine();
      return undefined;
    },
  };
}
