import { existsSync } from 'node:fs';
import path from 'node:path';
import { Client, WorkflowExecutionAlreadyStartedError } from '@temporalio/client';
import type { WorkerDeploymentVersion } from '@temporalio/common';
import type { NativeConnectionOptions } from '@temporalio/worker';
import { DefaultLogger, NativeConnection, Runtime, Worker } from '@temporalio/worker';
import { createActivities } from '../activities/index.ts';
import type { LoadedSettings } from './config/load.ts';
import { schemaNames } from './config/settings.ts';
import type { ConnectedSettings } from './config/settings.ts';
import { runKindName, runStatusName } from './domain/search-attributes.ts';
import { dataConverterOf } from './encryption/data-converter.ts';
import { addApiCalls } from './ledger/runs.ts';
import { openStore } from './personalization/store.ts';
import { Database } from './postgres/database.ts';
import { migrate } from './postgres/migrate.ts';
import { createSalesforce } from './salesforce/side.ts';
import { versionedBundle } from './versioned-bundle.ts';

export interface WorkerOptions {
  readonly settings: ConnectedSettings;
  /** Reads the settings anew, for each run. Connections are those of the worker's start. */
  readonly readSettings: () => LoadedSettings;
  readonly temporal: { readonly connection: NativeConnectionOptions; readonly namespace: string };
  readonly workDirectory: string;
  /** A bundle made beforehand halves the memory and starts at once; otherwise the workflows are bundled now. */
  readonly workflowBundle: string | undefined;
  /** Of this worker: a run that it begins goes on with workers of the same one (worker versioning); undefined: with any. */
  readonly version?: WorkerDeploymentVersion | undefined;
  readonly onReady: () => void;
  readonly onLog: (line: string) => void;
  /** Aborted: finish what runs, then end. */
  readonly signal: AbortSignal;
}

const indexedKeyword = 2;

/** Once a process, before its first worker: the engine's log lines as JSON, and no signal handlers of its own. */
export function installRuntime(onLog: (line: string) => void): void {
  const logger = new DefaultLogger('WARN', ({ level, message, meta }) => onLog(JSON.stringify({ level, message, ...meta })));
  Runtime.install({ logger, shutdownSignals: [] });
}

/** One worker, until the signal: schemas brought up to date, search attributes known to the server, the control workflow open. */
export async function runWorker(options: WorkerOptions): Promise<void> {
  const { settings, temporal } = options;
  const converter = dataConverterOf(settings);
  const database = await openLedger(settings);
  const store = await openStore(settings.personalization.url);
  const salesforce = createSalesforce({ ...settings.salesforce });
  const connection = await NativeConnection.connect(temporal.connection);
  try {
    const client = new Client({ connection, namespace: temporal.namespace, ...converter });
    const searchable = await registerSearchAttributes(client, temporal.namespace, options.onLog);
    let accounted = 0;
    const activities = createActivities({
      database,
      salesforce,
      store,
      readSettings: options.readSettings,
      workDirectory: options.workDirectory,
      searchable,
      accountCalls: async (ref) => {
        const now = salesforce.apiCalls();
        const calls = now - accounted;
        accounted = now;
        await addApiCalls(database, ref, calls);
      },
    });
    const shared = {
      connection,
      namespace: temporal.namespace,
      ...converter,
      activities,
      ...(options.version === undefined
        ? {}
        : { workerDeploymentOptions: { version: options.version, useWorkerVersioning: true, defaultVersioningBehavior: 'PINNED' } as const }),
      shutdownGraceTime: '20s',
      maxHeartbeatThrottleInterval: '5s',
    } as const;
    const code = workflowCode(options.workflowBundle, options.version !== undefined);
    const nights = await Worker.create({ ...shared, ...code, taskQueue: settings.name, maxConcurrentActivityTaskExecutions: 8 });
    const calls = await Worker.create({ ...shared, taskQueue: `${settings.name}-salesforce`, maxConcurrentActivityTaskExecutions: 8 });
    const stop = (): void => {
      for (const worker of [nights, calls]) if (worker.getState() === 'RUNNING') worker.shutdown();
    };
    options.signal.addEventListener('abort', stop, { once: true });
    const running = Promise.all([nights.run(), calls.run()]);
    if (options.signal.aborted) stop();
    await ensureControl(client, settings.name);
    options.onReady();
    await running;
  } finally {
    await connection.close();
    await salesforce.close();
    await store.close();
    await database.close();
  }
}

/** The database of ledger and mirror, with both schemas at the newest version. */
export async function openLedger(settings: ConnectedSettings): Promise<Database> {
  const schemas = schemaNames(settings.name);
  const database = new Database({ url: settings.ledger.url, searchPath: [schemas.mirror, schemas.ledger], maxConnections: 12 });
  try {
    await migrate(database, schemas.ledger, path.join(import.meta.dirname, 'ledger/migrations'));
    await migrate(database, schemas.mirror, path.join(import.meta.dirname, 'mirror/migrations'));
  } catch (error) {
    await database.close();
    throw error;
  }
  return database;
}

function workflowCode(given: string | undefined, versioned: boolean): { workflowBundle: { codePath: string } } | { workflowsPath: string } {
  const bundle = given === undefined || !versioned ? given : versionedBundle(given);
  if (bundle !== undefined && existsSync(bundle)) return { workflowBundle: { codePath: bundle } };
  const entry = path.join(import.meta.dirname, '../workflows', versioned ? 'versioned' : 'index');
  return { workflowsPath: existsSync(`${entry}.js`) ? `${entry}.js` : `${entry}.ts` };
}

/** Idempotent. Where the server does not let workers do it (Temporal Cloud), runs do without: an unknown attribute would hang them. */
async function registerSearchAttributes(client: Client, namespace: string, onLog: (line: string) => void): Promise<boolean> {
  const { operatorService } = client.connection as unknown as {
    operatorService: {
      listSearchAttributes(request: object): Promise<{ customAttributes?: Record<string, unknown> | null }>;
      addSearchAttributes(request: object): Promise<unknown>;
    };
  };
  try {
    const { customAttributes } = await operatorService.listSearchAttributes({ namespace });
    const missing = [runStatusName, runKindName].filter((name) => customAttributes?.[name] === undefined);
    if (missing.length > 0)
      await operatorService.addSearchAttributes({ namespace, searchAttributes: Object.fromEntries(missing.map((name) => [name, indexedKeyword])) });
    return true;
  } catch (error) {
    onLog(
      JSON.stringify({
        level: 'WARN',
        message: `runs do without search attributes: the server refused to register them (${error instanceof Error ? error.name : 'unknown'})`,
      }),
    );
    return false;
  }
}

async function ensureControl(client: Client, name: string): Promise<void> {
  try {
    await client.workflow.start('syncControl', {
      workflowId: name,
      taskQueue: name,
      workflowIdConflictPolicy: 'USE_EXISTING',
      staticSummary: 'the lead switch',
    });
  } catch (error) {
    if (!(error instanceof WorkflowExecutionAlreadyStartedError)) throw error;
  }
}
