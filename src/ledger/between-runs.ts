import type { PoolClient } from 'pg';
import { Failure } from '../domain/failure.ts';
import type { Queryable } from '../postgres/database.ts';
import { sql } from '../postgres/sql.ts';

/** A run that has not ended. */
export interface RunInProgress {
  readonly run: string;
  /** Its links are real already: what is decided now counts for what is not sent yet, and for the next run. */
  readonly committed: boolean;
}

/** The run that is open in the ledger; one that was terminated stays open until the next one closes it. */
export async function runInProgress(database: Queryable): Promise<RunInProgress | undefined> {
  const found = await database.query<RunInProgress>(sql`
    select run, links_committed_at is not null as committed from run where finished_at is null`);
  return found.rows[0];
}

/**
 * R5: refuses with `RUN_OPEN` while a run is open, and keeps any from being opened until the transaction ends. `terminated`: a run of which Temporal knows that it is over;
 * if it is still open here it is closed as `failed`, as the next run would do.
 */
export async function keepRunsOut(tx: PoolClient, what: string, terminated: string | undefined): Promise<void> {
  const refuse = async (): Promise<void> => {
    const open = await runInProgress(tx);
    if (open !== undefined && open.run !== terminated) throw runOpen(open.run, what);
  };
  // Looked at without the lock first: a run in progress is not to wait for a command that is refused.
  await refuse();
  await tx.query(sql`lock table run in share row exclusive mode`);
  await refuse();
  await tx.query(sql`update run set status = 'failed', finished_at = now() where run = ${terminated ?? null} and finished_at is null`);
}

/** `run`: undefined where only Temporal knows it. */
export function runOpen(run: string | undefined, what: string): Failure {
  return new Failure(`a run is in progress${run === undefined ? '' : ` (${run})`}: ${what} and a run never overlap (R5)`, {
    kind: 'permanent',
    code: 'RUN_OPEN',
    remedy: 'Wait for its end: `crm-sync status --watch`.',
  });
}
