import { createReadStream } from 'node:fs';
import { createInterface } from 'node:readline';
import type { PoolClient } from 'pg';
import { Failure } from '../domain/failure.ts';
import { sql } from '../postgres/sql.ts';
import { fileVersion, lineProblem } from './links-file.ts';
import type { FileDecision, FileHeader, FileLine, FileLink, FileWritten } from './links-file.ts';

/** Problems that are listed; there may be a million more of the same. */
const problemsShown = 20;
const linesPerInsert = 5_000;

/**
 * Reads a file of `links export` into the temporary tables `in_link`, `in_decision` and `in_written`, which end with the transaction, every line checked, and answers with its header.
 * @throws Failure `FILE_UNREADABLE`, `FILE_INVALID` with the lines that are wrong
 */
export async function readLinksFile(tx: PoolClient, file: string): Promise<FileHeader> {
  await tx.query(sql`
    create temp table in_link (line bigint primary key, object text not null, crm_id text collate "C" not null, pers_id text collate "C" not null, sub_tier text not null, crm_field text,
      attribute text, made_run text not null, made_at timestamptz not null, ended_run text, ended_at timestamptz, ended_reason text, heir_id text) on commit drop`);
  await tx.query(sql`
    create temp table in_decision (line bigint primary key, object text not null, crm_id text collate "C" not null, pers_id text collate "C" not null, kind text not null,
      decided_by text not null, decided_at timestamptz not null, note text) on commit drop`);
  await tx.query(sql`
    create temp table in_written (object text not null, rec_id text collate "C" not null, field text not null, sent text, seen text, run text not null, sent_at timestamptz not null)
      on commit drop`);
  const problems: string[] = [];
  let header: FileHeader | undefined;
  let end: FileLine | undefined;
  let lineNo = 0;
  let links: (FileLink & { readonly line: number })[] = [];
  let decisions: (FileDecision & { readonly line: number })[] = [];
  let written: FileWritten[] = [];
  const seen = { links: 0, decisions: 0, written: 0 };
  const flush = async (): Promise<void> => {
    await stage(tx, links, decisions, written);
    [links, decisions, written] = [[], [], []];
  };
  const lines = createInterface({ input: createReadStream(file, 'utf8'), crlfDelay: Infinity });
  try {
    for await (const text of lines) {
      lineNo += 1;
      const line = parsed(lineNo === 1 ? text.replace(/^\uFEFF/, '') : text);
      if (header === undefined) {
        header = headerOf(line, file);
        continue;
      }
      const problem = end === undefined ? lineProblem(line) : 'stands behind the end';
      if (problem !== undefined) {
        if (problems.length < problemsShown) problems.push(`line ${lineNo}: ${problem}`);
        continue;
      }
      const known = line as FileLine;
      if (known.type === 'end') end = known;
      else if (known.type === 'link') {
        seen.links += 1;
        links.push({ ...known, line: lineNo });
      } else if (known.type === 'written') {
        seen.written += 1;
        written.push(known);
      } else {
        seen.decisions += 1;
        decisions.push({ ...known, line: lineNo });
      }
      if (links.length + decisions.length + written.length >= linesPerInsert) await flush();
    }
  } catch (error) {
    const { code, syscall } = error as NodeJS.ErrnoException;
    if (error instanceof Failure || syscall === undefined) throw error;
    throw new Failure(`${file} cannot be read (${code ?? 'unknown'})`, {
      kind: 'permanent',
      code: 'FILE_UNREADABLE',
      remedy: 'Check the path and its permissions.',
      cause: error,
    });
  } finally {
    lines.close();
  }
  await flush();
  if (header === undefined) throw invalid(file, ['it is empty']);
  if (problems.length === 0 && end?.type !== 'end') problems.push('it has no last line: it was cut off');
  if (problems.length === 0 && end?.type === 'end' && (end.links !== seen.links || end.decisions !== seen.decisions || end.written !== seen.written))
    problems.push(
      `it has ${seen.links} links, ${seen.decisions} decisions and ${seen.written} values, its last line says ${end.links}, ${end.decisions} and ${end.written}`,
    );
  if (problems.length > 0) throw invalid(file, problems);
  return header;
}

function parsed(text: string): unknown {
  try {
    return JSON.parse(text) as unknown;
  } catch {
    // Told by the caller, with its line.
    return undefined;
  }
}

function headerOf(line: unknown, file: string): FileHeader {
  const { format, version, org, store } = (line ?? {}) as Partial<Record<keyof FileHeader, unknown>>;
  if (format !== 'crm-sync links') throw invalid(file, ['its first line does not say that it is one']);
  if (version !== fileVersion) throw invalid(file, [`it has version ${JSON.stringify(version)}, this program reads version ${fileVersion}`]);
  for (const bound of [org, store])
    if (bound !== null && (typeof bound !== 'string' || bound === '')) throw invalid(file, ['its first line names no org or no store']);
  return line as FileHeader;
}

/** `problems` hold no personal data. */
export function invalid(file: string, problems: readonly string[]): Failure {
  const [only] = problems;
  return new Failure(`${file} is no file of \`links export\` that can be read: ${problems.length === 1 ? only : `\n  ${problems.join('\n  ')}`}`, {
    kind: 'permanent',
    code: 'FILE_INVALID',
    remedy: 'Nothing was imported. Take a file as `crm-sync links export` wrote it.',
  });
}

async function stage(tx: PoolClient, links: readonly object[], decisions: readonly object[], written: readonly object[]): Promise<void> {
  if (links.length > 0)
    await tx.query(sql`
      insert into in_link (line, object, crm_id, pers_id, sub_tier, crm_field, attribute, made_run, made_at, ended_run, ended_at, ended_reason, heir_id)
      select line, object, "salesforceId", "personalizationId", "subTier", field, attribute, "madeRun", "madeAt", "endedRun", "endedAt", "endedReason", "mergedInto"
        from jsonb_to_recordset(${JSON.stringify(links)}::jsonb) as i (line bigint, object text, "salesforceId" text, "personalizationId" text, "subTier" text, field text,
          attribute text, "madeRun" text, "madeAt" timestamptz, "endedRun" text, "endedAt" timestamptz, "endedReason" text, "mergedInto" text)`);
  if (decisions.length > 0)
    await tx.query(sql`
      insert into in_decision (line, object, crm_id, pers_id, kind, decided_by, decided_at, note)
      select line, object, "salesforceId", "personalizationId", kind, by, at, note
        from jsonb_to_recordset(${JSON.stringify(decisions)}::jsonb) as i (line bigint, object text, "salesforceId" text, "personalizationId" text, kind text, by text, at timestamptz, note text)`);
  if (written.length > 0)
    await tx.query(sql`
      insert into in_written (object, rec_id, field, sent, seen, run, sent_at)
      select object, "salesforceId", field, sent, seen, run, at
        from jsonb_to_recordset(${JSON.stringify(written)}::jsonb) as i (object text, "salesforceId" text, field text, sent text, seen text, run text, at timestamptz)`);
}
