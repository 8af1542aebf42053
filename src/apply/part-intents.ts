import type { CrmFieldType } from '../domain/fields.ts';
import type { Queryable } from '../postgres/database.ts';
import { raw, sql } from '../postgres/sql.ts';
import type { ApplyContext } from './dependencies.ts';
import type { ApplyPart } from './parts.ts';

/** A field that a part writes, with the number of its mapping. */
export interface PartField {
  readonly mapping: number;
  readonly field: string;
  readonly type: CrmFieldType;
}

/** Which of a part's intents. `inDoubt`: they may have been sent. */
export type IntentState = 'planned' | 'inDoubt' | 'applied';

/** The intents `s` of a part of Salesforce's in one state, as a condition. */
export function intentsOf({ runNo }: Pick<ApplyContext, 'runNo'>, part: ApplyPart, state: IntentState): ReturnType<typeof raw> {
  const states = { planned: 's.outcome is null and not s.sending', inDoubt: 's.outcome is null and s.sending', applied: `s.outcome = 'applied'` };
  return raw(`s.run_no = ${runNo} and s.side = 'salesforce' and s.object = '${part.object}' and s.part = ${part.chunk} and ${states[state]}`);
}

/** The fields that at least one of these intents writes, in the order of their mappings. */
export async function writtenFields(
  database: Queryable,
  ctx: Pick<ApplyContext, 'runNo'>,
  part: ApplyPart,
  state: IntentState,
): Promise<readonly PartField[]> {
  const { rows } = await database.query<PartField>(sql`
    select f.mapping, f.${fieldColumnOf(part)} as field, f.target_type as type from intent_field f
     where f.run_no = ${ctx.runNo} and f.side = 'salesforce' and f.object = ${part.object}
       and exists (select from intent_set s where ${intentsOf(ctx, part, state)} and f.mapping = any (s.mappings))
     order by f.mapping`);
  return rows;
}

/** Ids, in order, of the part's records with such intents. */
export async function targetIds(
  database: Queryable,
  ctx: Pick<ApplyContext, 'runNo'>,
  part: ApplyPart,
  state: IntentState,
): Promise<readonly string[]> {
  const { rows } = await database.query<{ ids: readonly string[] | null }>(sql`
    select array_agg(distinct target_id) as ids from intent_set s where ${intentsOf(ctx, part, state)}`);
  return rows[0]?.ids ?? [];
}

/** Names of what a part writes, by the number of the mapping less one. */
export async function fieldsOf(database: Queryable, runNo: number, part: ApplyPart): Promise<readonly string[]> {
  const { rows } = await database.query<{ field: string }>(sql`
    select ${fieldColumnOf(part)} as field from intent_field where run_no = ${runNo} and side = ${part.side} and object = ${part.object} order by mapping`);
  return rows.map(({ field }) => field);
}

/** The column of `intent_field` with the names of what a part writes (R22). */
function fieldColumnOf({ object, targetObject }: ApplyPart): ReturnType<typeof raw> {
  return raw(object === 'contact' && targetObject === 'Account' ? 'account_field' : 'field');
}
