import { mkdirSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { addCast, readCast } from './generator/cast.ts';
import { addCrowd } from './generator/crowd.ts';
import { dataFiles, expectedFiles } from './generator/files.ts';
import { seededRandom } from './generator/random.ts';
import { castReadme } from './generator/readme.ts';
import { emptyWorld } from './generator/world.ts';

/**
 * Makes the sample: the CSV files of `sample/`, `sample/expected/` and `sample/cast/README.md`, out of the hand-written cast and a seeded crowd.
 * `node sample/generate.ts` writes them again, byte for byte the same.
 */
export const sampleFolder = dirname(fileURLToPath(import.meta.url));
const seed = 20261124;

/** Every generated file, by its path inside `sample/`. */
export function sampleFiles(): Map<string, string> {
  const cast = readCast(join(sampleFolder, 'cast'));
  const world = emptyWorld();
  for (const members of cast.values()) addCast(world, members);
  addCrowd(world, seededRandom(seed));
  const files = new Map(dataFiles(world));
  for (const [name, text] of expectedFiles(world)) files.set(`expected/${name}`, text);
  files.set('cast/README.md', castReadme(cast));
  return files;
}

if (import.meta.main) {
  for (const [name, text] of sampleFiles()) {
    const path = join(sampleFolder, name);
    mkdirSync(dirname(path), { recursive: true });
    writeFileSync(path, text);
  }
}
