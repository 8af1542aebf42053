import { readdir, readFile } from 'node:fs/promises';
import path from 'node:path';
import type { PoolClient } from 'pg';
import { Failure } from '../domain/failure.ts';
import type { Database } from './database.ts';
import { identifier, sql } from './sql.ts';

/**
 * Brings a schema to the newest version: every `NNNN-name.sql` of the directory that the schema has not seen, each in its
 * own transaction, forward only. Several workers may call it at once: an advisory lock lets one work and the others find it done.
 */
export async function migrate(database: Database, schema: string, directory: string): Promise<number> {
  const files = await migrationsIn(directory);
  await database.transaction((tx) => openSchema(tx, schema));
  let applied = 0;
  for (const file of files) applied += await database.transaction((tx) => applyOnce(tx, schema, directory, file));
  const newest = await database.query<{ version: number | null }>(sql`select max(version) as version from ${identifier(schema)}.migration`);
  const known = Number(files.at(-1)?.slice(0, 4) ?? 0);
  if ((newest.rows[0]?.version ?? 0) > known)
    throw new Failure(`schema ${schema} is at version ${newest.rows[0]?.version}, newer than this program knows (${known})`, {
      kind: 'permanent',
      code: 'SCHEMA_TOO_NEW',
      remedy: 'start the newer version of crm-sync',
    });
  return applied;
}

/** Makes a schema at the newest version in the caller's transaction: all of it or nothing. */
export async function migrateWithin(tx: PoolClient, schema: string, directory: string): Promise<void> {
  await openSchema(tx, schema);
  for (const file of await migrationsIn(directory)) await applyOnce(tx, schema, directory, file);
}

async function migrationsIn(directory: string): Promise<readonly string[]> {
  return (await readdir(directory)).filter((name) => /^\d{4}-.*\.sql$/.test(name)).toSorted();
}

async function openSchema(tx: PoolClient, schema: string): Promise<void> {
  await tx.query(sql`select pg_advisory_xact_lock(hashtextextended(${`crm-sync ${schema}`}, 0))`);
  await tx.query(sql`create schema if not exists ${identifier(schema)}`);
  await tx.query(
    sql`create table if not exists ${identifier(schema)}.migration (version integer primary key, name text not null, applied_at timestamptz not null default now())`,
  );
}

/** One migration, unless the schema has seen it: 1 or 0. The search path is what it was before. */
async function applyOnce(tx: PoolClient, schema: string, directory: string, file: string): Promise<number> {
  const version = Number(file.slice(0, 4));
  await tx.query(sql`select pg_advisory_xact_lock(hashtextextended(${`crm-sync ${schema}`}, 0))`);
  const seen = await tx.query(sql`select from ${identifier(schema)}.migration where version = ${version}`);
  if (seen.rowCount !== 0) return 0;
  const before = await tx.query<{ path: string }>(sql`select current_setting('search_path') as path`);
  await tx.query(sql`set local search_path = ${identifier(schema)}`);
  await tx.query(await readFile(path.join(directory, file), 'utf8'));
  await tx.query(sql`insert into ${identifier(schema)}.migration (version, name) values (${version}, ${file})`);
  await tx.query(sql`select set_config('search_path', ${before.rows[0]?.path ?? ''}, true)`);
  return 1;
}
