import { rm } from 'node:fs/promises';
import { expect, test } from 'vitest';
import { load } from '../config/failure.ts';
import { Random } from '../match/random.ts';
import { replayAll } from '../night/replay.ts';
import { startWorld } from '../night/world.ts';
import { testNamespace } from '../services/namespace.ts';
import { freshAnswer, rowsOf, unexplained } from './fresh.ts';
import { beginLife, day, directoryOf, expectWritesNothing, night, switchLeads } from './life.ts';
import { modelSettings } from './model-settings.ts';
import { startingFiles } from './start.ts';

/**
 * The life of one org and one store, night after night, everything done to them through their public interfaces, against the rules over plain arrays.
 * `CRM_SYNC_MODEL_SEED=123 npx vitest run test/model` repeats what a failed run did, `CRM_SYNC_MODEL_NIGHTS=30` makes it a longer life.
 */
const seed = Number(process.env['CRM_SYNC_MODEL_SEED'] ?? 3);
const nights = Number(process.env['CRM_SYNC_MODEL_NIGHTS'] ?? 4);

const temporal = await testNamespace();

test(`R1-R26 ${nights} nights of random edits on both sides, each as the rules say; one more writes nothing, and a sync begun afresh says the same but for R14 (seed ${seed})`, async () => {
  const random = new Random(seed);
  const model = modelSettings(random);
  const data = directoryOf(startingFiles(random, model));
  const world = await startWorld({ data, temporal });
  try {
    const life = await beginLife({ world, random, settings: load(model.yaml), model, label: `seed ${seed}` });
    if (random.chance(0.6)) await switchLeads(life, true);
    await night(life);
    while (life.nights < nights) {
      await day(life);
      await night(life);
    }
    const quiet = await expectWritesNothing(life);
    const fresh = await freshAnswer(life, data, temporal);
    const { sticky, unexplained: left } = unexplained(rowsOf(quiet), fresh, life.sides.persons.user);
    expect(left, life.label).toEqual([]);
    for (const row of sticky) expect(row[7] === '' ? row[4] : row[7], row.join()).toMatch(/^(kept|drifted|converted|link)$/);
    await replayAll(world);
    console.log(JSON.stringify({ seed, edits: life.counts, seen: life.seen, sticky: sticky.map((row) => row.slice(0, 8).join(' ')) }, null, 1));
  } finally {
    await world.stop();
    await rm(data, { recursive: true });
  }
}, 1_800_000);
