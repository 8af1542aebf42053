import type { ObjectType } from '../domain/objects.ts';
import type { IntentOutcome } from '../domain/report.ts';
import type { DecisionKind } from '../ledger/decisions.ts';
import type { Queryable } from '../postgres/database.ts';
import { raw, sql } from '../postgres/sql.ts';

/** What is asked about: one record, or one person in its part as the counterpart of one object. */
export type Subject =
  | { readonly side: 'salesforce'; readonly object: ObjectType; readonly id: string }
  | { readonly side: 'personalization'; readonly object: ObjectType; readonly id: string };

export interface ExplainedLink {
  readonly object: ObjectType;
  readonly salesforceId: string;
  /** Null: of a person who is gone and was erased (R23). */
  readonly personalizationId: string | null;
  readonly subTier: string;
  readonly field: string | null;
  readonly attribute: string | null;
  readonly madeRun: string;
  readonly madeAt: string;
  /** Null: in force. `by ann@laptop` where a person ended it. */
  readonly endedRun: string | null;
  readonly endedAt: string | null;
  readonly endedReason: string | null;
}

export interface ExplainedDecision {
  readonly object: ObjectType;
  readonly salesforceId: string;
  readonly personalizationId: string | null;
  readonly kind: DecisionKind;
  /** The last one on its pair: the one that counts. */
  readonly counts: boolean;
  readonly by: string;
  readonly at: string;
  readonly note: string | null;
}

export interface ExplainedWrite {
  readonly run: string;
  readonly side: 'salesforce' | 'personalization';
  readonly object: string;
  readonly id: string;
  readonly field: string;
  readonly before: string | null;
  readonly after: string | null;
  readonly rule: string;
  readonly outcome: IntentOutcome | null;
  readonly code: string | null;
  readonly reason: string | null;
}

const iso = (column: string): string => `to_char(${column} at time zone 'UTC', 'YYYY-MM-DD"T"HH24:MI:SS.MS"Z"')`;

function mine({ side }: Subject): ReturnType<typeof raw> {
  return raw(side === 'salesforce' ? 'crm_id' : 'pers_id');
}

/** Every link that it ever had, in the order in which they were made. */
export async function linksOf(database: Queryable, subject: Subject): Promise<readonly ExplainedLink[]> {
  const { rows } = await database.query<ExplainedLink>(sql`
    select object, crm_id as "salesforceId", pers_id as "personalizationId", sub_tier as "subTier", crm_field as field, attribute, made_run as "madeRun",
      ${raw(iso('made_at'))} as "madeAt", ended_run as "endedRun", ${raw(iso('ended_at'))} as "endedAt", ended_reason as "endedReason"
      from link where object = ${subject.object} and ${mine(subject)} = ${subject.id} order by link_no`);
  return rows;
}

/** What people decided about it, oldest first. */
export async function decisionsOn(database: Queryable, subject: Subject): Promise<readonly ExplainedDecision[]> {
  const { rows } = await database.query<ExplainedDecision>(sql`
    select object, crm_id as "salesforceId", pers_id as "personalizationId", kind, decided_by as by, ${raw(iso('decided_at'))} as at, note,
      pers_id is not null and seq = max(seq) over (partition by crm_id, pers_id) as counts
      from decision where object = ${subject.object} and ${mine(subject)} = ${subject.id} order by seq`);
  return rows;
}

/** Write intents of these runs that are about it, whichever side they go to; newest run first. `rec`: its number in the mirror. */
export async function writesAbout(
  database: Queryable,
  { side, object }: Subject,
  rec: number,
  runs: readonly { readonly runNo: number }[],
): Promise<readonly ExplainedWrite[]> {
  const { rows } = await database.query<ExplainedWrite>(sql`
    select r.run, i.side, i.target_object as object, i.target_id as id, i.field, nullif(i.before, '') as before, nullif(i.after, '') as after, i.rule, i.outcome, i.code, i.reason
      from intent i join run r on r.run_no = i.run_no
     where i.run_no = any(${runs.map(({ runNo }) => runNo)}::bigint[]) and i.object = ${object} and ${raw(side === 'salesforce' ? 'i.crm' : 'i.pers')} = ${rec}
     order by i.run_no desc, i.side, i.field`);
  return rows;
}

/** What the sync wrote of a value, as far as it remembers. */
export interface Written {
  readonly field: string;
  readonly run: string;
  readonly at: string | null;
  readonly sent: string | null;
  /** What the org showed afterwards, if that is known (R25). */
  readonly seen?: string | null;
}

/**
 * What the sync wrote of a record or a person, with the run that wrote it last: as far as intents are kept, and of Salesforce also what the org turned into something else (R25), which
 * the ledger keeps for good.
 */
export async function writtenTo(
  database: Queryable,
  side: 'salesforce' | 'personalization',
  target: { readonly object: string; readonly id: string },
): Promise<readonly Written[]> {
  const { rows } = await database.query<Written & { known: boolean }>(sql`
    select distinct on (field) field, run, at, sent, seen, known from (
      select w.field, w.run, ${raw(iso('w.sent_at'))} as at, w.sent, w.seen, w.seen_known as known, r.run_no from written w left join run r on r.run = w.run
       where w.side = ${side} and w.object = ${target.object} and w.rec_id = ${target.id}
      union all
      select i.field, r.run, ${raw(iso('coalesce(r.finished_at, r.started_at)'))}, nullif(i.after, ''), null, false, i.run_no
        from intent i join run r on r.run_no = i.run_no
       where i.side = ${side} and i.target_object = ${target.object} and i.target_id = ${target.id} and i.outcome = 'applied') w
     -- Of one run the ledger's row says more.
     order by field, run_no desc nulls last, known desc`);
  return rows.map(({ known, seen = null, ...row }) => ({ ...row, ...(known ? { seen } : {}) }));
}
