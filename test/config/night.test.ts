import { describe, expect, test } from 'vitest';
import { approvalDeadlineMs } from '../../src/config/night.ts';

const deadline = (cron: string, timezone: string, now: string): string =>
  new Date(approvalDeadlineMs({ cron, timezone, jitter: '5m' } as never, Date.parse(now))).toISOString();

describe('approval expires', () => {
  test('an hour before the next night', () => {
    expect(deadline('0 2 * * *', 'UTC', '2026-03-10T02:04:00Z')).toBe('2026-03-11T01:00:00.000Z');
    expect(deadline('0 2 * * *', 'UTC', '2026-03-10T13:00:00Z')).toBe('2026-03-11T01:00:00.000Z');
    expect(deadline('0 2 * * 1', 'UTC', '2026-03-10T13:00:00Z')).toBe('2026-03-16T01:00:00.000Z');
  });

  test('by the Schedule’s own time zone, on the day on which clocks change too', () => {
    expect(deadline('0 2 * * *', 'America/New_York', '2026-07-10T12:00:00Z')).toBe('2026-07-11T05:00:00.000Z');
    expect(deadline('0 4 * * *', 'Europe/Oslo', '2026-03-28T12:00:00Z')).toBe('2026-03-29T01:00:00.000Z');
    expect(deadline('0 4 * * *', 'Europe/Oslo', '2026-10-24T12:00:00Z')).toBe('2026-10-25T02:00:00.000Z');
  });

  test('for a run that begins within that hour an hour before the night after: the one that comes is skipped while it waits', () => {
    expect(deadline('0 2 * * *', 'UTC', '2026-03-10T01:30:00Z')).toBe('2026-03-11T01:00:00.000Z');
    expect(deadline('0 2 * * *', 'UTC', '2026-03-10T01:00:00Z')).toBe('2026-03-11T01:00:00.000Z');
  });

  test('never sooner than in a minute', () => {
    expect(deadline('0 * * * *', 'UTC', '2026-03-10T00:59:30Z')).toBe('2026-03-10T01:00:30.000Z');
    expect(deadline('*/5 * * * *', 'UTC', '2026-03-10T00:00:00Z')).toBe('2026-03-10T00:05:00.000Z');
  });
});
