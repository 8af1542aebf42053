import { Failure } from '../domain/failure.ts';
import type { Queryable } from '../postgres/database.ts';
import { sql } from '../postgres/sql.ts';

/**
 * Refuses to open a new run over a mirror that has seen this run's number, or a later one: the ledger was restored from a backup that is older than the mirror, and what the mirror notes of a
 * lost run would count as done in this one.
 * @throws Failure `MIRROR_AHEAD`
 */
export async function refuseMirrorAhead(tx: Queryable, runNo: number): Promise<void> {
  const found = await tx.query(sql`select from step_ledger where run_no >= ${runNo} limit 1`);
  if (found.rowCount === 0) return;
  throw new Failure('the mirror has seen runs that the ledger does not know: the ledger was restored from a backup', {
    kind: 'permanent',
    code: 'MIRROR_AHEAD',
    remedy: 'Make the mirror anew: crm-sync mirror rebuild. Links, pins and blocks are as the backup has them.',
  });
}
