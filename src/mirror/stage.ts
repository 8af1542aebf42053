import { pipeline } from 'node:stream/promises';
import type { PoolClient } from 'pg';
import { from as copyFrom } from 'pg-copy-streams';
import { Failure } from '../domain/failure.ts';
import { identifier, raw, sql } from '../postgres/sql.ts';

/** What is read in one go: the records of an object, or the persons of a kind. */
export type StageName = 'account' | 'contact' | 'lead' | 'users' | 'accounts';

/** Table in which one run collects the pages of one read, a column a CSV column, text each. Dropped when absorbed. */
export function stageTable(runNo: number, name: StageName): string {
  return `stage_${runNo}_${name}`;
}

/** Says of which span of a read a staged row is. No field of either side is called so. */
const spanColumn = 'of_span';

/** Made anew if it is there: the caller's step ledger says whether the read had begun. */
export async function createStage(
  tx: PoolClient,
  table: string,
  columns: readonly string[],
  options: { readonly spans?: boolean } = {},
): Promise<void> {
  await tx.query(sql`drop table if exists ${identifier(table)}`);
  const list = columns.map((column) => `${identifier(column).fragment} text`);
  if (options.spans === true) list.push(`${spanColumn} integer not null default 0`);
  await tx.query(sql`create table ${identifier(table)} (${raw(list.join(', '))})`);
}

/** Drops what earlier runs left of one read. */
export async function dropOldStages(tx: PoolClient, runNo: number, name: StageName): Promise<void> {
  const found = await tx.query<{ name: string }>(sql`
    select tablename as name from pg_tables
     where schemaname = current_schema() and tablename ~ ${`^stage_[0-9]+_${name}$`} and tablename <> ${stageTable(runNo, name)}`);
  for (const stage of found.rows) await dropStage(tx, stage.name);
}

/** Whether the stage is there and has just these columns. */
export async function stageExists(tx: PoolClient, table: string, columns: readonly string[]): Promise<boolean> {
  const found = await tx.query<{ name: string }>(sql`
    select column_name as name from information_schema.columns where table_schema = current_schema() and table_name = ${table}`);
  const names = new Set(found.rows.map(({ name }) => name));
  return names.delete(spanColumn) && names.size === columns.length && columns.every((column) => names.has(column));
}

export async function renameStage(tx: PoolClient, table: string, name: string): Promise<void> {
  await tx.query(sql`alter table ${identifier(table)} rename to ${identifier(name)}`);
}

/** Rows that are staged from here on are of this span. */
export async function beginSpan(tx: PoolClient, table: string, span: number): Promise<void> {
  await tx.query(sql`alter table ${identifier(table)} alter column ${raw(spanColumn)} set default ${raw(String(Math.trunc(span)))}`);
}

/** Forgets the rows of a span that is to be read anew. */
export async function forgetSpan(tx: PoolClient, table: string, span: number): Promise<void> {
  await tx.query(sql`delete from ${identifier(table)} where ${raw(spanColumn)} = ${span}`);
}

/**
 * Pipes one page into the stage as it is. The header must name the stage's columns in their order; a quoted empty cell is null
 * as well. Returns the rows that arrived, for the caller to compare with what was promised (R27).
 */
export async function copyPage(
  tx: PoolClient,
  table: string,
  columns: readonly string[],
  csv: AsyncIterable<Uint8Array>,
  signal?: AbortSignal,
): Promise<number> {
  const list = columns.map((column) => identifier(column).fragment).join(', ');
  const { fragment } = identifier(table);
  const target = tx.query(copyFrom(`copy ${fragment} (${list}) from stdin (format csv, header match, force_null (${list}))`));
  try {
    await pipeline(csv, target, ...(signal === undefined ? [] : [{ signal }]));
  } catch (error) {
    const code = error instanceof Error && 'code' in error ? String(error.code) : '';
    // Class 22: no CSV, no UTF-8, a header or a row that does not fit; 54: longer than any value may be.
    if (/^(22|54)\w{3}$/.test(code))
      throw new Failure(`a page for ${table} is not the CSV that was asked for: its header or a row does not fit the columns`, {
        kind: 'transient',
        code: 'PAGE_MALFORMED',
      });
    throw error;
  }
  return target.rowCount;
}

export async function dropStage(tx: PoolClient, table: string): Promise<void> {
  await tx.query(sql`drop table if exists ${identifier(table)}`);
}
