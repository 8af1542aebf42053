import { spawn, type ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { rm, writeFile } from 'node:fs/promises';
import { join, resolve } from 'node:path';
import type { LocalEnvironment } from '../config/local.ts';
import { Failure } from '../domain/failure.ts';
import { watchLauncher } from './launcher.ts';
import type { HeldLock } from './lock.ts';
import { simulatorPart, workerPart } from './node-parts.ts';
import { startPart, type Part, type PartDefinition, type PartEvents } from './part.ts';
import { programFile } from './places.ts';
import { ensureDatabases, preparePostgres } from './postgres.ts';
import { identifyProcess } from './process-identity.ts';
import type { StackFile } from './stack-file.ts';
import { stackFileName, startingFileName } from './stack-file.ts';
import {
  choosePorts,
  endLeftovers,
  forgetProcesses,
  inStopOrder,
  lockStateDirectory,
  makeStateDirectory,
  recordProcesses,
  removeStackFiles,
  writeJsonFile,
  type RecordedProcesses,
} from './state-directory.ts';
import { ensureTemporalCli } from './temporal-cli.ts';
import { checkTemporalOfEnvironment, temporalServer } from './temporal-server.ts';

export type PartName = 'postgres' | 'temporal' | 'simulator' | 'worker';

export interface StackOptions {
  readonly stateDir: string;
  readonly parts: readonly PartName[];
  readonly environment: LocalEnvironment;
  /** What the simulator loads if its org is new. */
  readonly dataDir?: string;
  readonly synthetic?: { readonly contacts: number; readonly seed: number };
  readonly keepEmailCase?: boolean;
  /** Further arguments of `crm-sync worker`. */
  readonly workerArgs?: readonly string[];
  /** Done when the servers answer and before the worker starts. */
  readonly beforeWorker?: (stack: StackFile) => Promise<void>;
  /** Gives up the start: what runs already is stopped and `startStack` throws. */
  readonly signal?: AbortSignal;
  readonly onLine: (line: string) => void;
}

export interface Stack {
  /** What `stack.json` says now: pids follow parts that were started again. */
  readonly current: () => StackFile;
  /** The `temporal` program, for people; undefined if the server is not ours. */
  readonly temporalCli: string | undefined;
  /** Ends every process and removes `stack.json`. A repeat waits for the same end. */
  readonly stop: () => Promise<void>;
}

/**
 * Brings up the parts, in parallel where they do not need each other, and watches them. Throws a Failure and leaves nothing behind if one
 * cannot be started. Data in the state directory is found again.
 */
export async function startStack(options: StackOptions): Promise<Stack> {
  const stateDir = resolve(options.stateDir);
  await makeStateDirectory(stateDir);
  const lock = await lockStateDirectory(stateDir);
  const starting = new StackInProgress(stateDir, lock, options);
  try {
    await starting.begin();
    await starting.startServers();
    await starting.startWorker();
    await starting.publish();
  } catch (error) {
    await starting.stop();
    throw error;
  }
  return { current: () => starting.file, temporalCli: starting.temporalCli, stop: () => starting.stop() };
}

type PortName = 'postgres' | 'temporal' | 'temporalUi' | 'simulator';

class StackInProgress {
  readonly #stateDir: string;
  readonly #lock: HeldLock;
  readonly #options: StackOptions;
  readonly #parts: Part<unknown>[] = [];
  #processes: RecordedProcesses = { parts: [] };
  #guard: ChildProcess | undefined;
  #unwatchLauncher: () => void = () => undefined;
  #complete = false;
  #stopped: Promise<void> | undefined;
  /** Files are written one after the other, in the order of what they tell. */
  #writing: Promise<void> = Promise.resolve();
  file: StackFile = { pid: process.pid };
  temporalCli: string | undefined;

  constructor(stateDir: string, lock: HeldLock, options: StackOptions) {
    this.#stateDir = stateDir;
    this.#lock = lock;
    this.#options = options;
  }

  async begin(): Promise<void> {
    const left = await endLeftovers(this.#stateDir);
    if (left.length > 0) this.#options.onLine(`ended what an earlier stack left running: ${left.join(', ')}`);
    this.#guard = await this.#startGuard();
    this.#unwatchLauncher = watchLauncher(this.#options.environment);
  }

  async startServers(): Promise<void> {
    const { parts, environment } = this.#options;
    const ports = await this.#choosePorts();
    const starts: Promise<void>[] = [];
    if (parts.includes('postgres'))
      starts.push(environment.databaseUrl === undefined ? this.#startPostgres(ports.postgres) : this.#usePostgres(environment.databaseUrl));
    if (parts.includes('temporal')) {
      starts.push(
        environment.temporalAddress === undefined
          ? this.#startTemporal(ports.temporal, ports.temporalUi)
          : this.#useTemporal(environment.temporalAddress),
      );
    }
    if (parts.includes('simulator')) starts.push(this.#startSimulator(ports.simulator));
    const failed = (await Promise.allSettled(starts)).find((result) => result.status === 'rejected');
    if (failed !== undefined) throw failed.reason;
    this.#options.signal?.throwIfAborted();
  }

  async startWorker(): Promise<void> {
    await this.#options.beforeWorker?.(this.file);
    if (!this.#options.parts.includes('worker')) return;
    this.#options.signal?.throwIfAborted();
    const definition = workerPart({ stateDir: this.#stateDir, args: this.#options.workerArgs ?? [], logFile: this.#logFile('worker') });
    await this.#start(definition, (pid) => ({ worker: { pid } }));
  }

  /** From here on `stack.json` is there. */
  async publish(): Promise<void> {
    this.#complete = true;
    await this.#update({});
    await rm(join(this.#stateDir, startingFileName), { force: true });
  }

  stop(): Promise<void> {
    return (this.#stopped ??= this.#stop());
  }

  async #stop(): Promise<void> {
    this.#unwatchLauncher();
    await this.#writing;
    await removeStackFiles(this.#stateDir);
    const problems: unknown[] = [];
    for (const part of inStopOrder(this.#parts)) {
      await part.stop().catch((error: unknown) => problems.push(error));
    }
    await this.#writing;
    await removeStackFiles(this.#stateDir);
    await forgetProcesses(this.#stateDir);
    await this.#endGuard();
    await this.#lock.release();
    if (problems.length > 0) throw problems[0];
  }

  async #startGuard(): Promise<ChildProcess> {
    const guard = spawn(process.execPath, [programFile('src/local/guard'), this.#stateDir], {
      stdio: ['pipe', 'ignore', 'ignore'],
      detached: true,
      cwd: '/',
    });
    await once(guard, 'spawn');
    // A guard that somebody killed is no reason to stop: its pipe then breaks when we say goodbye.
    guard.stdin?.on('error', () => undefined);
    const identity = identifyProcess(guard.pid ?? 0);
    this.#processes = { ...this.#processes, ...(identity === undefined ? {} : { guard: identity }) };
    await recordProcesses(this.#stateDir, this.#processes);
    return guard;
  }

  async #endGuard(): Promise<void> {
    const guard = this.#guard;
    if (guard === undefined || guard.exitCode !== null || guard.signalCode !== null) return;
    const ended = once(guard, 'exit');
    guard.stdin?.end('done\n');
    await ended;
  }

  async #choosePorts(): Promise<Readonly<Record<PortName, number>>> {
    return choosePorts<PortName>(this.#stateDir, ['postgres', 'temporal', 'temporalUi', 'simulator'], (name, port, instead) => {
      this.#options.onLine(`port ${port} (${name}) is taken by another process; using ${instead} instead`);
    });
  }

  async #startPostgres(port: number): Promise<void> {
    const folder = join(this.#stateDir, 'postgres');
    const { searchPath } = this.#options.environment;
    const cluster = await preparePostgres({ folder, port, logFile: this.#logFile('postgres'), searchPath, durable: true });
    if (cluster.folder !== folder) {
      await writeFile(join(this.#stateDir, 'postgres.location'), `${cluster.folder}\n`, { mode: 0o600 });
      this.#options.onLine(`PostgreSQL cannot run in ${folder} under root; its data is in ${cluster.folder}`);
    }
    await this.#start(cluster.definition, (pid) => ({ postgres: { pid } }));
    await ensureDatabases(cluster.url('postgres'), ['crm_sync', 'personalization']);
    await this.#update({ personalization: { url: cluster.url('personalization') }, mirror: { url: cluster.url('crm_sync') } });
  }

  async #usePostgres(url: string): Promise<void> {
    try {
      await ensureDatabases(url, []);
    } catch (error) {
      throw unreachable(
        'PostgreSQL',
        `${hostOf(url)} (CRM_SYNC_DATABASE_URL)`,
        error,
        'Start it or correct CRM_SYNC_DATABASE_URL; without it a server is started here.',
      );
    }
    await this.#update({ personalization: { url }, mirror: { url } });
  }

  async #startTemporal(port: number, uiPort: number): Promise<void> {
    const program = await ensureTemporalCli(this.#options.environment, this.#options.onLine);
    this.temporalCli = program;
    const databaseFile = join(this.#stateDir, 'temporal.db');
    const definition = temporalServer({ program, folder: this.#stateDir, databaseFile, port, uiPort, logFile: this.#logFile('temporal') });
    await this.#start(definition, (pid) => ({ temporal: { address: `127.0.0.1:${port}`, ui: `http://127.0.0.1:${uiPort}`, pid } }));
  }

  async #useTemporal(address: string): Promise<void> {
    const { temporalNamespace: namespace } = this.#options.environment;
    try {
      await checkTemporalOfEnvironment(address, namespace);
    } catch (error) {
      throw unreachable(
        'Temporal server',
        `${address}, namespace ${namespace} (TEMPORAL_ADDRESS)`,
        error,
        'Start it or correct TEMPORAL_ADDRESS and TEMPORAL_NAMESPACE (with TLS: TEMPORAL_TLS_* and TEMPORAL_API_KEY); without them a server is started here.',
      );
    }
    await this.#update({ temporal: { address, ...(namespace === 'default' ? {} : { namespace }) } });
  }

  async #startSimulator(port: number): Promise<void> {
    const definition = simulatorPart({
      port,
      stateDir: join(this.#stateDir, 'simulator'),
      dataDir: this.#options.dataDir,
      synthetic: this.#options.synthetic,
      keepEmailCase: this.#options.keepEmailCase ?? false,
      logFile: this.#logFile('simulator'),
    });
    await this.#start(definition, (pid, ready) => ({ salesforce: { ...ready, pid } }));
  }

  async #start<Ready>(definition: PartDefinition<Ready>, told: (pid: number, ready: Ready) => Partial<StackFile>): Promise<void> {
    const events: PartEvents<Ready> = {
      onLine: this.#options.onLine,
      onStarted: (identity) => {
        const { name, stopSignal } = definition;
        this.#processes = {
          ...this.#processes,
          parts: [...this.#processes.parts.filter((part) => part.name !== name), { name, identity, stopSignal }],
        };
        this.#guard?.stdin?.write(`${JSON.stringify(this.#processes)}\n`);
        return this.#write(() => recordProcesses(this.#stateDir, this.#processes));
      },
      onReady: (pid, ready) => this.#update(told(pid, ready)),
    };
    const part = await startPart(definition, events, this.#options.signal);
    this.#parts.push(part);
  }

  #update(change: Partial<StackFile>): Promise<void> {
    // The keys in the order in which the file is documented.
    const { temporal, salesforce, postgres, personalization, mirror, worker, pid } = { ...this.file, ...change };
    this.file = {
      ...(temporal === undefined ? {} : { temporal }),
      ...(salesforce === undefined ? {} : { salesforce }),
      ...(postgres === undefined ? {} : { postgres }),
      ...(personalization === undefined ? {} : { personalization }),
      ...(mirror === undefined ? {} : { mirror }),
      ...(worker === undefined ? {} : { worker }),
      pid,
    };
    const path = join(this.#stateDir, this.#complete ? stackFileName : startingFileName);
    return this.#write(() => writeJsonFile(path, this.file));
  }

  #write(write: () => Promise<void>): Promise<void> {
    const written = this.#writing.then(write);
    // Its failure is told to who asked for it; the next one is written all the same.
    this.#writing = written.catch(() => undefined);
    return written;
  }

  #logFile(name: string): string {
    return join(this.#stateDir, 'logs', `${name}.log`);
  }
}

function unreachable(part: string, place: string, cause: unknown, remedy: string): Failure {
  const { code, message } = cause as NodeJS.ErrnoException;
  return new Failure(`${part}: no answer from ${place}: ${(code ?? message).toString()}`, {
    kind: 'permanent',
    code: 'PART_UNREACHABLE',
    remedy,
    cause,
  });
}

/** Without user and password. */
function hostOf(url: string): string {
  return URL.canParse(url) ? new URL(url).host : 'an address that is no URL';
}
