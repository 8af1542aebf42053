import type { Queryable } from '../postgres/database.ts';
import { sql } from '../postgres/sql.ts';

/** Intents of Salesforce that were sent in one part of a run: what `written` is made of. */
export interface SentPart {
  readonly run: string;
  readonly runNo: number;
  readonly object: string;
  /** The `part` of the intents. */
  readonly chunk: number;
}

/** R25: what was sent, of the part's confirmed writes to these records; null: to all. What the org made of it is not known yet. */
export async function noteSent(tx: Queryable, sent: SentPart, ids: readonly string[] | null): Promise<void> {
  await tx.query(sql`
    insert into written (side, object, rec_id, field, sent, seen, seen_known, sent_at, run)
    select 'salesforce', target_object, target_id, field, after, null, false, now(), ${sent.run} from intent
     where run_no = ${sent.runNo} and side = 'salesforce' and object = ${sent.object} and part = ${sent.chunk} and outcome = 'applied'
       and (${ids}::text[] is null or target_id = any(${ids}::text[]))
     order by target_id, field
    on conflict (side, object, rec_id, field) do update
      set sent = excluded.sent, seen = null, seen_known = false, sent_at = excluded.sent_at, run = excluded.run`);
}

/** Ids, in order, of the part's records that were written and not read back yet. */
export async function notSeenYet(database: Queryable, sent: SentPart): Promise<readonly string[]> {
  // Each is looked up by its key: outcomes are younger than the statistics, and the planner would read all that was ever written.
  const { rows } = await database.query<{ ids: readonly string[] | null }>(sql`
    select array_agg(distinct i.target_id) as ids from intent_set i
     cross join lateral (
       select from written w
        where w.side = 'salesforce' and w.object = i.target_object and w.rec_id = i.target_id and w.run = ${sent.run} and not w.seen_known
        limit 1) w
     where i.run_no = ${sent.runNo} and i.side = 'salesforce' and i.object = ${sent.object} and i.part = ${sent.chunk} and i.outcome = 'applied'`);
  return rows[0]?.ids ?? [];
}

/** What the org shows of what a run sent to one field of these records; others are left as they are. */
export async function noteSeen(
  tx: Queryable,
  run: string,
  object: string,
  field: string,
  ids: readonly string[],
  texts: readonly (string | null)[],
): Promise<void> {
  await tx.query(sql`
    update written w set seen = s.value, seen_known = true
      from (
        select found.place, sent.value from unnest(${ids}::text[], ${texts}::text[]) as sent(id, value)
         -- Each is looked up by its key: what a run has just written has no statistics, and the planner would read all of it for every batch.
         cross join lateral (
           select f.ctid as place from written f
            where f.side = 'salesforce' and f.object = ${object} and f.rec_id = sent.id and f.field = ${field} and f.run = ${run} offset 0) found
      ) s
     where w.ctid = s.place`);
}
