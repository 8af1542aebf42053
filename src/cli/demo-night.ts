import type { RunRequest } from '../domain/progress.ts';
import { renderReport } from '../operator/report.ts';
import { writeRunFiles } from '../operator/run-files.ts';
import { runByKey } from '../operator/runs.ts';
import type { SyncConnection } from './connections.ts';
import { describeError } from './errors.ts';
import { ensureControl, switchLeads } from './lead-switch.ts';
import { exitCodeOf, followNight, newRunKey, openNight } from './night.ts';
import type { EndedNight, OpenNight } from './night.ts';
import { applySchedule } from './night-schedule.ts';
import { note, print, programName } from './output.ts';
import { progressView } from './progress-view.ts';

export interface NightOptions {
  readonly out?: string;
  readonly once?: boolean;
  readonly leads?: boolean;
}

/** Schedule, switch, one night with progress, its report, and what to try next. Returns the exit code that `--once` ends with. */
export async function runDemoNight(
  sync: SyncConnection,
  temporalCli: string | undefined,
  options: NightOptions,
  signal: AbortSignal,
): Promise<number> {
  const client = await sync.client();
  await ensureControl(client, sync.name);
  await applySchedule(client, sync.settings);
  if (options.leads === true) await switchLeads(client, sync.name, true);
  const request: RunRequest = { run: newRunKey(new Date()), kind: 'night', full: false, atGate: options.once === true ? 'end' : 'wait' };
  const night = await openNight(client, sync.name, request);
  note(night.attached ? 'a run is in progress already; it goes on' : `run ${request.run} begins`);
  const ended = await watchNight(sync, night, signal);
  if (ended === undefined) return 3;
  const exitCode = await tellNight(sync, { ...ended, run: ended.run ?? (night.attached ? undefined : request.run) }, options.out);
  if (options.once !== true) await tellNext(sync, night, temporalCli);
  return exitCode;
}

/** Shows a run until it ends; undefined if the signal came first. */
export async function watchNight(sync: SyncConnection, night: OpenNight, signal: AbortSignal): Promise<EndedNight | undefined> {
  const bars = process.stderr.isTTY && !sync.environment.isCi;
  const view = progressView(bars, `${programName()} approve${sync.placeArguments}`);
  try {
    return await followNight(await sync.client(), night, { onProgress: view.show, signal });
  } finally {
    view.stop();
  }
}

/** Prints how a run ended and writes its files; returns the exit code. A preview that was asked for is done. */
export async function tellNight(sync: SyncConnection, ended: EndedNight, out: string | undefined, json = false): Promise<number> {
  const database = await sync.ledger();
  const run = ended.run === undefined ? undefined : await runByKey(database, ended.run);
  if (run?.report !== undefined && run.report !== null) print(json ? JSON.stringify(run.report, undefined, 2) : renderReport(run.report));
  else if (ended.failure === undefined) note(`the run ended as ${ended.status}, without a report`);
  if (ended.failure !== undefined) for (const line of describeError(ended.failure, false).lines) note(line);
  if (out !== undefined && run !== undefined && run.report !== null) note(`written: ${(await writeRunFiles(database, run, out)).join(', ')}`);
  return exitCodeOf(ended, run?.kind ?? 'night');
}

async function tellNext(sync: SyncConnection, { workflowId, executionId }: OpenNight, temporalCli: string | undefined): Promise<void> {
  const { connection, namespace } = await sync.temporalPlace();
  const ui = sync.stack?.temporal?.ui;
  const place = sync.placeArguments;
  const command = [
    temporalCli ?? 'temporal',
    'workflow signal',
    `--address ${connection.address ?? 'localhost:7233'}`,
    ...(namespace === 'default' ? [] : [`--namespace ${namespace}`]),
    `--workflow-id ${sync.name} --name enableLeads`,
  ].join(' ');
  if (ui !== undefined) print(`\nThe night in Temporal's web UI:\n  ${ui}/namespaces/${namespace}/workflows/${workflowId}/${executionId}/timeline`);
  const program = programName();
  print('Try next, in another terminal:');
  print(`  ${program} leads on${place}          # leads take part from now on; the same by Temporal's own client:`);
  print(`  ${command}`);
  print(`  ${program} run --wait${place}        # another night: what is settled stays quiet`);
  print(`  ${program} records --csv${place}     # what became of each record, and why`);
  print(`  ${program} intents --csv${place}     # every value that was written`);
}
