import { createWriteStream } from 'node:fs';
import { rename, rm } from 'node:fs/promises';
import { Readable } from 'node:stream';
import { pipeline } from 'node:stream/promises';
import type { PoolClient } from 'pg';
import { Failure } from '../domain/failure.ts';
import type { Database } from '../postgres/database.ts';
import { raw, sql } from '../postgres/sql.ts';
import { fileVersion } from './links-file.ts';
import type { FileDecision, FileEnd, FileHeader, FileLink, FileWritten } from './links-file.ts';

export interface ExportedLinks {
  /** Links in force and ended ones. */
  readonly links: number;
  readonly open: number;
  readonly decisions: number;
  /** Values that the org changed on saving (R25). */
  readonly written: number;
}

/** Lines that one query brings: a million links pass through a few megabytes. */
const linesPerRead = 10_000;

/** Microseconds as PostgreSQL keeps them: an import of the same file finds the same instants. */
const instant = (column: string): string => `to_char(${column} at time zone 'UTC', 'YYYY-MM-DD"T"HH24:MI:SS.US"Z"')`;

/**
 * Saves links, their history, all decisions, and what the org made of values (R25) to a file for its owner alone, all of one moment; it appears only when it is complete. A run in progress does no harm. Rows of persons
 * who were erased (R23) are left out.
 * @throws Failure `FILE_UNWRITABLE`
 */
export async function exportLinks(database: Database, file: string): Promise<ExportedLinks> {
  const draft = `${file}.${process.pid}.part`;
  try {
    const counts = await database.transaction(async (tx) => {
      await tx.query('set transaction isolation level repeatable read read only');
      const counted = { links: 0, open: 0, decisions: 0, written: 0 };
      await pipeline(Readable.from(lines(tx, counted)), createWriteStream(draft, { mode: 0o600 }));
      return counted;
    });
    await rename(draft, file);
    return counts;
  } catch (error) {
    const { code, syscall } = error as NodeJS.ErrnoException;
    if (error instanceof Failure || code === undefined || syscall === undefined) throw error;
    throw new Failure(`${file} cannot be written (${code})`, {
      kind: 'permanent',
      code: 'FILE_UNWRITABLE',
      remedy: 'Name a file in a folder that is there and can be written, on a disk with enough space.',
      cause: error,
    });
  } finally {
    await rm(draft, { force: true }).catch((error: NodeJS.ErrnoException) => ignoreNoFolder(error));
  }
}

async function* lines(tx: PoolClient, counted: { -readonly [count in keyof ExportedLinks]: number }): AsyncGenerator<string> {
  const bound = await tx.query<{ org: string | null; store: string | null; at: string }>(sql`
    select (select external_id from binding where side = 'salesforce') as org, (select external_id from binding where side = 'personalization') as store,
      ${raw(instant('now()'))} as at`);
  const { org = null, store = null, at = '' } = bound.rows[0] ?? {};
  const header: FileHeader = { format: 'crm-sync links', version: fileVersion, org, store, exportedAt: at };
  yield `${JSON.stringify(header)}\n`;
  for await (const link of rowsOf<FileLink>(
    tx,
    (after) => sql`
      select link_no as no, 'link' as type, object, crm_id as "salesforceId", pers_id as "personalizationId", sub_tier as "subTier", crm_field as field, attribute,
        made_run as "madeRun", ${raw(instant('made_at'))} as "madeAt", ended_run as "endedRun", ${raw(instant('ended_at'))} as "endedAt", ended_reason as "endedReason",
        heir_id as "mergedInto"
        from link where pers_id is not null and link_no > ${after} order by link_no limit ${linesPerRead}`,
  )) {
    counted.links += 1;
    if (link.endedReason === null) counted.open += 1;
    yield `${JSON.stringify(link)}\n`;
  }
  for await (const decision of rowsOf<FileDecision>(
    tx,
    (after) => sql`
      select seq as no, 'decision' as type, object, crm_id as "salesforceId", pers_id as "personalizationId", kind, decided_by as by, ${raw(instant('decided_at'))} as at, note
        from decision where pers_id is not null and seq > ${after} order by seq limit ${linesPerRead}`,
  )) {
    counted.decisions += 1;
    yield `${JSON.stringify(decision)}\n`;
  }
  // Values that stand as they were sent need nothing: they are found equal.
  const changed = await tx.query<FileWritten>(sql`
    select 'written' as type, object, rec_id as "salesforceId", field, sent, seen, run, ${raw(instant('sent_at'))} as at
      from written where side = 'salesforce' and seen_known and sent is distinct from seen order by object, rec_id, field`);
  for (const written of changed.rows) {
    counted.written += 1;
    yield `${JSON.stringify(written)}\n`;
  }
  const end: FileEnd = { type: 'end', links: counted.links, decisions: counted.decisions, written: counted.written };
  yield `${JSON.stringify(end)}\n`;
}

async function* rowsOf<T>(tx: PoolClient, read: (after: number) => ReturnType<typeof sql>): AsyncGenerator<T> {
  let after = 0;
  for (;;) {
    const { rows } = await tx.query<T & { no: number }>(read(after));
    for (const { no, ...row } of rows) {
      after = no;
      yield row as unknown as T;
    }
    if (rows.length < linesPerRead) return;
  }
}

/** Nothing is left in a folder that there is not. */
function ignoreNoFolder(error: NodeJS.ErrnoException): void {
  if (error.code !== 'ENOTDIR' && error.code !== 'ENOENT') throw error;
}
