import { mkdir, mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import type { Command } from 'commander';
import { requireConnections } from '../config/load.ts';
import { Failure } from '../domain/failure.ts';
import { connect } from './connections.ts';
import { addExamples, addPlaceOptions } from './options.ts';
import type { PlaceOptions } from './options.ts';
import { note, print } from './output.ts';
import { endingSignal } from './signals.ts';

export function define(command: Command): void {
  addPlaceOptions(command).action(work);
  addExamples(command, 'worker', 'worker --config /etc/crm-sync.yaml');
  command.addHelpText(
    'after',
    '\nAny number of workers may run. One brings the schemas up to date, registers the search attributes and opens the control workflow at its start,\nprints {"ready":true} when it works, and finishes what it does on SIGTERM. Temporal is found by TEMPORAL_ADDRESS and the other TEMPORAL_* variables.\nWith TEMPORAL_WORKER_BUILD_ID set a run goes on with workers of the version that it began on (docs/operations.md).',
  );
}

async function work(options: PlaceOptions): Promise<void> {
  const signal = endingSignal();
  await using sync = await connect(options);
  const settings = requireConnections(sync.settings, sync.loaded.place);
  const temporal = await sync.temporalPlace();
  const version = sync.environment.workerVersion;
  const [workDirectory, temporary] = await workFolder(sync.stateDir);
  const { installRuntime, runWorker } = await import('../worker.ts');
  installRuntime(note);
  try {
    await runWorker({
      settings,
      readSettings: () => sync.readSettings(),
      temporal,
      workDirectory,
      workflowBundle: sync.environment.workflowBundle,
      version: version === undefined ? undefined : { buildId: version.buildId, deploymentName: version.deploymentName ?? sync.name },
      onReady: () => print(JSON.stringify({ ready: true })),
      onLog: note,
      signal,
    });
  } catch (error) {
    throw isTransport(error) ? noTemporal(temporal.connection.address, error) : error;
  } finally {
    if (temporary) await rm(workDirectory, { recursive: true, force: true });
  }
}

/** Files on their way to the org: beside the stack's other state, or in a folder of this process alone. */
async function workFolder(stateDir: string | undefined): Promise<readonly [folder: string, temporary: boolean]> {
  if (stateDir === undefined) return [await mkdtemp(path.join(tmpdir(), 'crm-sync-work-')), true];
  const folder = path.join(stateDir, 'work');
  await mkdir(folder, { recursive: true, mode: 0o700 });
  return [folder, false];
}

function isTransport(error: unknown): boolean {
  return error instanceof Error && error.name === 'TransportError';
}

function noTemporal(address: string | undefined, cause: unknown): Failure {
  return new Failure(`no answer from the Temporal server at ${address ?? 'localhost:7233'}`, {
    kind: 'transient',
    code: 'TEMPORAL_UNREACHABLE',
    remedy: 'Start it, or correct TEMPORAL_ADDRESS (with TLS: TEMPORAL_TLS_* and TEMPORAL_API_KEY).',
    cause,
  });
}
