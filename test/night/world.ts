import { randomBytes } from 'node:crypto';
import { existsSync, mkdtempSync, readdirSync, readFileSync } from 'node:fs';
import { rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { Client, Connection } from '@temporalio/client';
import { bundleWorkflowCode, DefaultLogger } from '@temporalio/worker';
import pg from 'pg';
import { inject } from 'vitest';
import { startSimulator } from '../../simulator/src/simulator.ts';
import type { Simulator } from '../../simulator/src/simulator.ts';
import { readSettings, requireConnections } from '../../src/config/load.ts';
import type { LoadedSettings, SettingValues } from '../../src/config/load.ts';
import type { Connections } from '../../src/config/settings.ts';
import type { LeadSwitch, RunRequest, RunResult } from '../../src/domain/progress.ts';
import type { Report } from '../../src/domain/report.ts';
import { dataConverterOf } from '../../src/encryption/data-converter.ts';
import { findRun } from '../../src/operator/runs.ts';
import { writeRunFiles } from '../../src/operator/run-files.ts';
import { importFeeds } from '../../src/personalization/feeds.ts';
import { openStore } from '../../src/personalization/store.ts';
import type { PersonalizationStore } from '../../src/personalization/store.ts';
import type { Database } from '../../src/postgres/database.ts';
import { installRuntime, openLedger, runWorker } from '../../src/worker.ts';
import type { TestNamespace } from '../services/namespace.ts';

export interface WorldOptions {
  /** A data directory of interfaces.md. */
  readonly data: string;
  /** Above the directory's settings. */
  readonly overrides?: SettingValues;
  readonly temporal: TestNamespace;
  /** No worker in this process: the test starts its own ones (`workerProcess`). */
  readonly withoutWorker?: boolean;
  /** Another world, whose two sides this one is a second sync of: a ledger and a mirror of its own. It is stopped first. */
  readonly beside?: World;
  /** What the worker logs. */
  readonly onLog?: (line: string) => void;
}

export interface NightFiles {
  readonly report: Report;
  readonly records: string;
  readonly intents: string;
}

/** Two sides, a mirror and a worker of their own on the shared servers: what `demo` starts, in this process. */
export interface World {
  readonly name: string;
  readonly client: Client;
  /** What client, worker and replay read payloads with. */
  readonly converter: ReturnType<typeof dataConverterOf>;
  readonly database: Database;
  readonly store: PersonalizationStore;
  readonly simulator: Simulator;
  readonly temporal: TestNamespace;
  /** What a settings file must say of the connections. */
  readonly connections: Connections;
  /** Ids of workflow executions that the test started. */
  readonly started: { readonly workflowId: string; readonly runId: string }[];
  setLeads(enabled: boolean): Promise<LeadSwitch>;
  start(request?: Partial<RunRequest>): Promise<{ readonly run: string; readonly result: () => Promise<RunResult> }>;
  night(request?: Partial<RunRequest>): Promise<RunResult>;
  /** What `--out` would hold. */
  files(run: string): Promise<NightFiles>;
  stop(): Promise<void>;
}

/** The SDK's runtime is one for the process, and so is its log. */
const listeners = new Set<(line: string) => void>();
installRuntime((line) => listeners.forEach((listener) => listener(line)));

let bundle: Promise<string> | undefined;

/** The workflows, bundled once a process. */
export async function workflowBundle(): Promise<string> {
  bundle ??= (async () => {
    const { code } = await bundleWorkflowCode({
      workflowsPath: path.join(import.meta.dirname, '../../workflows/index.ts'),
      logger: new DefaultLogger('WARN'),
    });
    const file = path.join(mkdtempSync(path.join(tmpdir(), 'crm-sync-bundle-')), 'workflow-bundle.js');
    const { writeFile } = await import('node:fs/promises');
    await writeFile(file, code);
    return file;
  })();
  return bundle;
}

export async function startWorld({
  data,
  overrides,
  temporal,
  withoutWorker = false,
  beside,
  onLog = () => undefined,
}: WorldOptions): Promise<World> {
  const name = `w${randomBytes(5).toString('hex')}`;
  const admin = inject('postgresUrl');
  const url = new URL(admin);
  url.pathname = `/${name}`;
  await statement(admin, `create database ${name} template template0`);
  const simulator = beside?.simulator ?? (await startSimulator({ port: 0, dataDirectory: data, warn: () => undefined }));
  const storeUrl = beside?.connections.personalizationUrl ?? url.href;
  const store = await openStore(storeUrl);
  const feeds = beside === undefined ? readdirSync(data).filter((file) => /^(user|account)-.*\.csv$/.test(file)) : [];
  await importFeeds(
    store,
    feeds.map((file) => path.join(data, file)),
    () => undefined,
  );
  const { clientId, clientSecret } = simulator.credentials;
  const file = path.join(data, 'crm-sync.yaml');
  const connections: Connections = {
    salesforce: { loginUrl: simulator.url, auth: { flow: 'clientCredentials', clientId, clientSecret } },
    personalizationUrl: storeUrl,
    ledgerUrl: url.href,
  };
  const settingsNow = (): LoadedSettings =>
    readSettings({
      ...(existsSync(file) ? { file } : { text: '' }),
      env: process.env,
      defaults: { approval: 'never' },
      overrides: { name, ...overrides },
      connections,
    });
  const settings = requireConnections(settingsNow().settings);
  const workDirectory = mkdtempSync(path.join(tmpdir(), 'crm-sync-work-'));
  listeners.add(onLog);
  const stopping = new AbortController();
  const ready = Promise.withResolvers<void>();
  const started: World['started'] = [];
  const worker = withoutWorker
    ? Promise.resolve()
    : runWorker({
        settings,
        readSettings: settingsNow,
        temporal: { connection: { address: temporal.address }, namespace: temporal.namespace },
        workDirectory,
        workflowBundle: await workflowBundle(),
        onReady: ready.resolve,
        onLog,
        signal: stopping.signal,
      });
  await Promise.race([ready.promise, worker]);
  const database = await openLedger(settings);
  const converter = dataConverterOf(settings);
  const connection = await Connection.connect({ address: temporal.address });
  const client = new Client({ connection, namespace: temporal.namespace, ...converter });

  const start: World['start'] = async (request) => {
    const run = request?.run ?? `run-${randomBytes(6).toString('hex')}`;
    const handle = await client.workflow.start('syncRun', {
      workflowId: `${name}-run`,
      taskQueue: name,
      args: [{ kind: 'night', full: false, atGate: 'wait', ...request, run }],
    });
    started.push({ workflowId: handle.workflowId, runId: handle.firstExecutionRunId });
    return { run, result: () => handle.result() as Promise<RunResult> };
  };
  return {
    name,
    client,
    converter,
    database,
    store,
    simulator,
    temporal,
    connections,
    started,
    start,
    setLeads: (enabled) => client.workflow.getHandle(name).executeUpdate('setLeads', { args: [enabled] }) as Promise<LeadSwitch>,
    night: async (request) => (await start(request)).result(),
    files: async (run) => {
      const out = mkdtempSync(path.join(tmpdir(), 'crm-sync-out-'));
      await writeRunFiles(database, await findRun(database, run), out);
      const read = (each: string): string => readFileSync(path.join(out, each), 'utf8');
      const files = { report: JSON.parse(read('report.json')) as Report, records: read('records.csv'), intents: read('intents.csv') };
      await rm(out, { recursive: true });
      return files;
    },
    stop: async () => {
      await client.workflow
        .getHandle(name)
        .terminate('the test is over')
        .catch((error: Error) => void error);
      stopping.abort();
      await worker;
      listeners.delete(onLog);
      await connection.close();
      await database.close();
      await store.close();
      if (beside === undefined) await simulator.stop();
      await rm(workDirectory, { recursive: true, force: true });
      await statement(admin, `drop database ${name} with (force)`);
    },
  };
}

async function statement(url: string, text: string): Promise<void> {
  const client = new pg.Client({ connectionString: url });
  await client.connect();
  try {
    await client.query(text);
  } finally {
    await client.end();
  }
}
