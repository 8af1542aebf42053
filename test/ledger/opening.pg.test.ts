import { expect, test } from 'vitest';
import { fence, openRun, takeUpAgain } from '../../src/ledger/runs.ts';
import type { Opener, RunToOpen } from '../../src/ledger/runs.ts';
import type { RunShape } from '../../src/mirror/run-shape.ts';
import { mirrorDatabase } from '../plan/mirror-database.ts';
import { testDatabaseUrl } from '../services/database.ts';

const database = await mirrorDatabase(await testDatabaseUrl());
const wanted = (opener: Opener): RunToOpen => ({
  ...{ run: 'one', kind: 'night', workflowId: 'w', shape: {} as RunShape, settingsHash: 'h', leads: false, apiBudget: 1 },
  opener,
});

test('an attempt at opening a run that was paused does not take it from a later one; a reset of the workflow does', async () => {
  const [first, second] = [1, 2].map((attempt) => ({ execution: 'an execution', attempt })) as [Opener, Opener];
  const opened = await database.transaction((tx) => openRun(tx, wanted(second)));
  expect(await database.transaction((tx) => takeUpAgain(tx, 'one', first))).toBeUndefined();
  await expect(database.transaction((tx) => openRun(tx, wanted(first)))).rejects.toMatchObject({ code: 'RUN_CLOSED' });
  await database.transaction((tx) => fence(tx, opened));
  const again = await database.transaction((tx) => takeUpAgain(tx, 'one', { execution: 'after a reset', attempt: 1 }));
  expect(again?.attempt).toBe(opened.attempt + 1);
  await expect(database.transaction((tx) => fence(tx, opened))).rejects.toMatchObject({ code: 'RUN_CLOSED' });
  await database.close();
});
