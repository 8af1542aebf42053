import { expect, test } from 'vitest';
import { decideRead, halves, overlapMs } from '../../src/fetch/decide.ts';
import type { ReadQuestion } from '../../src/fetch/decide.ts';

const now = Date.UTC(2026, 10, 25, 2);
const question: ReadQuestion = {
  state: { arrangement: 'a', watermark: '2026-11-24T02:00:00.000Z', fullAt: '2026-11-22T02:00:00.000Z' },
  arrangement: 'a',
  nowMs: now,
  asked: false,
  nominalMs: now,
  timezone: 'UTC',
  hasFormulas: false,
};
const state = question.state ?? { arrangement: 'a', watermark: null, fullAt: null };

test('a window begins ten minutes before the watermark', () => {
  expect(decideRead(question)).toEqual({ mode: 'window', fromMs: Date.UTC(2026, 10, 24, 1, 50) });
});

test.each([
  ['there is no state', { state: null }, 'first'],
  ['nothing was ever covered', { state: { ...state, watermark: null } }, 'first'],
  ['the columns are others', { arrangement: 'b' }, 'fieldSet'],
  ['the watermark lies in the future', { nowMs: Date.UTC(2026, 10, 24, 1) }, 'future'],
  ['the log does not reach back', { nowMs: Date.UTC(2026, 11, 9, 1, 51), nominalMs: Date.UTC(2026, 11, 9, 1, 51) }, 'gap'],
  ['it is asked for', { asked: true }, 'asked'],
  ['it is Sunday', { nominalMs: Date.UTC(2026, 10, 29, 2) }, 'sunday'],
  ['a formula is among the fields', { hasFormulas: true }, 'formulas'],
] as const)('everything is read if %s', (_when, change, reason) => {
  expect(decideRead({ ...question, ...change })).toMatchObject({ mode: 'full', reason });
});

test.each([
  ['to the second 15 days', { nowMs: Date.UTC(2026, 11, 9, 1, 50), nominalMs: Date.UTC(2026, 11, 9, 1, 50) }],
  ['a watermark a second ahead of an answer from another machine', { nowMs: Date.UTC(2026, 10, 24, 1, 59, 59) }],
  ['a second run of the same Sunday', { nominalMs: Date.UTC(2026, 10, 29, 22), state: { ...state, fullAt: '2026-11-29T02:00:01.000Z' } }],
  ['a Sunday that is not one yet in the zone', { nominalMs: Date.UTC(2026, 10, 29, 2), timezone: 'America/New_York' }],
])('a window is enough for %s', (_when, change) => {
  expect(decideRead({ ...question, ...change }).mode).toBe('window');
});

test('the overlap is the ten minutes that a row may be late', () => {
  expect(overlapMs).toBe(600_000);
});

test('halves meet without a gap, at a whole second, and end where the span does; a span of less than two minutes is not cut', () => {
  const span = { field: 'SystemModstamp', from: '2026-11-24T01:00:00.000Z', to: '2026-11-24T02:00:01.000Z' } as const;
  const both = halves(span, now);
  expect(both?.map(({ from, to }) => [from, to])).toEqual([
    ['2026-11-24T01:00:00.000Z', '2026-11-24T01:30:00.000Z'],
    ['2026-11-24T01:30:00.000Z', '2026-11-24T02:00:01.000Z'],
  ]);
  expect(halves({ ...span, to: '2026-11-24T01:01:59.000Z' }, now)).toBeNull();
  expect(halves({ field: 'CreatedDate', from: null, to: null }, now)).toEqual([
    { field: 'CreatedDate', from: null, to: '2012-12-13T01:00:00.000Z' },
    { field: 'CreatedDate', from: '2012-12-13T01:00:00.000Z', to: null },
  ]);
});
