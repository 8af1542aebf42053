import type { PoolClient } from 'pg';
import { objectFacts } from '../domain/objects.ts';
import { sql } from '../postgres/sql.ts';
import type { ApplyContext } from './dependencies.ts';
import type { ApplyPart } from './parts.ts';

/**
 * The mirror takes over what a part's confirmed writes sent, so that the next read finds it as it is (R25). Values that match keys are made of stay as they were read: the
 * next read sees them differ and makes the keys anew. `ids`: only these targets; null: all of the part.
 */
export async function keepApplied(tx: PoolClient, ctx: ApplyContext, part: ApplyPart, ids: readonly string[] | null): Promise<void> {
  if (part.side === 'personalization')
    await tx.query(sql`
      update pers_record p set field_values = put_values(p.field_values, a.positions, a.texts)
        from (select pers, array_agg(position) as positions, array_agg(after) as texts from intent
               where run_no = ${ctx.runNo} and side = 'personalization' and object = ${part.object} and part = ${part.chunk}
                 and outcome in ('applied', 'unchanged') and position is not null and (${ids}::text[] is null or target_id = any(${ids}::text[]))
               group by pers) a
       where p.kind = ${objectFacts[part.object].personKind} and p.rec = a.pers`);
  else
    await tx.query(sql`
      update crm_record c set field_values = put_values(c.field_values, a.positions, a.texts)
        from (select crm, array_agg(position) as positions, array_agg(after) as texts from intent
               where run_no = ${ctx.runNo} and side = 'salesforce' and object = ${part.object} and part = ${part.chunk}
                 and outcome in ('applied', 'unchanged') and position is not null and (${ids}::text[] is null or target_id = any(${ids}::text[]))
               group by crm) a
       where c.object = ${part.object} and c.rec = a.crm`);
}
