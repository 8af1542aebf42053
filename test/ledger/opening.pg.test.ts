import { afterAll, expect, test } from 'vitest';
import { fence, openRun, takeUpAgain } from '../../src/ledger/runs.ts';
import type { Opener, RunToOpen } from '../../src/ledger/runs.ts';
import type { RunShape } from '../../src/mirror/run-shape.ts';
import { mirrorDatabase } from '../plan/mirror-database.ts';
import { testDatabaseUrl } from '../services/database.ts';

const database = await mirrorDatabase(await testDatabaseUrl());
afterAll(() => database.close());
const wanted = (opener: Opener, run = 'one'): RunToOpen => ({
  ...{ run, kind: 'night', workflowId: 'w', shape: {} as RunShape, settingsHash: 'h', leads: false, apiBudget: 1 },
  opener,
});

test('an attempt at opening a run that was paused does not take it from a later one; a reset of the workflow does', async () => {
  const [first, second] = [1, 2].map((attempt) => ({ execution: 'an execution', attempt, askedAtMs: 1_000 })) as [Opener, Opener];
  const opened = await database.transaction((tx) => openRun(tx, wanted(second)));
  expect(await database.transaction((tx) => takeUpAgain(tx, 'one', first))).toBeUndefined();
  await expect(database.transaction((tx) => openRun(tx, wanted(first)))).rejects.toMatchObject({ code: 'RUN_CLOSED' });
  await database.transaction((tx) => fence(tx, opened));
  const again = await database.transaction((tx) => takeUpAgain(tx, 'one', { execution: 'after a reset', attempt: 1, askedAtMs: 2_000 }));
  expect(again?.attempt).toBe(opened.attempt + 1);
  await expect(database.transaction((tx) => fence(tx, opened))).rejects.toMatchObject({ code: 'RUN_CLOSED' });
});

test('a run that was terminated before its worker, paused, had opened it does not close the one that was asked for after it', async () => {
  const asked = (ms: number): Opener => ({ execution: `asked at ${ms}`, attempt: 1, askedAtMs: ms });
  const next = await database.transaction((tx) => openRun(tx, wanted(asked(5_000), 'next')));
  await expect(database.transaction((tx) => openRun(tx, wanted(asked(4_000), 'paused')))).rejects.toMatchObject({ code: 'RUN_CLOSED' });
  await database.transaction((tx) => fence(tx, next));
  // One that is asked for later closes it: that was abandoned.
  await database.transaction((tx) => openRun(tx, wanted(asked(6_000), 'after')));
  await expect(database.transaction((tx) => fence(tx, next))).rejects.toMatchObject({ code: 'RUN_CLOSED' });
});
