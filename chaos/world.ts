import { mkdir, readFile, writeFile } from 'node:fs/promises';
import path from 'node:path';
import { Client, Connection } from '@temporalio/client';
import { schemaNames } from '../src/config/settings.ts';
import { ensureDatabases } from '../src/local/postgres.ts';
import { findRun } from '../src/operator/runs.ts';
import { writeRunFiles } from '../src/operator/run-files.ts';
import { importFeeds } from '../src/personalization/feeds.ts';
import { openStore } from '../src/personalization/store.ts';
import type { PersonalizationStore } from '../src/personalization/store.ts';
import { Database } from '../src/postgres/database.ts';
import type { OrgAddress } from '../simulator/test/token.ts';
import type { TwoSides } from '../test/model/sides.ts';
import type { Base } from './base.ts';

export interface WorldOptions {
  readonly name: string;
  readonly base: Base;
  /** The world's state and its data directory lie in it. */
  readonly directory: string;
  readonly files: Readonly<Record<string, string>>;
  /** Settings of the simulator before anything is read of it. */
  readonly simulator: object;
}

/** An org, a store, and a sync of its own name in a database of its own on the servers of a base. */
export interface World extends TwoSides {
  readonly name: string;
  readonly base: Base;
  readonly client: Client;
  readonly databaseUrl: string;
  readonly files: (run: string) => Promise<RunFiles>;
  /** How many intents each run has of each outcome. */
  readonly outcomes: () => Promise<readonly string[]>;
  /** Parts of a step that were kept as done when the next run had done its first one already. */
  readonly late: () => Promise<readonly string[]>;
  readonly stop: () => Promise<void>;
  /** Nobody asks it any more: its database goes. */
  readonly drop: () => Promise<void>;
}

export interface RunFiles {
  readonly records: string;
  readonly intents: string;
}

/** What a world has before its org and its worker are started. */
export interface Ground {
  readonly name: string;
  readonly data: string;
  readonly databaseName: string;
  readonly databaseUrl: string;
  readonly store: PersonalizationStore;
}

export async function prepareGround({ name, base, directory, files }: WorldOptions): Promise<Ground> {
  const data = path.join(directory, 'data');
  await mkdir(data, { recursive: true });
  for (const [file, content] of Object.entries(files)) await writeFile(path.join(data, file), content);
  const databaseName = name.replaceAll('-', '_');
  await ensureDatabases(base.databaseUrl('postgres'), [databaseName]);
  const databaseUrl = base.databaseUrl(databaseName);
  const store = await openStore(databaseUrl);
  await importInto(store, data, Object.keys(files));
  return { name, data, databaseName, databaseUrl, store };
}

/** The world on its ground, with an org that answers and a worker that works; `stopRest` ends these two. */
export async function worldOn(
  ground: Ground,
  { base, directory }: WorldOptions,
  { url, credentials }: OrgAddress,
  stopRest: () => Promise<void>,
): Promise<World> {
  const { name, databaseUrl, store } = ground;
  const connection = await Connection.connect({ address: base.current().temporal?.address ?? '' });
  const schemas = schemaNames(name);
  const ask = async <T>(body: (database: Database) => Promise<T>): Promise<T> => {
    const database = new Database({ url: databaseUrl, searchPath: [schemas.mirror, schemas.ledger], maxConnections: 2 });
    try {
      return await body(database);
    } finally {
      await database.close();
    }
  };
  return {
    name,
    base,
    client: new Client({ connection }),
    databaseUrl,
    store,
    simulator: { url, credentials },
    files: async (run) => {
      const out = path.join(directory, 'out', run);
      await ask(async (database) => writeRunFiles(database, await findRun(database, run), out));
      const read = (file: string): Promise<string> => readFile(path.join(out, file), 'utf8');
      return { records: await read('records.csv'), intents: await read('intents.csv') };
    },
    outcomes: () =>
      ask(async (database) => {
        const { rows } = await database.query<{ line: string }>(`
          select concat_ws(' ', run, side, object, outcome, reason, count(*)) as line from intent join run using (run_no)
           where finished_at is not null group by run, side, object, outcome, reason order by 1`);
        return rows.map(({ line }) => line);
      }),
    late: () =>
      ask(async (database) => {
        const { rows } = await database.query<{ line: string }>(`
          select concat_ws(' ', run, step, object, part) as line from step_ledger s join run using (run_no)
           where step <> 'apply.abandoned' and done_at > (select min(done_at) from step_ledger n where n.run_no = s.run_no + 1) order by 1`);
        return rows.map(({ line }) => line);
      }),
    stop: async () => {
      await connection.close();
      await store.close();
      await stopRest();
    },
    drop: async () => {
      const admin = new Database({ url: base.databaseUrl('postgres'), searchPath: ['public'], maxConnections: 1 });
      await admin.query(`drop database if exists ${ground.databaseName} with (force)`);
      await admin.close();
    },
  };
}

/** Loads feeds that have no bad row. */
export async function importInto(store: PersonalizationStore, folder: string, files: readonly string[]): Promise<void> {
  const feeds = files.filter((file) => /^(user|account)-.*\.csv$/.test(file)).map((file) => path.join(folder, file));
  await importFeeds(store, feeds, ({ problem }) => {
    throw new Error(`a feed has a bad row: ${problem}`);
  });
}

/** The simulator's settings, and what it does once, such as `advanceSeconds`. */
export async function settle(url: string, settings: object): Promise<void> {
  const answer = await fetch(`${url}/__simulator/settings`, { method: 'POST', body: JSON.stringify(settings) });
  if (!answer.ok) throw new Error(`the simulator refused its settings: ${await answer.text()}`);
}
