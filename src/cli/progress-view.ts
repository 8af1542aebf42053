import cliProgress from 'cli-progress';
import { planLines } from '../domain/guards.ts';
import type { Progress, StepProgress } from '../domain/progress.ts';
import { count, note, seconds } from './output.ts';
import { retryLine } from './retries.ts';
import type { Retry } from './retries.ts';

/** Shows how a run goes on. */
export interface ProgressView {
  readonly show: (progress: Progress | undefined, retries: readonly Retry[]) => void;
  readonly stop: () => void;
}

/** Bars on a terminal, plain lines elsewhere. */
export function progressView(bars: boolean, approveCommand: string): ProgressView {
  return bars ? barView(approveCommand) : lineView(approveCommand);
}

/** Said when no worker has answered for a while: otherwise people think that it hangs. */
const waitingLine = 'waiting for a worker to answer; the run goes on when one does';

function waits(progress: Progress, approveCommand: string): string {
  const until = progress.approvalExpiresAt === null ? '' : ` until ${progress.approvalExpiresAt}`;
  const lines = progress.plan === null ? [] : planLines(progress.plan).map((line) => `  ${line}`);
  return [
    `the plan${progress.planDigest === null ? '' : ` ${progress.planDigest}`} waits for approval${until}: ${approveCommand}, or reject`,
    ...lines,
  ].join('\n');
}

/** Said once a pause: nothing else moves meanwhile. */
function pauses({ pausedUntil }: Progress): string {
  return `the Salesforce API calls that the run may make are used up: it looks again at ${pausedUntil ?? 'once'}`;
}

/** Lines to say about what is tried again: one for each activity and reason. */
function newRetries(): (retries: readonly Retry[]) => readonly string[] {
  const told = new Set<string>();
  return (retries) =>
    retries.flatMap((retry) => {
      const key = `${retry.activity} ${retry.code}`;
      if (told.has(key)) return [];
      told.add(key);
      return [retryLine(retry)];
    });
}

function nameOf({ step, object }: StepProgress): string {
  return object === 'all' ? step : `${step} ${object}`;
}

function lineView(approveCommand: string): ProgressView {
  const told = new Map<string, string>();
  let silent = 0;
  let asked = false;
  let paused = false;
  const retriesToSay = newRetries();
  return {
    show: (progress, retries) => {
      silent = progress === undefined ? silent + 1 : 0;
      if (silent === 2) note(waitingLine);
      for (const line of retriesToSay(retries)) note(line);
      if (progress === undefined) return;
      for (const row of progress.steps) {
        const { state, records, ms } = row;
        // While a step runs, a line for every ten seconds of it.
        const key = state === 'running' ? `${state} ${Math.floor(ms / 10_000)}` : state;
        if (state === 'waiting' || told.get(nameOf(row)) === key) continue;
        told.set(nameOf(row), key);
        const done = records === 0 && state === 'running' ? '' : `, ${count(records)} records`;
        note(`${nameOf(row)}: ${state}${done}${ms === 0 ? '' : `, ${seconds(ms)} s`}`);
      }
      if (progress.status === 'awaitingApproval' && !asked) note(waits(progress, approveCommand));
      if (progress.pausedUntil !== null && !paused) note(pauses(progress));
      paused = progress.pausedUntil !== null;
      asked = progress.status === 'awaitingApproval';
    },
    stop: () => undefined,
  };
}

function barView(approveCommand: string): ProgressView {
  const bars = new cliProgress.MultiBar(
    {
      stream: process.stderr,
      format: '{name} {bar} {records} {time}',
      barsize: 30,
      hideCursor: true,
      clearOnComplete: false,
      forceRedraw: true,
      emptyOnZero: true,
      autopadding: false,
    },
    cliProgress.Presets.shades_classic,
  );
  const known = new Map<string, cliProgress.SingleBar>();
  let silent = 0;
  let asked = false;
  let paused = false;
  const retriesToSay = newRetries();
  return {
    show: (progress, retries) => {
      silent = progress === undefined ? silent + 1 : 0;
      if (silent === 2) bars.log(`${waitingLine}\n`);
      for (const line of retriesToSay(retries)) bars.log(`${line}\n`);
      if (progress === undefined) return;
      for (const row of progress.steps) {
        const { state, records, total, ms } = row;
        const name = nameOf(row);
        const payload = {
          name: name.padEnd(16),
          records: `${count(records)}${total === null ? '' : ` of ${count(total)}`} records`.padStart(26),
          time: state === 'waiting' ? '' : `${seconds(ms)} s${state === 'failed' ? ' failed' : ''}`,
        };
        const bar = known.get(name) ?? bars.create(1, 0, payload);
        known.set(name, bar);
        // Without a known end the bar fills when the step is done.
        bar.setTotal(Math.max(1, total ?? 1));
        bar.update(state === 'done' ? Math.max(1, total ?? 1) : total === null ? 0 : Math.min(records, total), payload);
      }
      if (progress.status === 'awaitingApproval' && !asked) bars.log(`${waits(progress, approveCommand)}\n`);
      if (progress.pausedUntil !== null && !paused) bars.log(`${pauses(progress)}\n`);
      paused = progress.pausedUntil !== null;
      asked = progress.status === 'awaitingApproval';
      bars.update();
    },
    stop: () => bars.stop(),
  };
}
