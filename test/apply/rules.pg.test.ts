import { expect, test } from 'vitest';
import { compareIntents } from '../rules/compare.ts';
import { testDatabaseUrl } from '../services/database.ts';
import { nightWorld, ruleDirectory } from './night-world.ts';

const url = await testDatabaseUrl();

const worlds = [
  'R24-accounts',
  'R24-as-fetched',
  'R24-boolean',
  'R24-date',
  'R24-date-time',
  'R24-directions',
  'R24-email',
  'R24-hard-values',
  'R24-identity',
  'R24-number',
  'R24-picklist',
  'R24-pull',
  'R24-push',
  'R24-text',
  'R24-too-long',
  'R18-own-slot',
] as const;

for (const name of worlds)
  test(`${name}: what is planned and written is what the world expects, and the next night writes nothing`, async () => {
    const files = await ruleDirectory(name);
    const world = await nightWorld(url, files);
    const csv = await world.night('one');
    expect(compareIntents(files['expected-intents.csv'] ?? '', csv)).toEqual([]);
    const again = await world.night('two');
    const outcomes = again
      .split('\n')
      .slice(1)
      .filter((line) => /,(applied|unchanged),/.test(line));
    expect(outcomes).toEqual([]);
  });
