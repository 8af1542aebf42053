import { createHash } from 'node:crypto';
import { createWriteStream } from 'node:fs';
import { mkdir } from 'node:fs/promises';
import path from 'node:path';
import { Transform } from 'node:stream';
import { pipeline } from 'node:stream/promises';
import { Failure } from '../domain/failure.ts';
import { copyCsv } from '../mirror/copy-out.ts';
import { identifier } from '../postgres/sql.ts';
import type { ApplyContext, ApplyDependencies } from './dependencies.ts';
import { intentsOf, writtenFields } from './part-intents.ts';
import type { ApplyPart } from './parts.ts';

export interface CsvFile {
  readonly file: string;
  /** API names but for Id. */
  readonly columns: readonly string[];
  readonly rows: number;
  readonly sha256: string;
}

/**
 * Writes what is planned of a part as one CSV: a row a record, a column a field; an empty cell is unchanged, `#N/A` clears. LF, UTF-8, records of one parent side by side. PostgreSQL
 * makes the CSV: no value passes through the program.
 */
export async function writeCsv({ database, workDirectory }: ApplyDependencies, ctx: ApplyContext, part: ApplyPart, name: string): Promise<CsvFile> {
  const fields = await writtenFields(database, ctx, part, 'planned');
  const file = path.join(workDirectory, name);
  const cells = fields.map(
    ({ mapping, field }) => `case when ${mapping} = any (s.mappings) then coalesce(s.after[${mapping}], '#N/A') end as ${identifier(field).fragment}`,
  );
  const query = `
    select ${['s.target_id as "Id"', ...cells].join(', ')} from intent_set s join crm_record c on c.object = s.object and c.rec = s.crm
     where ${intentsOf(ctx, part, 'planned').fragment}
     order by c.account_id nulls last, s.target_id`;
  const hash = createHash('sha256');
  const { csv, rows } = copyCsv(database, query, { quoted: true });
  const hashed = new Transform({
    transform(chunk: Buffer, _encoding, done) {
      hash.update(chunk);
      done(null, chunk);
    },
  });
  try {
    await mkdir(workDirectory, { recursive: true, mode: 0o700 });
    await pipeline(csv, hashed, createWriteStream(file, { mode: 0o600 }));
  } catch (error) {
    throw diskFailure(error, workDirectory);
  }
  return { file, columns: fields.map(({ field }) => field), rows: rows(), sha256: hash.digest('hex') };
}

/** What the disk says, with the place; anything else comes back as it is. */
function diskFailure(error: unknown, place: string): unknown {
  if (!(error instanceof Error) || !('syscall' in error)) return error;
  const code = 'code' in error ? String(error.code) : 'unknown';
  return new Failure(`the work directory ${place} cannot be written (${code})`, {
    kind: 'permanent',
    code: 'WORK_DIRECTORY',
    remedy: 'make room on its disk, or see to its permissions; then run again',
  });
}
