import { expect, test } from 'vitest';
import { openRun } from '../../src/ledger/runs.ts';
import type { RunShape } from '../../src/mirror/run-shape.ts';
import { once } from '../../src/mirror/step-ledger.ts';
import { mirrorDatabase } from '../plan/mirror-database.ts';
import { testDatabaseUrl } from '../services/database.ts';

const database = await mirrorDatabase(await testDatabaseUrl());

test('a part that is begun again while the first attempt is still at work is done once: the second waits and answers with the counts of the first', async () => {
  const run = await database.transaction((tx) =>
    openRun(tx, { run: 'one', kind: 'night', workflowId: 'w', shape: {} as RunShape, settingsHash: 'h', leads: false, apiBudget: 1 }),
  );
  const part = { step: 'match.settle', object: 'contact', part: 0 } as const;
  const begun = Promise.withResolvers<void>();
  const woken = Promise.withResolvers<void>();
  const paused = once(database, run, part, async () => {
    begun.resolve();
    await woken.promise;
    return { records: 7 };
  });
  await begun.promise;
  const repeat = once(database, run, part, async () => ({ records: 8 }));
  await expect
    .poll(async () => (await database.query(`select from pg_locks where locktype = 'advisory' and not granted`)).rowCount)
    .toBeGreaterThan(0);
  woken.resolve();
  const [first, second] = await Promise.all([paused, repeat]);
  expect([first.records, second.records]).toEqual([7, 7]);
  expect((await database.query('select from step_ledger')).rowCount).toBe(1);
  await database.close();
});
