import type { ObjectType } from '../../domain/objects.ts';
import type { Queryable } from '../../postgres/database.ts';
import { sql } from '../../postgres/sql.ts';
import type { MatchContext } from './context.ts';
import { matchPlan } from './match-plan.ts';
import type { MatchPlan, SubTier } from './match-plan.ts';

/** The plan by which an object's match was begun: leads that are switched on meanwhile do not change it half-way (R16). */
export async function begunPlan(tx: Queryable, { runNo, shape }: MatchContext, object: ObjectType): Promise<MatchPlan> {
  const found = await tx.query<{ leads: boolean }>(sql`select leads from match_count where run_no = ${runNo} and object = ${object}`);
  const begun = found.rows[0];
  if (begun === undefined) throw new Error(`the match of ${object} in run number ${runNo} has not begun`);
  return matchPlan(shape, object, begun.leads);
}

export async function begunSubTier(tx: Queryable, ctx: MatchContext, object: ObjectType, index: number): Promise<SubTier> {
  const subTier = (await begunPlan(tx, ctx, object)).subTiers[index];
  if (subTier === undefined) throw new RangeError(`${object} has no sub-tier ${index}`);
  return subTier;
}
