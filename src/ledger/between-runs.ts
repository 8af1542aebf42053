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
 * R5: refuses with `RUN_OPEN` while a run is open, and keeps any other from being opened until the transaction ends. `terminated`: Temporal has no run in
 * progress, so one that is still open here was abandoned; it is closed as `failed`, as the next run would do.
 */
export async function keepRunsOut(tx: PoolClient, what: string, { terminated }: { readonly terminated: boolean }): Promise<void> {
  // Looked at without the lock first: a run in progress is not to wait for a command that is refused.
  if (!terminated) refuseOpen(await runInProgress(tx), what);
  await tx.query(sql`lock table run in share row exclusive mode`);
  if (terminated) await tx.query(sql`update run set status = 'failed', finished_at = now() where finished_at is null`);
  refuseOpen(await runInProgress(tx), what);
}

function refuseOpen(open: RunInProgress | undefined, what: string): void {
  if (open !== undefined) throw runOpen(open.run, what);
}

/** `run`: undefined where only Temporal knows it. */
export function runOpen(run: string | undefined, what: string): Failure {
  return new Failure(`a run is in progress${run === undefined ? '' : ` (${run})`}: ${what} and a run never overlap (R5)`, {
    kind: 'permanent',
    code: 'RUN_OPEN',
    remedy: 'Wait for its end: `crm-sync status --watch`.',
  });
}
