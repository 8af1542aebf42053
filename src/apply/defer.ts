import type { PoolClient } from 'pg';
import { sql } from '../postgres/sql.ts';
import type { ApplyContext } from './dependencies.ts';

/**
 * Ends what is still planned when a run stops: every intent without an outcome is `deferred` for this reason; one that may have been sent and was not looked at again for
 * `unconfirmed`: the next night reads what came of it. A repeat finds nothing left.
 */
export async function deferRest(tx: PoolClient, ctx: Pick<ApplyContext, 'runNo'>, reason: string): Promise<void> {
  await tx.query(sql`
    update intent_set i
       set outcome = 'deferred', sending = false,
           reason = case
             when i.sending or (i.side = 'salesforce' and (i.object, i.part) in (
               select a.object, a.chunk from apply_part a join run r on r.run_no = a.run_no
                 join write_job j on j.run = r.run and j.object = a.target_object and j.part = a.part and j.state = 'submitted'
                where a.run_no = ${ctx.runNo} and a.side = 'salesforce'))
             then 'unconfirmed' else ${reason} end
     where i.run_no = ${ctx.runNo} and i.outcome is null`);
}
