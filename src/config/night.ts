import { Cron } from 'croner';
import type { Settings } from './settings.ts';

const hourMs = 3_600_000;

/** Approval expires an hour before the next night, so that the run's id is free when it comes; never sooner than in a minute. */
export function approvalDeadlineMs({ cron, timezone }: Settings['schedule'], nowMs: number): number {
  const nights = new Cron(cron, { timezone });
  const next = nights.nextRun(new Date(nowMs + hourMs)) ?? new Date(nowMs + 24 * hourMs);
  return Math.max(nowMs + 60_000, next.getTime() - hourMs);
}
