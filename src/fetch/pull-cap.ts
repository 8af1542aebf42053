import type { ObjectType } from '../domain/objects.ts';
import { objectTypes } from '../domain/objects.ts';
import type { OpenRun } from '../ledger/runs.ts';
import type { Database, Queryable } from '../postgres/database.ts';
import { sql } from '../postgres/sql.ts';

/** Rows of Salesforce that this run may still read (R27). What is being read counts as read. */
export async function pullLeft(tx: Queryable, { runNo, shape }: OpenRun): Promise<number> {
  const found = await tx.query<{ used: number }>(sql`
    select (select coalesce(sum((counts->>'records')::bigint), 0) from step_ledger
             where run_no = ${runNo} and step in ('fetch.page', 'fetch.again') and object = any(${objectTypes}))::bigint
         + (select coalesce(sum(records), 0) from pull_grant g
             where run_no = ${runNo} and not exists (select from step_ledger s where s.run_no = g.run_no and s.step = 'fetch.page' and s.object = g.object and s.part = g.part))::bigint as used`);
  return Math.max(0, shape.settings.caps.pullRecords - (found.rows[0]?.used ?? 0));
}

/**
 * Grants a page up to `wanted` rows, what is left at most; 0: the cap is reached. In a transaction of its own, so that pages of other objects see it at once; a repeat of
 * the page gets the same.
 */
export async function grantRows(database: Database, run: OpenRun, object: ObjectType, part: number, wanted: number): Promise<number> {
  return database.transaction(async (tx) => {
    await tx.query(sql`select pg_advisory_xact_lock(hashtextextended('pull_grant', ${run.runNo}))`);
    const held = await tx.query<{ records: number }>(
      sql`select records from pull_grant where run_no = ${run.runNo} and object = ${object} and part = ${part}`,
    );
    const before = held.rows[0]?.records ?? 0;
    const granted = Math.min(wanted, before + (await pullLeft(tx, run)));
    await tx.query(sql`
      insert into pull_grant (run_no, object, part, records) values (${run.runNo}, ${object}, ${part}, ${granted})
      on conflict (run_no, object, part) do update set records = excluded.records`);
    return granted;
  });
}
