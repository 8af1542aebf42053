import { objectFacts } from '../domain/objects.ts';
import type { ObjectType } from '../domain/objects.ts';
import type { Outcome } from '../domain/report.ts';
import { matchPlan } from '../mirror/match/match-plan.ts';
import type { MatchPlan, PlannedField } from '../mirror/match/match-plan.ts';
import type { RunShape } from '../mirror/run-shape.ts';
import type { Queryable } from '../postgres/database.ts';
import { identifier, raw, sql } from '../postgres/sql.ts';

/** A run that has ended in which an object was matched. */
export interface MatchedRun {
  readonly run: string;
  readonly runNo: number;
  readonly status: string;
  readonly leads: boolean;
  readonly shape: RunShape;
}

export async function matchedRuns(database: Queryable, object: ObjectType, limit: number): Promise<readonly MatchedRun[]> {
  const { rows } = await database.query<MatchedRun>(sql`
    select r.run, r.run_no as "runNo", r.status, m.leads, r.settings as shape from match_count m join run r on r.run_no = m.run_no
     where m.object = ${object} and m.counts is not null and r.finished_at is not null order by r.run_no desc limit ${limit}`);
  return rows;
}

export interface ExplainedOutcome {
  readonly run: string;
  readonly runStatus: string;
  readonly object: ObjectType;
  readonly outcome: Outcome;
  readonly personalizationId: string | null;
  readonly subTier: string | null;
  readonly field: string | null;
  readonly attribute: string | null;
  readonly reason: string | null;
  readonly candidateCount: number;
  /** The first 50 by id. */
  readonly candidates: readonly string[];
}

/** What became of a record in these runs, newest first. */
export async function outcomesOf(
  database: Queryable,
  object: ObjectType,
  rec: number,
  runs: readonly MatchedRun[],
): Promise<readonly ExplainedOutcome[]> {
  const { rows } = await database.query<ExplainedOutcome>(sql`
    select r.run, r.status as "runStatus", o.object, o.outcome, p.pers_id as "personalizationId", o.sub_tier as "subTier", o.crm_field as field, o.attribute, o.reason,
      o.candidate_count as "candidateCount",
      array(select q.pers_id from unnest(o.candidates) k (rec) join pers_record q on q.kind = ${objectFacts[object].personKind} and q.rec = k.rec order by q.pers_id) as candidates
      from crm_outcome o join run r on r.run_no = o.run_no
      left join pers_record p on p.kind = ${objectFacts[object].personKind} and p.rec = o.pers
     where o.run_no = any(${runs.map(({ runNo }) => runNo)}::bigint[]) and o.object = ${object} and o.rec = ${rec} order by o.run_no desc`);
  return rows;
}

export interface ExplainedPersonOutcome {
  readonly run: string;
  readonly runStatus: string;
  readonly object: ObjectType;
  readonly outcome: 'linked' | 'stopped' | 'held' | 'unmatched';
  /** The record of its link. */
  readonly salesforceId: string | null;
  readonly subTier: string | null;
  /** Records that it is a candidate of, the first 50 by id, as far as each of them names it among its first 50. */
  readonly candidateOf: readonly string[];
}

/** What became of a person as the counterpart of one object in these runs, newest first. */
export async function personOutcomesOf(
  database: Queryable,
  object: ObjectType,
  rec: number,
  runs: readonly MatchedRun[],
): Promise<readonly ExplainedPersonOutcome[]> {
  const { rows } = await database.query<ExplainedPersonOutcome>(sql`
    select r.run, r.status as "runStatus", ${object} as object, coalesce(o.outcome, 'unmatched') as outcome, c.crm_id as "salesforceId", l.sub_tier as "subTier",
      array(select h.crm_id from crm_outcome s join crm_record h on h.object = s.object and h.rec = s.rec
             where s.run_no = r.run_no and s.object = ${object} and s.outcome in ('ambiguous', 'conflicting', 'suppressed') and s.candidates @> array[${rec}::bigint]
             order by h.crm_id limit 50) as "candidateOf"
      from run r
      left join pers_outcome o on o.run_no = r.run_no and o.object = ${object} and o.rec = ${rec}
      left join crm_outcome l on l.run_no = r.run_no and l.object = ${object} and l.pers = ${rec}
      left join crm_record c on c.object = ${object} and c.rec = l.rec
     where r.run_no = any(${runs.map(({ runNo }) => runNo)}::bigint[]) order by r.run_no desc`);
  return rows;
}

/** Somebody with a value in common, and what the newest run made of them. */
export interface Lookalike {
  /** The other side's id. */
  readonly id: string;
  readonly subTier: string;
  readonly field: string;
  readonly attribute: string;
  /** Equal only if case and white space are ignored: never a match (R6). */
  readonly nearMiss: boolean;
  /** What became of it: `linked`, `stopped`, `held`, `unmatched`, or a record's outcome. */
  readonly outcome: string;
  /** Who it is linked with, and by which sub-tier. */
  readonly linkedWith: string | null;
  readonly linkedBy: string | null;
  /** The pair is blocked (R13). */
  readonly blocked: boolean;
}

const lookalikesShown = 50;

/**
 * Who has a value of a match field in common with the record or person, strongest sub-tier first, the first 50; near misses included. Reads all keys of the other side:
 * a second or two in a mirror of millions.
 */
export async function lookalikes(
  database: Queryable,
  side: 'salesforce' | 'personalization',
  object: ObjectType,
  rec: number,
  { runNo, shape, leads }: MatchedRun,
): Promise<readonly Lookalike[]> {
  const plan = matchPlan(shape, object, leads);
  const known = await database.query<{ there: boolean }>(sql`select exists (select from key_state where object = ${object}) as there`);
  if (known.rows[0]?.there !== true || plan.fields.length === 0) return [];
  const [own, other] = side === 'salesforce' ? (['crm', 'pers'] as const) : (['pers', 'crm'] as const);
  const text = plan.fields.filter(({ compared }) => compared.as === 'text').map(({ number }) => number);
  const kind = objectFacts[object].personKind;
  const { rows } = await database.query<Omit<Lookalike, 'subTier' | 'field' | 'attribute'> & { number: number; attr: number }>(sql`
    with own as materialized (select field, value, near_key(value) as near ${raw(own === 'pers' ? ', attr' : '')} from ${identifier(`${own}_key_${object}`)} where rec = ${rec}),
    met as materialized (
      select distinct on (k.rec, k.field) k.rec, k.field as number, ${raw(own === 'pers' ? 'w.attr' : 'k.attr')} as attr, k.value <> w.value as "nearMiss"
        from ${identifier(`${other}_key_${object}`)} k join own w on w.field = k.field
          and (k.value = w.value or (k.field = any(${text}::smallint[]) and near_key(k.value) = w.near))
       where k.field = any(${plan.fields.map(({ number }) => number)}::smallint[])
       order by k.rec, k.field, k.value <> w.value, ${raw(own === 'pers' ? 'w.attr' : 'k.attr')})
    select ${raw(other === 'pers' ? 'p.pers_id' : 'c.crm_id')} as id, m.number, m.attr, m."nearMiss",
      ${raw(other === 'pers' ? "coalesce(s.outcome, 'unmatched')" : "coalesce(o.outcome, 'not in the run')")} as outcome,
      ${raw(other === 'pers' ? 'lc.crm_id' : 'lp.pers_id')} as "linkedWith", ${raw(other === 'pers' ? 'l.sub_tier' : 'o.sub_tier')} as "linkedBy", b.kind is not null as blocked
      from met m
      ${raw(
        other === 'pers'
          ? `join pers_record p on p.kind = '${kind}' and p.rec = m.rec
             join crm_record c on c.object = '${object}' and c.rec = ${Number(rec)}
             left join pers_outcome s on s.run_no = ${Number(runNo)} and s.object = '${object}' and s.rec = m.rec
             left join crm_outcome l on l.run_no = ${Number(runNo)} and l.object = '${object}' and l.pers = m.rec
             left join crm_record lc on lc.object = '${object}' and lc.rec = l.rec`
          : `join crm_record c on c.object = '${object}' and c.rec = m.rec
             join pers_record p on p.kind = '${kind}' and p.rec = ${Number(rec)}
             left join crm_outcome o on o.run_no = ${Number(runNo)} and o.object = '${object}' and o.rec = m.rec
             left join pers_record lp on lp.kind = '${kind}' and lp.rec = o.pers`,
      )}
      left join block_now(9223372036854775807) b on b.object = ${object} and b.crm_id = c.crm_id and b.pers_id = p.pers_id
     order by array_position(${plan.fields.map(({ number }) => number)}::integer[], m.number::integer), m."nearMiss", id limit ${lookalikesShown}`);
  return rows.map(({ number, attr, ...row }) => ({ ...row, ...named(plan, number, attr) }));
}

function named(plan: MatchPlan, number: number, attr: number): Pick<Lookalike, 'subTier' | 'field' | 'attribute'> {
  const of = (fields: readonly PlannedField[]): PlannedField | undefined => fields.find((field) => field.number === number);
  const field = of(plan.fields);
  return {
    subTier: plan.subTiers.find(({ fields }) => of(fields) !== undefined)?.name ?? '',
    field: field?.name ?? '',
    attribute: field?.attributes.find((attribute) => attribute.number === attr)?.name ?? '',
  };
}
