import type { ScheduleDescription } from '@temporalio/client';
import { ScheduleOverlapPolicy } from '@temporalio/client';
import type { Command } from 'commander';
import { connect } from './connections.ts';
import { applySchedule, describeSchedule, scheduleId, withSchedule } from './night-schedule.ts';
import { addExamples, addPlaceOptions } from './options.ts';
import type { PlaceOptions } from './options.ts';
import { print, printJson } from './output.ts';

interface ScheduleOptions extends PlaceOptions {
  readonly json?: boolean;
  readonly note?: string;
}

export function define(command: Command): void {
  const verb = (name: string, summary: string, body: (options: ScheduleOptions) => Promise<void>): Command => {
    const sub = command
      .command(name)
      .summary(summary)
      .description(`${summary.charAt(0).toUpperCase()}${summary.slice(1)}.`);
    addPlaceOptions(sub).action(body);
    addExamples(sub, `schedule ${name}`);
    return sub;
  };
  verb('apply', 'make the Schedule, or bring it up to the settings; a pause survives', apply);
  verb('show', 'show the Schedule', show).option('--json', 'one JSON document');
  verb('pause', 'no night begins by itself until resume', pause).option('--note <text>', 'why');
  verb('resume', 'nights begin again', resume).option('--note <text>', 'why');
  verb('trigger', 'start the night now, unless a run is in progress', trigger);
  addExamples(command, 'schedule apply', 'schedule pause --note "org maintenance"');
}

async function apply(options: ScheduleOptions): Promise<void> {
  await using sync = await connect(options);
  const { settings } = sync;
  const done = await applySchedule(await sync.client(), settings);
  const { cron, timezone } = settings.schedule;
  print(`Schedule ${scheduleId(sync.name)} is ${done}: ${cron} (${timezone}), workflows on task queue ${sync.name}`);
}

async function show(options: ScheduleOptions): Promise<void> {
  await using sync = await connect(options);
  const found = await describeSchedule(await sync.client(), sync.name);
  const { cron, timezone } = sync.settings.schedule;
  const shown = { ...summaryOf(found), cron, timezone };
  if (options.json === true) {
    printJson(shown);
    return;
  }
  print(`Schedule ${shown.id}: ${shown.paused ? 'paused' : 'active'}${shown.note === null ? '' : ` (${shown.note})`}`);
  print(`by the settings: ${cron} (${timezone}); if that was changed, \`crm-sync schedule apply\` takes it over`);
  print(`next nights: ${shown.nextAt.join(', ') || 'none'}`);
  print(`last nights: ${shown.lastAt.join(', ') || 'none'}`);
}

function summaryOf({ scheduleId: id, state, info }: ScheduleDescription) {
  return {
    id,
    paused: state.paused,
    note: state.note || null,
    nextAt: info.nextActionTimes.slice(0, 3).map((at) => at.toISOString()),
    lastAt: info.recentActions.slice(-3).map(({ takenAt }) => takenAt.toISOString()),
    skippedBecauseOpen: info.numActionsSkippedOverlap,
  };
}

async function pause(options: ScheduleOptions): Promise<void> {
  await using sync = await connect(options);
  await withSchedule(await sync.client(), sync.name, (handle) => handle.pause(options.note ?? 'paused by crm-sync schedule pause'));
  print(`Schedule ${scheduleId(sync.name)} is paused`);
}

async function resume(options: ScheduleOptions): Promise<void> {
  await using sync = await connect(options);
  await withSchedule(await sync.client(), sync.name, (handle) => handle.unpause(options.note ?? 'resumed by crm-sync schedule resume'));
  print(`Schedule ${scheduleId(sync.name)} is active`);
}

async function trigger(options: ScheduleOptions): Promise<void> {
  await using sync = await connect(options);
  // Without a policy of its own a trigger would allow everything at once.
  await withSchedule(await sync.client(), sync.name, (handle) => handle.trigger(ScheduleOverlapPolicy.SKIP));
  print('the night begins now, unless one is in progress; `crm-sync status` shows it');
}
