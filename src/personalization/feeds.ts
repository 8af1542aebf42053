import path from 'node:path';
import { Readable } from 'node:stream';
import { pipeline } from 'node:stream/promises';
import type { PoolClient } from 'pg';
import { from as copyFrom } from 'pg-copy-streams';
import type { PersonKind } from '../domain/objects.ts';
import { sql } from '../postgres/sql.ts';
import { accountIdName, type FeedHeader } from './feed-header.ts';
import { type FeedCount, type FeedProblem, feedRows, headerOf } from './feed-rows.ts';
import { type DeclaredTypes, declaredTypes } from './feed-schema.ts';
import type { PersonalizationStore } from './store.ts';
import { personTables } from './tables.ts';

export interface ImportedFile {
  readonly file: string;
  readonly kind: PersonKind;
  /** Rows that were taken, and rows that were skipped with a problem. */
  readonly rows: number;
  readonly skipped: number;
  readonly created: number;
  readonly updated: number;
}

interface Feed {
  readonly file: string;
  readonly header: FeedHeader;
  readonly declared: DeclaredTypes;
}

/**
 * Imports feeds in the order of their names, a later row over an earlier one, all of them in one transaction. Every header is read before
 * anything is written. Attributes of a header become known to the store, as text unless the directory's `schema.json` says otherwise.
 * @throws {Failure} exit code 2 naming the file: not readable, or its header is refused
 */
export async function importFeeds(
  store: PersonalizationStore,
  files: readonly string[],
  onProblem: (problem: FeedProblem) => void,
): Promise<readonly ImportedFile[]> {
  const feeds: Feed[] = [];
  for (const file of files.toSorted(byName)) feeds.push({ file, header: await headerOf(file), declared: await declaredTypes(path.dirname(file)) });
  return store.database.transaction(async (tx) => {
    const imported: ImportedFile[] = [];
    for (const feed of feeds) {
      await knowAttributes(tx, feed);
      imported.push(await importFeed(tx, feed, onProblem));
    }
    for (const { table } of Object.values(personTables)) await tx.query(sql`analyze ${table}`);
    return imported;
  });
}

function byName(a: string, b: string): number {
  const [left, right] = [path.basename(a), path.basename(b)];
  if (left === right) return a < b ? -1 : Number(a > b);
  return left < right ? -1 : 1;
}

async function knowAttributes(tx: PoolClient, { header, declared }: Feed): Promise<void> {
  const { kind } = header;
  const names = header.columns.map(({ name }) => name).filter((name) => kind === 'account' || name !== accountIdName);
  await tx.query(
    sql`insert into attribute (kind, name, type) select ${kind}, name, 'text' from unnest(${names}::text[]) as h(name) order by name on conflict do nothing`,
  );
  await tx.query(sql`
    insert into attribute (kind, name, type) select ${kind}, key, value from jsonb_each_text(${JSON.stringify(declared[kind])}::jsonb) order by key
    on conflict (kind, name) do update set type = excluded.type`);
}

async function importFeed(tx: PoolClient, { file, header }: Feed, onProblem: (problem: FeedProblem) => void): Promise<ImportedFile> {
  await tx.query(sql`create temporary table feed (row_no bigint, id text collate "C", put jsonb) on commit drop`);
  const count: FeedCount = { taken: 0, skipped: 0 };
  await pipeline(Readable.from(feedRows(file, header, onProblem, count)), tx.query(copyFrom('copy feed (row_no, id, put) from stdin')));
  await tx.query(sql`analyze feed`);
  await layOver(tx);
  // Writers wait here: none can change a person between the two statements, or hold one that the first waits for.
  await tx.query(sql`lock table profile_user, profile_account in exclusive mode`);
  const updated = await updatePersons(tx, header.kind);
  const created = await createPersons(tx, header.kind);
  await tx.query(sql`drop table feed`);
  return { file, kind: header.kind, rows: count.taken, skipped: count.skipped, created, updated };
}

/** Several rows of one person become one, each attribute as the last row that speaks of it says. */
async function layOver(tx: PoolClient): Promise<void> {
  const repeated = await tx.query(sql`create temporary table repeated on commit drop as select id from feed group by id having count(*) > 1`);
  if (repeated.rowCount !== 0)
    await tx.query(sql`
      with rows as (delete from feed using repeated where feed.id = repeated.id returning feed.row_no, feed.id, feed.put)
      insert into feed (row_no, id, put) select min(row_no), id, merged(put order by row_no) from rows group by id`);
  await tx.query(sql`drop table repeated`);
}

/** Touches only persons that differ. The object of a user's row may hold `accountId`, which is a column; a null in that of an account resets. */
async function updatePersons(tx: PoolClient, kind: PersonKind): Promise<number> {
  const updated =
    kind === 'user'
      ? await tx.query(sql`
          update profile_user as p set account_id = coalesce(f.put ->> ${accountIdName}, p.account_id), attributes = p.attributes || (f.put - ${accountIdName}::text)
          from feed as f
          where p.user_id = f.id
            and (p.account_id is distinct from coalesce(f.put ->> ${accountIdName}, p.account_id) or p.attributes <> p.attributes || (f.put - ${accountIdName}::text))`)
      : await tx.query(sql`
          update profile_account as p set attributes = jsonb_strip_nulls(p.attributes || f.put)
          from feed as f where p.account_id = f.id and p.attributes <> jsonb_strip_nulls(p.attributes || f.put)`);
  return updated.rowCount ?? 0;
}

async function createPersons(tx: PoolClient, kind: PersonKind): Promise<number> {
  const created =
    kind === 'user'
      ? await tx.query(sql`
          insert into profile_user (user_id, account_id, attributes) select f.id, f.put ->> ${accountIdName}, f.put - ${accountIdName}::text
          from feed as f where not exists (select from profile_user as p where p.user_id = f.id) order by f.row_no`)
      : await tx.query(sql`
          insert into profile_account (account_id, attributes) select f.id, jsonb_strip_nulls(f.put)
          from feed as f where not exists (select from profile_account as p where p.account_id = f.id) order by f.row_no`);
  return created.rowCount ?? 0;
}
