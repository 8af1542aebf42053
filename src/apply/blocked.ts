import type { PoolClient } from 'pg';
import { objectFacts } from '../domain/objects.ts';
import { countIntents } from '../mirror/plan/count-intents.ts';
import { sql } from '../postgres/sql.ts';
import type { ApplyContext } from './dependencies.ts';
import type { ApplyPart } from './parts.ts';

/** R13: pairs that somebody blocked or unlinked since the run's match are not written. What may have been sent already is left for its verification. */
export async function deferBlocked(tx: PoolClient, ctx: ApplyContext, part: ApplyPart): Promise<number> {
  // Hardly ever: then nothing is joined.
  const since = await tx.query(sql`
    select from decision where seq > ${ctx.decisionSeq} and kind in ('block', 'unlink') and object = ${part.object} limit 1`);
  if (since.rowCount === 0) return 0;
  return countIntents(
    tx,
    sql`
    update intent_set i set outcome = 'deferred', reason = 'blockedMeanwhile'
      from decision d
      join crm_record c on c.object = d.object and c.crm_id = d.crm_id
      join pers_record p on p.kind = ${objectFacts[part.object].personKind} and p.pers_id = d.pers_id
     where d.seq > ${ctx.decisionSeq} and d.kind in ('block', 'unlink') and d.object = ${part.object}
       and i.run_no = ${ctx.runNo} and i.side = ${part.side} and i.object = ${part.object} and i.part = ${part.chunk}
       and i.crm = c.rec and i.pers = p.rec and i.outcome is null and not i.sending
    returning cardinality(i.mappings) as intents`,
  );
}
