import { createWriteStream } from 'node:fs';
import { mkdir, rename, rm, writeFile } from 'node:fs/promises';
import path from 'node:path';
import { pipeline } from 'node:stream/promises';
import pg from 'pg';
import type { PoolClient } from 'pg';
import { to as copyTo } from 'pg-copy-streams';
import { Failure } from '../domain/failure.ts';
import type { PersonKind } from '../domain/objects.ts';
import { sql } from '../postgres/sql.ts';
import { accountIdName, headerLine } from './feed-header.ts';
import { schemaFileName, schemaWith } from './feed-schema.ts';
import type { Attribute, AttributeType, AttributeTypes } from './port.ts';
import type { PersonalizationStore } from './store.ts';
import { personTables } from './tables.ts';

export interface ExportedFile {
  readonly file: string;
  readonly kind: PersonKind;
  readonly rows: number;
}

/**
 * Writes `user-export.csv` and `account-export.csv`, sorted by id, as feeds that `importFeeds` reads back, and the types of attributes that are not text into
 * `schema.json`. Both files are of one moment, and appear only when they are complete.
 */
export async function exportFeeds(store: PersonalizationStore, directory: string): Promise<readonly ExportedFile[]> {
  const unfinished: string[] = [];
  try {
    await mkdir(directory, { recursive: true, mode: 0o700 });
    const exported = await store.database.transaction(async (tx) => {
      await tx.query('set transaction isolation level repeatable read, read only');
      const types = await store.describe();
      await exportSchema(directory, types);
      const files: ExportedFile[] = [];
      for (const kind of ['user', 'account'] as const) {
        const file = path.join(directory, `${kind}-export.csv`);
        unfinished.push(`${file}.part`);
        files.push({ file, kind, rows: await exportKind(tx, kind, types[kind], `${file}.part`) });
      }
      return files;
    });
    for (const { file } of exported) await rename(`${file}.part`, file);
    return exported;
  } catch (error) {
    for (const file of unfinished) await rm(file, { force: true });
    throw writingFailure(error, directory);
  }
}

async function exportKind(tx: PoolClient, kind: PersonKind, attributes: readonly Attribute[], file: string): Promise<number> {
  const { table, id, accountId } = personTables[kind];
  const sorted = attributes.map(({ name }) => name).toSorted();
  const values = sorted.map((name) => `attributes ->> ${pg.escapeLiteral(name)}`);
  const columns = [id.fragment, ...(kind === 'user' ? [accountId.fragment] : []), ...values].join(', ');
  // Names of columns are cut at 63 bytes by PostgreSQL: the header is ours.
  await writeFile(file, headerLine(kind, kind === 'user' ? [accountIdName, ...sorted] : sorted), { mode: 0o600 });
  const copy = tx.query(copyTo(`copy (select ${columns} from ${table.fragment} order by ${id.fragment}) to stdout (format csv)`));
  await pipeline(copy, createWriteStream(file, { flags: 'a' }));
  // The count comes after the last byte: an answered statement behind it says that it is there.
  await tx.query(sql`select`);
  return copy.rowCount;
}

async function exportSchema(directory: string, types: AttributeTypes): Promise<void> {
  const typed = (attributes: readonly Attribute[]): Record<string, AttributeType> =>
    Object.fromEntries(attributes.filter(({ type }) => type !== 'text').map(({ name, type }) => [name, type]));
  const declared = { user: typed(types.user), account: typed(types.account) };
  if (Object.keys(declared.user).length + Object.keys(declared.account).length === 0) return;
  const file = path.join(directory, schemaFileName);
  await writeFile(`${file}.part`, await schemaWith(directory, declared));
  await rename(`${file}.part`, file);
}

function writingFailure(error: unknown, directory: string): unknown {
  const { code, syscall } = error as NodeJS.ErrnoException;
  if (error instanceof Failure || code === undefined || syscall === undefined) return error;
  return new Failure(`${directory} cannot be written to (${code})`, {
    kind: 'permanent',
    code: 'EXPORT_DIRECTORY',
    remedy: 'choose a directory that can be written, with enough space',
  });
}
