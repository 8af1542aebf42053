import path from 'node:path';
import type { PoolClient } from 'pg';
import type { Database } from '../postgres/database.ts';
import { migrateWithin } from '../postgres/migrate.ts';
import { identifier, sql } from '../postgres/sql.ts';
import { dropRunPartitions } from './match/partitions.ts';

const migrations = path.join(import.meta.dirname, 'migrations');

/**
 * Forgets what each run left in the mirror, one transaction a run: dropping hundreds of tables at once would take more locks than PostgreSQL has room for. Comes before
 * `rebuildMirror`, while no run can begin; what it leaves if it is interrupted is a mirror that works.
 */
export async function forgetRuns(database: Database, mirrorSchema: string): Promise<number> {
  const found = await database.query<{ run_no: number }>(sql`
    select distinct substring(c.relname from '_r([0-9]+)$')::bigint as run_no from pg_class c join pg_namespace n on n.oid = c.relnamespace
     where n.nspname = ${mirrorSchema} and c.relispartition and c.relname ~ '^(candidate|hot_member|crm_outcome|pers_outcome|intent_set)_r[0-9]+$' order by 1`);
  for (const { run_no: runNo } of found.rows) await database.transaction((tx) => dropRunPartitions(tx, runNo));
  return found.rows.length;
}

/**
 * Drops the mirror and makes an empty one, in the caller's transaction, which keeps runs out (R5). How far the reads had come is in the mirror, so the next run reads everything. The ledger
 * stays as it is, but for write jobs of runs that were terminated: the records they were about are forgotten. Their targets are read with everything else, so nothing is written that is
 * there already; a job that was never handed over is one that the sweep of the next run ends.
 */
export async function rebuildMirror(tx: PoolClient, mirrorSchema: string): Promise<void> {
  await tx.query(sql`
    update write_job set sf_job_id = case when state in ('reserved', 'open') then null else sf_job_id end, state = 'abandoned' where state not in ('done', 'abandoned')`);
  await tx.query(sql`drop schema if exists ${identifier(mirrorSchema)} cascade`);
  await migrateWithin(tx, mirrorSchema, migrations);
}
