import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { afterEach, beforeEach } from 'vitest';
import { exportFeeds } from '../../src/personalization/feed-export.ts';
import type { FeedProblem } from '../../src/personalization/feed-rows.ts';
import { importFeeds } from '../../src/personalization/feeds.ts';
import type { PersonalizationStore } from '../../src/personalization/store.ts';
import { makeStore } from './store-behind.ts';

/** Before each test of the file: an empty store and an empty folder for feeds; after it both are gone. */
export function feedFolder(url: string) {
  let made: Awaited<ReturnType<typeof makeStore>>;
  let folder: string;
  let problems: string[];
  beforeEach(async () => {
    made = await makeStore(url);
    folder = await mkdtemp(path.join(tmpdir(), 'feeds-'));
    problems = [];
  });
  afterEach(async () => {
    await made.end();
    await rm(folder, { recursive: true });
  });
  const feeds = {
    get store(): PersonalizationStore {
      return made.side;
    },
    get folder(): string {
      return folder;
    },
    /** What `onProblem` was told, as `file:line problem`. */
    get problems(): readonly string[] {
      return problems;
    },
    cut: (): Promise<void> => made.cut(),
    waiting: (count: number): Promise<void> => made.waiting(count),
    onProblem: ({ file, line, problem }: FeedProblem) => void problems.push(`${path.basename(file)}:${line} ${problem}`),
    /** Writes files and returns the paths of the feeds among them. */
    put: async (files: Readonly<Record<string, string | Buffer>>): Promise<string[]> => {
      for (const [name, text] of Object.entries(files)) await writeFile(path.join(folder, name), text);
      return Object.keys(files)
        .filter((name) => name.endsWith('.csv'))
        .map((name) => path.join(folder, name));
    },
    load: async (files: Readonly<Record<string, string | Buffer>>) => importFeeds(made.side, await feeds.put(files), feeds.onProblem),
    /** The texts of both files of an export. */
    exported: async (): Promise<{ readonly user: string; readonly account: string }> => {
      const out = path.join(folder, 'out');
      await exportFeeds(made.side, out);
      return {
        user: await readFile(path.join(out, 'user-export.csv'), 'utf8'),
        account: await readFile(path.join(out, 'account-export.csv'), 'utf8'),
      };
    },
  };
  return feeds;
}
