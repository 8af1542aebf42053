import { objectTypes } from '../domain/objects.ts';
import { readCron } from './cron.ts';
import type { CronFields } from './cron.ts';
import type { Settings } from './settings.ts';

const minuteMs = 60_000;
const hourMs = 3_600_000;

/** Local time of an instant as if it were UTC, so that differences of local times can be counted. */
function localMs(format: Intl.DateTimeFormat, atMs: number): number {
  const part = Object.fromEntries(format.formatToParts(atMs).map(({ type, value }) => [type, Number(value)]));
  return Date.UTC(part['year']!, part['month']! - 1, part['day']!, part['hour']!, part['minute']!);
}

interface ClockChange {
  /** Local times, as if they were UTC: what is skipped, or comes twice. */
  readonly fromMs: number;
  readonly toMs: number;
  readonly kind: 'skipped' | 'twice';
}

/** Changes of a zone's clock in the 366 days from `atMs` on. */
function clockChanges(timeZone: string, atMs: number): readonly ClockChange[] {
  const format = new Intl.DateTimeFormat('en', {
    timeZone,
    hourCycle: 'h23',
    year: 'numeric',
    month: '2-digit',
    day: '2-digit',
    hour: '2-digit',
    minute: '2-digit',
  });
  const offset = (instant: number): number => localMs(format, instant) - instant;
  const begin = Math.floor(atMs / hourMs) * hourMs;
  const changes: ClockChange[] = [];
  for (let day = begin; day < begin + 366 * 24 * hourMs; day += 24 * hourMs) {
    if (offset(day) === offset(day + 24 * hourMs)) continue;
    let [low, high] = [day, day + 24 * hourMs];
    while (high - low > minuteMs) {
      const middle = low + Math.floor((high - low) / 2 / minuteMs) * minuteMs;
      if (offset(middle) === offset(low)) low = middle;
      else high = middle;
    }
    const [before, after] = [high + offset(low), high + offset(high)];
    changes.push({ fromMs: Math.min(before, after), toMs: Math.max(before, after), kind: after > before ? 'skipped' : 'twice' });
  }
  return changes;
}

function fires({ minutes, hours, daysOfMonth, months, daysOfWeek }: CronFields, local: Date): boolean {
  const day = daysOfMonth.has(local.getUTCDate()) && months.has(local.getUTCMonth() + 1) && daysOfWeek.has(local.getUTCDay());
  return day && hours.has(local.getUTCHours()) && minutes.has(local.getUTCMinutes());
}

function scheduleWarnings({ cron, timezone }: Settings['schedule'], nowMs: number): readonly string[] {
  const reading = readCron(cron);
  if ('problem' in reading) return [];
  const { fields } = reading;
  const warnings = clockChanges(timezone, nowMs).flatMap(({ fromMs, toMs, kind }) => {
    for (let minute = fromMs; minute < toMs; minute += minuteMs) {
      if (!fires(fields, new Date(minute))) continue;
      const [date, time] = new Date(minute).toISOString().split('T');
      const what = kind === 'skipped' ? 'does not exist, so that night may be left out' : 'comes twice, so that night may begin twice';
      return [`schedule.cron: on ${date} the time ${time?.slice(0, 5)} ${what} (${timezone} changes its clock); another hour, or UTC, avoids it`];
    }
    return [];
  });
  const both = 'schedule.cron: day of month and day of week are both restricted; a night begins only on days for which both hold';
  return fields.bothDays ? [both, ...warnings] : warnings;
}

/** What is allowed but perhaps not meant; `doctor` shows it. Nothing here stops a run. */
export function settingsWarnings(settings: Settings, nowMs: number): readonly string[] {
  const warnings: string[] = [];
  for (const object of objectTypes) {
    const { matchFields, onlyDesignatedMatchFields, pull, push, directions } = settings.objects[object];
    if (onlyDesignatedMatchFields && matchFields.length === 0) {
      warnings.push(
        `objects.${object}.onlyDesignatedMatchFields: has no effect without matchFields, ${object}s are matched by ${object === 'account' ? 'name' : 'e-mail and name'} all the same (R11)`,
      );
    }
    if (!directions.pull && pull.length > 0) warnings.push(`objects.${object}.directions.pull: is off, the ${object}'s pull mappings rest`);
    if (!directions.push && push.length > 0) warnings.push(`objects.${object}.directions.push: is off, the ${object}'s push mappings rest`);
  }
  const { loginUrl } = settings.salesforce;
  const url = loginUrl === undefined ? null : URL.parse(loginUrl);
  if (url?.protocol === 'http:' && !['127.0.0.1', 'localhost', '[::1]'].includes(url.hostname))
    warnings.push('salesforce.loginUrl: is http, secrets travel unencrypted');
  if (/-(run|nightly|salesforce)$/.test(settings.name))
    warnings.push(
      `name: ends like an id of another sync (${settings.name.replace(/-[a-z]+$/, '')}); if both use one Temporal they get in each other's way`,
    );
  if (settings.limitWrites !== undefined) warnings.push(`limitWrites: a canary, only the first ${settings.limitWrites} linked pairs are written`);
  return [...warnings, ...scheduleWarnings(settings.schedule, nowMs)];
}
