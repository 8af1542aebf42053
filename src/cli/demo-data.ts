import { existsSync } from 'node:fs';
import { readdir } from 'node:fs/promises';
import path from 'node:path';
import { Failure } from '../domain/failure.ts';
import { programRoot } from '../local/places.ts';
import type { StackFile } from '../local/stack-file.ts';
import { importFeeds } from '../personalization/feeds.ts';
import { openStore } from '../personalization/store.ts';
import { note } from './output.ts';
import { importLine } from './personalization.ts';

/** The sample of the checkout, or of the package around a compiled program. */
export function sampleDirectory(): string {
  const found = [programRoot, path.dirname(programRoot)].map((folder) => path.join(folder, 'sample')).find((folder) => existsSync(folder));
  if (found !== undefined) return found;
  throw new Failure('this installation has no sample data', {
    kind: 'permanent',
    code: 'SAMPLE_MISSING',
    remedy: 'Name a folder with --data DIR, or make an org with --synthetic N.',
  });
}

/** The Personalization side and the settings of an org that the simulator makes. */
export async function syntheticData(directory: string, contacts: number, seed: number): Promise<void> {
  if (existsSync(path.join(directory, 'crm-sync.yaml'))) return;
  const { writePersonalizationFor } = await import('../../sample/personalizationFor.ts');
  await writePersonalizationFor({ contacts, seed, leads: true }, directory);
}

/** Loads the feeds of a folder into the profile store, once in the life of a state directory. */
export async function loadProfiles({ personalization }: StackFile, directory: string, loadedBefore: boolean): Promise<void> {
  if (personalization === undefined) return;
  const store = await openStore(personalization.url);
  try {
    if (loadedBefore || !(await store.isEmpty())) {
      note('the profile store holds data already: no feed is loaded again');
      return;
    }
    const imported = await importFeeds(store, await feedsOf(directory), ({ file, line, problem }) =>
      note(`${path.basename(file)}:${line}: ${problem}; skipped`),
    );
    for (const each of imported) note(importLine({ ...each, file: path.basename(each.file) }));
  } finally {
    await store.close();
  }
}

async function feedsOf(directory: string): Promise<readonly string[]> {
  const names = await readdir(directory);
  return names.filter((name) => /^(user|account)-.*\.csv$/.test(name)).map((name) => path.join(directory, name));
}
