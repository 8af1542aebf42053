import { isDeepStrictEqual } from 'node:util';
import { describe, expect, test } from 'vitest';
import type { Settings } from '../../src/config/settings.ts';
import { testDatabaseUrl } from '../services/database.ts';
import { expectedAnswer, matchedAnswer } from './compare.ts';
import type { Answer } from './compare.ts';
import { matchDatabase } from './match-fixture.ts';
import type { World } from './match-fixture.ts';
import { Random } from './random.ts';
import type { Mutations } from './expected.ts';
import { randomSettings, randomWorld, sideBySide } from './worlds.ts';

/** Repeats what a failed run did: `MATCH_SEED=123 npx vitest run test/match`. */
const firstSeed = Number(process.env['MATCH_SEED'] ?? Date.now() % 1_000_000);
const batches = 25;
const worldsInABatch = 40;

const database = await matchDatabase(await testDatabaseUrl());
let runNo = 0;

interface Batch {
  readonly settings: Settings;
  readonly worlds: readonly World[];
  readonly leads: boolean;
  readonly found: Answer;
}

/** Matches many worlds in one run, rows in any order, in any number of parts, in any order, with groups hot from any size on. */
async function matchBatch(seed: number): Promise<Batch> {
  const random = new Random(seed);
  const settings = randomSettings(random);
  const worlds = Array.from({ length: worldsInABatch }, (_, number) => randomWorld(random, number));
  const leads = seed % 4 !== 0;
  const options = {
    parts: random.pick([1, 1, 2, 4]),
    listedPairs: random.pick([1, 4, 20, 100]),
    order: (parts: readonly number[]) => random.shuffled(parts),
  };
  runNo++;
  return { settings, worlds, leads, found: await matchedAnswer(database, settings, sideBySide(random, worlds), { runNo, leads }, options) };
}

describe(`seeds ${firstSeed} to ${firstSeed + batches - 1}, ${worldsInABatch} worlds each`, () => {
  const matched: Batch[] = [];

  test(`R6-R14 R16-R20 R26 on ${batches * worldsInABatch} random worlds the matcher does what the rules say`, { timeout: 600_000 }, async () => {
    for (let seed = firstSeed; seed < firstSeed + batches; seed++) {
      const batch = await matchBatch(seed);
      matched.push(batch);
      expect(batch.found, `seed ${seed}`).toEqual(expectedAnswer(batch.settings, batch.worlds, batch.leads));
    }
  });

  const mutations = {
    'R13 two counterparts in one field are not ambiguous': { ambiguousFrom: 3 },
    'R17 nobody is held': { nobodyHeld: true },
    'R7 ignored values match': { nothingIgnored: true },
    'R13 blocks are not looked at': { nothingBlocked: true },
    'R9 stopped records go on': { nobodyStopped: true },
    'R6 case is ignored': { caseIgnored: true },
    'R14 higher sub-tiers are not looked at': { ownSubTierOnly: true },
  } as const satisfies Record<string, Mutations>;

  test.each(Object.entries(mutations))('the comparison notices a wrong rule: %s', (_, mutation) => {
    const noticed = matched.filter(
      ({ settings, worlds, leads, found }) => !isDeepStrictEqual(found, expectedAnswer(settings, worlds, leads, mutation)),
    );
    // A few settings leave a rule nothing to do: no match fields, no leads, case ignored by all fields.
    expect(noticed.length).toBeGreaterThan(batches / 2);
  });
});
