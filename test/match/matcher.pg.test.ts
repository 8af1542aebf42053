import { expect, test } from 'vitest';
import { testDatabaseUrl } from '../services/database.ts';
import { expectedAnswer, matchedAnswer } from './compare.ts';
import { matchDatabase } from './match-fixture.ts';
import { Random } from './random.ts';
import { randomSettings, randomWorld, sideBySide } from './worlds.ts';

/** Repeats what a failed run did: `MATCH_SEED=123 npx vitest run test/match`. */
const firstSeed = Number(process.env['MATCH_SEED'] ?? Date.now() % 1_000_000);
const batches = 50;
const worldsInABatch = 20;

const database = await matchDatabase(await testDatabaseUrl());
let runNo = 0;

async function compareBatch(seed: number): Promise<void> {
  const random = new Random(seed);
  const settings = randomSettings(random);
  const worlds = Array.from({ length: worldsInABatch }, (_, number) => randomWorld(random, number));
  const leads = random.chance(0.7);
  const options = {
    parts: random.pick([1, 1, 2, 4]),
    listedPairs: random.pick([1, 4, 20, 100]),
    order: (parts: readonly number[]) => random.shuffled(parts),
  };
  runNo++;
  const found = await matchedAnswer(database, settings, sideBySide(random, worlds), { runNo, leads }, options);
  expect(found, `seed ${seed}`).toEqual(expectedAnswer(settings, worlds, leads));
}

test(`R6-R14 R16-R20 R26 on ${batches * worldsInABatch} random worlds the matcher does what the rules say, whatever the order of rows and the number of parts`, async () => {
  console.log(`seeds ${firstSeed} to ${firstSeed + batches - 1}, ${worldsInABatch} worlds each`);
  for (let batch = 0; batch < batches; batch++) await compareBatch(firstSeed + batch);
});
