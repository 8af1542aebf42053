import { expect } from 'vitest';
import type { NightFiles } from './world.ts';

/** A night's files without what two nights over the same data differ in: names of runs, times, how many calls were needed. */
export function resultOf({ report, records, intents }: NightFiles): unknown {
  const { run: _run, startedAt: _startedAt, finishedAt: _finishedAt, apiCalls: _apiCalls, steps, ...rest } = report;
  return {
    records,
    intents,
    // Leads that were fetched before they were switched off are forgotten, but read they were.
    report: {
      ...rest,
      steps: steps
        .filter(({ step, object }) => step !== 'apply' && object !== 'lead')
        .map(({ step, object, records: count }) => ({ step, object, records: count })),
    },
  };
}

export function expectSameResult(actual: NightFiles, expected: NightFiles): void {
  expect(resultOf(actual)).toEqual(resultOf(expected));
}
