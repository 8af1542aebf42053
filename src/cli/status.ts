import Table from 'cli-table3';
import type { Command } from 'commander';
import { planLines } from '../domain/guards.ts';
import type { Progress } from '../domain/progress.ts';
import { connect } from './connections.ts';
import type { SyncConnection } from './connections.ts';
import { watchNight } from './demo-night.ts';
import { findOpenNight, queryProgress } from './night.ts';
import { addExamples, addPlaceOptions } from './options.ts';
import type { PlaceOptions } from './options.ts';
import { count, note, print, printJson, seconds } from './output.ts';
import { retriesOf, retryLine } from './retries.ts';
import { endingSignal } from './signals.ts';

interface StatusOptions extends PlaceOptions {
  readonly watch?: boolean;
  readonly json?: boolean;
}

export function define(command: Command): void {
  command.option('--watch', 'follow the run until it ends').option('--json', 'one JSON document');
  addPlaceOptions(command).action(status);
  addExamples(command, 'status', 'status --watch');
}

async function status(options: StatusOptions): Promise<void> {
  const signal = options.watch === true ? endingSignal() : undefined;
  await using sync = await connect(options);
  const client = await sync.client();
  const night = await findOpenNight(client, sync.name);
  if (night !== undefined && signal !== undefined) {
    const ended = await watchNight(sync, night, signal);
    if (ended !== undefined && options.json === true) printJson({ run: ended.run ?? null, status: ended.status });
    else if (ended !== undefined) print(`run ${ended.run ?? ''} has ended: ${ended.status}`);
    return;
  }
  const progress = night === undefined ? undefined : await queryProgress(client, night);
  const retrying = night === undefined ? [] : await retriesOf(client, night);
  if (options.json === true) printJson(night === undefined ? { status: 'idle' } : { ...(progress ?? { status: 'unanswered' }), retrying });
  else if (night === undefined) tellIdle(sync);
  else if (progress === undefined) note('a run is in progress, but no worker answers for it; it goes on when one does');
  else print([renderProgress(progress, sync.placeArguments), ...retrying.map(retryLine)].join('\n'));
}

function tellIdle(sync: SyncConnection): void {
  print(`no run is in progress; \`crm-sync runs${sync.placeArguments}\` lists those that have ended`);
}

function renderProgress(
  { run, kind, status: state, leads, steps, planDigest, approvalExpiresAt, plan, pausedUntil }: Progress,
  place: string,
): string {
  const table = new Table({
    head: ['step', 'object', 'state', 'records', 'seconds'],
    colAligns: ['left', 'left', 'left', 'right', 'right'],
    style: { head: [], border: [], compact: true },
  });
  for (const { step, object, state: stepState, records, total, ms } of steps)
    table.push([step, object, stepState, `${count(records)}${total === null ? '' : ` of ${count(total)}`}`, seconds(ms)]);
  const waiting =
    state === 'awaitingApproval'
      ? [
          `It waits for approval until ${approvalExpiresAt ?? 'it is answered'}: crm-sync approve --plan ${planDigest ?? ''}${place}, or crm-sync reject${place}`,
        ]
      : [];
  return [
    `Run ${run}: ${state} (${kind}, leads ${leads ? 'on' : 'off'})`,
    table.toString(),
    ...(plan === null ? [] : [`The plan${planDigest === null ? '' : ` (${planDigest})`}:`, ...planLines(plan).map((line) => `  ${line}`)]),
    ...(pausedUntil === null ? [] : [`It pauses: the Salesforce API calls that it may make are used up. It looks again at ${pausedUntil}.`]),
    ...waiting,
  ].join('\n');
}
