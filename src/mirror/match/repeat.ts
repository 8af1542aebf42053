import type { PoolClient } from 'pg';
import type { ObjectType } from '../../domain/objects.ts';
import { identifier, raw, sql } from '../../postgres/sql.ts';
import { forgetMatch } from './begin.ts';
import { matchTables, partitionName } from './context.ts';
import type { MatchContext, MatchTable } from './context.ts';
import { matchInputs } from './inputs.ts';

/** The columns of what a run found, but for those that say whose it is. */
const columns = {
  candidate: 'tier, field, attr, crm, pers, held',
  hot_member: 'tier, field, value, side, rec, held, degree, held_degree',
  crm_outcome: 'rec, outcome, sub_tier, pers, crm_field, attribute, reason, link_no, candidate_count, candidates',
  pers_outcome: 'rec, outcome',
} as const satisfies Record<MatchTable, string>;

/** What becomes of a match that is to begin. `inputs`: what it is made of, null if that must not be used again. */
export interface Repeated {
  readonly repeated: boolean;
  readonly inputs: string | null;
}

/**
 * The one short cut of matching (R9 asks for every night): if nothing that a match depends on has changed since an earlier one that ended, its outcomes are taken over, links as they stood
 * when it began included. Then `finishMatch` ends it. Otherwise the match that begins is noted with its inputs (`noteInputs`).
 */
export async function repeatMatch(tx: PoolClient, ctx: MatchContext, object: ObjectType): Promise<Repeated> {
  const inputs = await matchInputs(tx, ctx, object);
  const anew = { repeated: false, inputs };
  if (inputs === null) return anew;
  const found = await tx.query<{ run_no: number }>(sql`
    select run_no from match_count
     where object = ${object} and inputs = ${inputs} and counts is not null and complete and run_no < ${ctx.runNo} order by run_no desc limit 1`);
  const earlier = found.rows[0]?.run_no;
  // Runs are forgotten after a while: their tables are gone.
  if (earlier === undefined || !(await hasTables(tx, earlier, object))) return anew;
  await forgetMatch(tx, ctx, object);
  for (const table of matchTables)
    await tx.query(sql`
      insert into ${identifier(partitionName(table, ctx.runNo, object))} (run_no, object, ${raw(columns[table])})
      select ${ctx.runNo}::bigint, object, ${raw(columns[table])} from ${identifier(partitionName(table, earlier, object))}`);
  await tx.query(sql`
    update match_count m set inputs = e.inputs, counts = e.counts from match_count e
     where m.run_no = ${ctx.runNo} and m.object = ${object} and e.run_no = ${earlier} and e.object = ${object}`);
  return { repeated: true, inputs };
}

/** Once a match has begun that was not repeated: what it is made of. */
export async function noteInputs(tx: PoolClient, ctx: MatchContext, object: ObjectType, inputs: string | null): Promise<void> {
  await tx.query(sql`update match_count set inputs = ${inputs} where run_no = ${ctx.runNo} and object = ${object}`);
  // The last one of each owner tells them apart.
  await tx.query(
    sql`delete from identity_change c using (select owner, max(no) as last from identity_change group by owner) l where l.owner = c.owner and c.no < l.last`,
  );
}

async function hasTables(tx: PoolClient, runNo: number, object: ObjectType): Promise<boolean> {
  const names = matchTables.map((table) => partitionName(table, runNo, object));
  const found = await tx.query<{ there: number }>(sql`select count(to_regclass(name)) as there from unnest(${names}::text[]) as names(name)`);
  return found.rows[0]?.there === names.length;
}
