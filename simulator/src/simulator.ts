import { existsSync, mkdirSync, mkdtempSync, rmSync } from 'node:fs';
import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { dirname, join, resolve } from 'node:path';
import { resumeQueryJobs, stopQueryJobs } from './bulk-query.ts';
import { resumeIngestJobs, stopIngestJobs } from './bulk-ingest.ts';
import { readCredentials } from './credentials.ts';
import type { Credentials } from './credentials.ts';
import { StartError } from './errors.ts';
import { FaultError } from './fault-check.ts';
import { FaultSwitch } from './fault-switch.ts';
import { loadDirectory } from './loader.ts';
import type { Org } from './org.ts';
import { RequestLog } from './request-log.ts';
import type { LoggedRequest } from './request-log.ts';
import { routes } from './routes.ts';
import { seedOrganization } from './organization.ts';
import { createOrgServer } from './server.ts';
import { SettingError, applySettings } from './settings-check.ts';
import { defaultSettings, settingNames } from './settings.ts';
import type { Settings } from './settings.ts';
import { Store } from './store.ts';
import { loadSynthetic } from './synthetic-load.ts';

export type SimulatorOptions = Partial<Settings> & {
  /** 0 or absent: a free port. */
  readonly port?: number;
  readonly host?: string;
  /** The directory of Account.csv, Contact.csv, Lead.csv, schema.json. */
  readonly dataDirectory?: string;
  /** Kept between starts; absent: a temporary one, removed by `stop`. */
  readonly stateDirectory?: string;
  readonly synthetic?: { readonly contacts: number; readonly seed: number };
  /** What a person should know: bad rows, ignored columns, data that was there already. */
  readonly warn?: (line: string) => void;
  /** The machine's clock; the org's is `clockOffsetMs` ahead of it. */
  readonly nowMs?: () => number;
  /** The rules of faults, as a file has them: `{seed, rules}`. */
  readonly faults?: unknown;
  /** The org has person accounts, whatever the data says. */
  readonly personAccounts?: boolean;
};

export type Simulator = {
  readonly url: string;
  readonly port: number;
  readonly credentials: Credentials;
  readonly stateDirectory: string;
  readonly org: Org;
  stop(): Promise<void>;
  requestLog(): readonly LoggedRequest[];
};

/** Starts an org over HTTP. Data is loaded once for a state directory. @throws {StartError} port in use, unusable directory, refused file */
export async function startSimulator(options: SimulatorOptions = {}): Promise<Simulator> {
  const warn = options.warn ?? (() => undefined);
  const machineMs = options.nowMs ?? Date.now;
  const directory = options.stateDirectory === undefined ? mkdtempSync(join(tmpdir(), 'salesforce-simulator-')) : resolve(options.stateDirectory);
  const store = openStore(directory);
  try {
    const credentials = readCredentials(store);
    const settings: Settings = {
      ...defaultSettings,
      ...(JSON.parse(store.meta('settings') ?? '{}') as Partial<Settings>),
      ...definedSettings(options),
    };
    const nowMs = (): number => machineMs() + org.settings.clockOffsetMs;
    const usage = {
      used: 0,
      since: machineMs() + settings.clockOffsetMs,
      ...(JSON.parse(store.meta('usage') ?? '{}') as { used?: number; since?: number }),
    };
    const org: Org = { store, credentials, settings, log: new RequestLog(), faults: new FaultSwitch(), usage, nowMs, nextPurgeMs: 0 };
    if (options.faults !== undefined) useFaults(org, options.faults);
    await loadOnce(org, options, warn);
    useSettings(org, settings);
    const server = createOrgServer(org, routes);
    const host = options.host ?? '127.0.0.1';
    await new Promise<void>((done, fail) => {
      server.once('error', (error: NodeJS.ErrnoException) => {
        fail(listenFailure(error, host, options.port ?? 0));
      });
      server.listen(options.port ?? 0, host, done);
    });
    const keepUsage = setInterval(() => store.setMeta('usage', JSON.stringify(usage)), 5000).unref();
    resumeQueryJobs(org);
    resumeIngestJobs(org);
    const { port } = server.address() as AddressInfo;
    let stopped: Promise<void> | undefined;
    const stop = async (): Promise<void> => {
      clearInterval(keepUsage);
      await Promise.all([stopQueryJobs(org), stopIngestJobs(org)]);
      const closed = new Promise<void>((done) => server.close(() => done()));
      server.closeAllConnections();
      await closed;
      store.setMeta('usage', JSON.stringify(usage));
      store.close();
      if (options.stateDirectory === undefined) rmSync(directory, { recursive: true, force: true });
    };
    return {
      url: `http://${host.includes(':') ? `[${host}]` : host}:${port}`,
      port,
      stateDirectory: directory,
      org,
      get credentials() {
        return org.credentials;
      },
      requestLog: () => org.log.entries(),
      stop: () => (stopped ??= stop()),
    };
  } catch (error) {
    store.close();
    if (options.stateDirectory === undefined) rmSync(directory, { recursive: true, force: true });
    throw error;
  }
}

function listenFailure(error: NodeJS.ErrnoException, host: string, port: number): StartError {
  if (error.code === 'EADDRINUSE')
    return new StartError(`port ${port} of ${host} is in use; stop what uses it, or choose another with --port (0 takes a free one)`, 1);
  return new StartError(`port ${port} of ${host} cannot be listened on: ${error.message}; choose another with --port or --host`, 1);
}

/** One after the other: `mkdir` with `recursive` never ends below /proc (Node 24). */
function makeDirectory(directory: string): void {
  if (existsSync(directory)) return;
  makeDirectory(dirname(directory));
  mkdirSync(directory, { mode: 0o700 });
}

function openStore(directory: string): Store {
  try {
    makeDirectory(directory);
    return new Store(directory);
  } catch (error) {
    throw new StartError(
      `the state directory ${directory} cannot be used: ${error instanceof Error ? error.message : String(error)}; name one that can be written with --state`,
      1,
    );
  }
}

function definedSettings(options: SimulatorOptions): Partial<Settings> {
  return Object.fromEntries(settingNames.flatMap((name) => (options[name] === undefined ? [] : [[name, options[name]]])));
}

/** The settings that name fields can be checked when the data is there. */
function useSettings(org: Org, settings: Settings): void {
  try {
    applySettings(org, settings);
  } catch (error) {
    if (error instanceof SettingError) throw new StartError(`settings: ${error.message}`, 2);
    throw error;
  }
}

function useFaults(org: Org, given: unknown): void {
  try {
    org.faults.set(given);
  } catch (error) {
    if (error instanceof FaultError) throw new StartError(`faults: ${error.message}`, 2);
    throw error;
  }
}

async function loadOnce(org: Org, options: SimulatorOptions, warn: (line: string) => void): Promise<void> {
  const { store } = org;
  if (store.meta('loaded') !== undefined) {
    if (options.dataDirectory !== undefined || options.synthetic !== undefined)
      warn(`the state directory ${store.directory} already holds data: nothing is loaded again`);
    return;
  }
  // A start that was killed while it loaded left a part: begin again from nothing.
  store.clearRecords();
  if (options.personAccounts === true) store.enablePersonAccounts();
  seedOrganization(org);
  store.db.exec('pragma synchronous = off');
  try {
    if (options.synthetic !== undefined) await loadSynthetic(org, options.synthetic);
    if (options.dataDirectory !== undefined) await loadDirectory(org, options.dataDirectory, warn);
  } finally {
    store.db.exec('pragma synchronous = full');
  }
  store.setMeta('loaded', new Date(org.nowMs()).toISOString());
  store.db.exec('pragma wal_checkpoint(truncate); analyze;');
}
