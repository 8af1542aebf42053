import type { PoolClient } from 'pg';
import type { ObjectType } from '../../domain/objects.ts';
import { raw, sql } from '../../postgres/sql.ts';
import { columnsOf, refusalSentenceSql } from './comparison.ts';
import { fieldNameSql } from './intent-fields.ts';
import type { WriteSide } from './mappings.ts';
import type { PlanContext } from './plan.ts';

export interface KeptSlice {
  readonly object: ObjectType;
  readonly side: WriteSide;
  /** Number of the first unit of sending. */
  readonly chunk: number;
  /** Pairs of one unit. */
  readonly personsPerChunk: number;
  /** An earlier pass of the run has planned already: what it planned is not planned again (R16). */
  readonly again: boolean;
}

/**
 * Makes the intents of one direction of the table `compared`: one set of what is to be written of each pair, one of each field that is refused, one of what the org made of the same values, which are not
 * written again (R25). Returns how many intents.
 */
export async function keepIntents(tx: PoolClient, ctx: PlanContext, slice: KeptSlice): Promise<number> {
  const { changed, codes } = columnsOf(slice.side);
  if (slice.again)
    await takeAway(tx, slice, 'planned', `from compared c cross join lateral unnest(c.${changed}) as m(mapping) where ${earlierSql(ctx, slice)}`);
  let intents = slice.side === 'salesforce' ? await keepByOrg(tx, ctx, slice) : 0;
  intents += await insertSets(tx, ctx, slice, {
    mappings: `c.${changed}`,
    outcome: `null, null, null`,
    from: `compared c where c.${changed} <> '{}'`,
  });
  intents += await insertSets(tx, ctx, slice, {
    mappings: 'array[m.mapping::smallint]',
    outcome: `'rejected', m.code, ${refusalSentenceSql('m.code')}`,
    from: `compared c cross join lateral unnest(c.${codes}) with ordinality as m(code, mapping)
      where c.${codes} is not null and m.code is not null ${slice.again ? `and not ${earlierSql(ctx, slice)}` : ''}`,
  });
  await tx.query('drop table if exists planned, by_org');
  return intents;
}

interface SetsSql {
  readonly mappings: string;
  /** Outcome, code, reason. */
  readonly outcome: string;
  readonly from: string;
}

async function insertSets(tx: PoolClient, { runNo }: PlanContext, slice: KeptSlice, { mappings, outcome, from }: SetsSql): Promise<number> {
  const { targetId, targetObject, before, after } = columnsOf(slice.side);
  const { rows } = await tx.query<{ intents: number }>(sql`
    with made as (
      insert into intent_set (run_no, side, object, crm, pers, target_id, target_object, mappings, before, after, outcome, code, reason, part)
      select ${runNo}::bigint, ${slice.side}, ${slice.object}, c.crm, c.pers, ${raw(`c.${targetId}, c.${targetObject}, ${mappings}, c.${before}, c.${after}`)}, ${raw(outcome)},
        ${slice.chunk} + (c.n / ${slice.personsPerChunk})::integer
        from ${raw(from)}
      returning cardinality(mappings) as intents
    )
    select coalesce(sum(intents), 0)::bigint as intents from made`);
  return rows[0]?.intents ?? 0;
}

/** R25: what the org made of a value that the sync sent last stays as it is. */
async function keepByOrg(tx: PoolClient, ctx: PlanContext, slice: KeptSlice): Promise<number> {
  const { targetId, targetObject, before, after, changed } = columnsOf(slice.side);
  const found = await takeAway(
    tx,
    slice,
    'by_org',
    `from compared c
      cross join lateral unnest(c.${changed}) as m(mapping)
      join intent_field f on f.run_no = ${ctx.runNo} and f.side = 'salesforce' and f.object = '${slice.object}' and f.mapping = m.mapping
      join written w on w.side = 'salesforce' and w.object = c.${targetObject} and w.rec_id = c.${targetId} and w.field = ${fieldNameSql(slice.object, targetObject)}
     where w.seen_known and w.sent is not distinct from c.${after}[m.mapping]
       and comparable(f.target_type, f.scale, w.seen) is not distinct from comparable(f.target_type, f.scale, c.${before}[m.mapping])`,
  );
  if (found === 0) return 0;
  return insertSets(tx, ctx, slice, {
    mappings: 't.mappings',
    outcome: `'unchanged', null, 'changedByOrg'`,
    from: 'compared c join by_org t on t.n = c.n',
  });
}

/** Takes mappings away from what is to be written, pair by pair; `table (n, mappings)` keeps which. Returns the number of pairs. */
async function takeAway(tx: PoolClient, { side }: KeptSlice, table: 'planned' | 'by_org', from: string): Promise<number> {
  const found = await tx.query(sql`
    create temp table ${raw(table)} on commit drop as select c.n, array_agg(m.mapping order by m.mapping) as mappings ${raw(from)} group by c.n`);
  const changed = raw(columnsOf(side).changed);
  if (found.rowCount !== 0)
    await tx.query(sql`
      update compared c set ${changed} = array(select m from unnest(c.${changed}) as m where m <> all (t.mappings)) from ${raw(table)} t where t.n = c.n`);
  return found.rowCount ?? 0;
}

/** Whether an earlier pass planned mapping `m` of `c` to the same text. */
function earlierSql({ runNo }: PlanContext, { side, object }: KeptSlice): string {
  const { targetId, targetObject, after } = columnsOf(side);
  return `exists (
    select from intent_set e where e.run_no = ${runNo} and e.side = '${side}' and e.object = '${object}' and e.target_object = c.${targetObject} and e.target_id = c.${targetId}
       and m.mapping = any (e.mappings) and e.after[m.mapping] is not distinct from c.${after}[m.mapping])`;
}
