import type { PoolClient } from 'pg';
import { objectFacts } from '../domain/objects.ts';
import type { ObjectType } from '../domain/objects.ts';
import type { OpenRun } from '../ledger/runs.ts';
import { sql } from '../postgres/sql.ts';
import { absorbRecords, nameFollowers } from './absorb-records.ts';
import type { AbsorbedRecords } from './absorb-records.ts';
import { noteArrangement } from './arrangement.ts';
import { loadRead, noteTaken } from './reads.ts';
import type { FullReason } from './reads.ts';
import { dropStage, stageTable } from './stage.ts';

/** So far before the end of a full read its rows may have named records that were read before them. */
const readingMs = 10 * 60_000;

export interface TakenRead {
  readonly counts: AbsorbedRecords;
  /** The read had been begun by an earlier run: what changed since then is still to be read. */
  readonly carried: boolean;
  /** Bulk jobs that it was read by. */
  readonly jobs: number;
}

/**
 * Takes a complete read of one object from the stage into the mirror, with everything that follows from it: whom to look up, in which order the rows stand, what the watermark may
 * become. `compared`: the full reads whose misses are counted.
 */
export async function takeRead(tx: PoolClient, run: OpenRun, object: ObjectType, compared: ReadonlySet<FullReason>): Promise<TakenRead> {
  const read = await loadRead(tx, run.runNo, object);
  if (read === null || read.state !== 'reading' || read.cursor.spans.length > 0)
    throw new Error(`the read of ${objectFacts[object].crmName} is not at its end`);
  const stage = stageTable(run.runNo, object);
  const { mode, reason, windowFrom, coveredTo, carried } = read;
  const counts = await absorbRecords(
    tx,
    run.shape,
    object,
    run.runNo,
    stage,
    mode === 'window' ? { kind: 'window' } : { kind: 'full', windowFrom: reason !== null && compared.has(reason) ? windowFrom : null },
  );
  // Named by the log of deletions, and here as it is now. Whom a full read does not have is gone already.
  await tx.query(sql`
    delete from look_up l where l.object = ${object} and l.named_by = 'log' and (${mode === 'full'} or exists (select from incoming i where i.crm_id = l.crm_id))`);
  await nameFollowers(tx, object, windowFrom ?? new Date(Date.parse(coveredTo) - readingMs).toISOString());
  await noteArrangement(tx, run.shape, object);
  await noteTaken(tx, run.runNo, object, mode === 'full' && reason !== null && compared.has(reason) ? counts.missed : null);
  await dropStage(tx, stage);
  return { counts, carried, jobs: read.cursor.jobs.length };
}
