import type { Command } from 'commander';
import { Failure } from '../domain/failure.ts';
import type { RunRequest } from '../domain/progress.ts';
import { prepareOut } from '../operator/run-files.ts';
import { connect } from './connections.ts';
import { tellNight, watchNight } from './demo-night.ts';
import { newRunKey, openNight } from './night.ts';
import { addExamples, addPlaceOptions } from './options.ts';
import type { PlaceOptions } from './options.ts';
import { note, print, printJson } from './output.ts';
import { endingSignal } from './signals.ts';

interface RunOptions extends PlaceOptions {
  readonly preview?: boolean;
  readonly wait?: boolean;
  readonly full?: boolean;
  readonly out?: string;
  readonly json?: boolean;
}

export function define(command: Command): void {
  command
    .option('--preview', 'stop after the plan: nothing is linked, nothing is written')
    .option('--wait', 'show progress, wait for the end, print the report; the exit code tells how it ended')
    .option('--full', 'compare all ids with the org as well')
    .option('--out <dir>', 'write report.json, records.csv, intents.csv and rejects.csv there (waits)')
    .option('--json', 'one JSON document');
  addPlaceOptions(command).action(run);
  addExamples(command, 'run --preview --wait', 'run --wait --out out');
}

async function run(options: RunOptions): Promise<void> {
  const waits = options.wait === true || options.out !== undefined;
  const signal = waits ? endingSignal() : undefined;
  await using sync = await connect(options);
  if (options.out !== undefined) await prepareOut(options.out);
  const request: RunRequest = {
    run: newRunKey(new Date()),
    kind: options.preview === true ? 'preview' : 'night',
    full: options.full ?? false,
    atGate: 'wait',
  };
  const night = await openNight(await sync.client(), sync.name, request);
  if (night.attached)
    throw new Failure(`a run is in progress already (${night.workflowId})`, {
      kind: 'permanent',
      code: 'RUN_OPEN',
      remedy: '`crm-sync status --watch` shows how it goes on; two runs never overlap.',
    });
  if (signal === undefined) {
    if (options.json === true) printJson({ run: request.run, workflowId: night.workflowId, executionId: night.executionId });
    else print(`run ${request.run} has begun; \`crm-sync status --watch${sync.placeArguments}\` shows how it goes on`);
    return;
  }
  note(`run ${request.run} begins`);
  const ended = await watchNight(sync, night, signal);
  if (ended === undefined) {
    note(`the run goes on without this command; \`crm-sync status${sync.placeArguments}\` shows it`);
    process.exitCode = 3;
    return;
  }
  process.exitCode = await tellNight(sync, { ...ended, run: ended.run ?? request.run }, options.out, options.json);
}
