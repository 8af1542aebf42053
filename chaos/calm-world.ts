import { appendFileSync } from 'node:fs';
import { mkdir } from 'node:fs/promises';
import path from 'node:path';
import { startSimulator } from '../simulator/src/simulator.ts';
import { readEnvironment } from '../src/config/environment.ts';
import { readSettings, requireConnections } from '../src/config/load.ts';
import type { LoadedSettings } from '../src/config/load.ts';
import { installRuntime, runWorker } from '../src/worker.ts';
import { prepareGround, settle, worldOn } from './world.ts';
import type { World, WorldOptions } from './world.ts';

/** The SDK's runtime is one for the process, and so is its log. */
const logs = new Set<(line: string) => void>();
let installed = false;

/** A world that nothing happens to: its org and its worker live in this process, which costs the least. */
export async function startCalmWorld(options: WorldOptions): Promise<World> {
  if (!installed) installRuntime((line) => logs.forEach((log) => log(line)));
  installed = true;
  const { name, base, directory } = options;
  const ground = await prepareGround(options);
  const { data, databaseUrl, store } = ground;
  const simulator = await startSimulator({ port: 0, dataDirectory: data, warn: () => undefined });
  await settle(simulator.url, options.simulator);
  const { clientId, clientSecret } = simulator.credentials;
  const settingsNow = (): LoadedSettings =>
    readSettings({
      file: path.join(data, 'crm-sync.yaml'),
      env: {},
      defaults: { approval: 'never', name },
      connections: {
        salesforce: { loginUrl: simulator.url, auth: { flow: 'clientCredentials', clientId, clientSecret } },
        personalizationUrl: databaseUrl,
        ledgerUrl: databaseUrl,
      },
    });
  const workDirectory = path.join(directory, 'work');
  await mkdir(workDirectory, { recursive: true });
  const logFile = path.join(directory, 'worker.log');
  const log = (line: string): void => appendFileSync(logFile, `${line}\n`);
  logs.add(log);
  const stopping = new AbortController();
  const ready = Promise.withResolvers<void>();
  const worker = runWorker({
    settings: requireConnections(settingsNow().settings),
    readSettings: settingsNow,
    temporal: { connection: { address: base.current().temporal?.address ?? '' }, namespace: 'default' },
    workDirectory,
    workflowBundle: readEnvironment().workflowBundle,
    onReady: ready.resolve,
    onLog: log,
    signal: stopping.signal,
  });
  await Promise.race([ready.promise, worker]);
  const world = await worldOn(ground, options, simulator, async () => {
    stopping.abort();
    await worker;
    logs.delete(log);
    await simulator.stop();
  });
  return { ...world, store };
}
