import type { PoolClient } from 'pg';
import { objectFacts } from '../domain/objects.ts';
import { raw, sql } from '../postgres/sql.ts';
import type { ApplyContext } from './dependencies.ts';
import type { ApplyPart } from './parts.ts';

/**
 * The mirror takes over what a part's confirmed writes sent, so that the next read finds it as it is (R25). Values that match keys are made of stay as they were read: the
 * next read sees them differ and makes the keys anew. `ids`: only these targets; null: all of the part.
 */
export async function keepApplied(tx: PoolClient, ctx: ApplyContext, part: ApplyPart, ids: readonly string[] | null): Promise<void> {
  const toStore = part.side === 'personalization';
  const held = raw(toStore ? 'pers_record h' : 'crm_record h');
  const sameRow = raw(
    toStore ? `h.kind = '${objectFacts[part.object].personKind}' and h.rec = i.pers` : `h.object = '${part.object}' and h.rec = i.crm`,
  );
  // A statement changes a row once: what parted ways of a target is brought together, which few parts need.
  const parted = await tx.query(sql`
    select from intent_set
     where run_no = ${ctx.runNo} and side = ${part.side} and object = ${part.object} and part = ${part.chunk} and outcome in ('applied', 'unchanged')
     group by target_id having count(*) > 1 limit 1`);
  const sets = raw(
    parted.rowCount === 0
      ? 'confirmed'
      : '(select crm, pers, array_agg(m.mapping) as mappings, (array_agg(after))[1] as after from confirmed cross join lateral unnest(mappings) as m(mapping) group by crm, pers)',
  );
  await tx.query(sql`
    with confirmed as (
      select crm, pers, mappings, after from intent_set
       where run_no = ${ctx.runNo} and side = ${part.side} and object = ${part.object} and part = ${part.chunk} and outcome in ('applied', 'unchanged')
         and (${ids}::text[] is null or target_id = any(${ids}::text[]))
    )
    update ${held} set field_values = put_mapped(h.field_values, i.after, i.mappings, (
        select array_agg(f.position order by f.mapping) from intent_field f where f.run_no = ${ctx.runNo} and f.side = ${part.side} and f.object = ${part.object}))
      from ${sets} i
     where ${sameRow}`);
}
