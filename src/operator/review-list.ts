import type { Readable } from 'node:stream';
import { objectFacts, objectTypes } from '../domain/objects.ts';
import type { ObjectType } from '../domain/objects.ts';
import { copyCsv } from '../mirror/copy-out.ts';
import type { Database } from '../postgres/database.ts';
import { lastMatches } from './last-matches.ts';
import type { LastMatch } from './last-matches.ts';

/** Ids of a list joined by `;`, with a `\` before a `;` or `\` of an id: as in records.csv. */
const escapedId = String.raw`replace(replace(q.pers_id, '\', '\\'), ';', '\;')`;

/**
 * What people have to settle, and what they have settled (R13), as CSV with a header, streamed; sorted by kind, object and id:
 * - `ambiguous`, `conflicting`: records of each object's last match with their candidates; in sub-tier `link` several links met at one record (R20). `decision`: what
 *   was decided since on a pair of the record; the next run acts on it.
 * - `restingPin`: a pin that links nobody, with the `reason`: `recordUnknown`, `personUnknown`, `deleted`, `converted`, `personAccount`, `leadsOff`, `held` (R17).
 * - `pin`: one in force, or, reason `nextRun`, not seen by a run yet.
 * - `block`: a pair that is never a candidate; `decision` says by which of the two it came.
 */
export async function reviewCsv(database: Database): Promise<Readable> {
  const matches = await lastMatches(database);
  const parts = [noRows, ...matches.map(stoppedSql), ...objectTypes.map((object) => pinsSql(object, matches)), blocksSql];
  return copyCsv(
    database,
    `select kind, object, "salesforceId", "personalizationId", "subTier", decision, reason, "candidateCount", candidates, "decidedBy", "decidedAt", note
       from (${parts.join(' union all ')}) rows
      order by array_position(array['ambiguous', 'conflicting', 'restingPin', 'pin', 'block'], kind), object collate "C", "salesforceId" collate "C", "personalizationId" collate "C"`,
    { quoted: false },
  ).csv;
}

/** Names and types of the columns, whatever else there is. */
const noRows = `
    select null::text as kind, null::text as object, null::text as "salesforceId", null::text as "personalizationId", null::text as "subTier", null::text as decision,
      null::text as reason, 0::bigint as "candidateCount", null::text as candidates, null::text as "decidedBy", null::text as "decidedAt", null::text as note where false`;

/** Names and numbers of ours alone: COPY takes no parameters. */
function stoppedSql({ object, runNo, decisionSeq }: LastMatch): string {
  const { crmName, personKind } = objectFacts[object];
  return `
    select o.outcome as kind, '${crmName}' as object, r.crm_id as "salesforceId", null::text as "personalizationId", o.sub_tier as "subTier",
      d.kind as decision, null::text as reason, o.candidate_count as "candidateCount", c.ids as candidates, d.decided_by as "decidedBy", ${instant('d.decided_at')} as "decidedAt", d.note
      from crm_outcome o
      join crm_record r on r.object = '${object}' and r.rec = o.rec
      left join lateral (
        select string_agg(${escapedId}, ';' order by q.pers_id) as ids
          from unnest(o.candidates) k (rec) join pers_record q on q.kind = '${personKind}' and q.rec = k.rec) c on true
      left join lateral (
        select n.kind, n.decided_by, n.decided_at, n.note from decision n
         where n.object = '${object}' and n.crm_id = r.crm_id and n.seq > ${decisionSeq} order by n.seq desc limit 1) d on true
     where o.run_no = ${runNo} and o.object = '${object}' and o.outcome in ('ambiguous', 'conflicting')`;
}

function pinsSql(object: ObjectType, matches: readonly LastMatch[]): string {
  const { crmName, personKind } = objectFacts[object];
  const match = matches.find((each) => each.object === object);
  // Before an object has been matched, in an empty mirror, nothing is known against its pins.
  const unread = match === undefined ? (object === 'lead' ? "when true then 'leadsOff'" : 'when true then null') : '';
  const held =
    match === undefined
      ? 'null::text'
      : `(select o.outcome from crm_outcome o where o.run_no = ${match.runNo} and o.object = '${object}' and o.rec = r.rec and o.sub_tier = 'pin')`;
  return `
    select case when p.rests is null then 'pin' else 'restingPin' end, '${crmName}', p.crm_id, p.pers_id, null, 'pin',
      coalesce(p.rests, case when p.seq > ${match?.decisionSeq ?? 0} then 'nextRun' end), 0, null, p.decided_by, ${instant('p.decided_at')}, p.note
      from (
        select n.crm_id, n.pers_id, d.seq, d.decided_by, d.decided_at, d.note,
          case ${unread} when r.rec is null then 'recordUnknown' when r.ineligible is not null then r.ineligible when q.rec is null then 'personUnknown'
            when ${held} = 'suppressed' then 'held' end as rests
          from pin_now(9223372036854775807) n
          join lateral (select * from decision e where e.object = n.object and e.crm_id = n.crm_id and e.pers_id = n.pers_id order by e.seq desc limit 1) d on true
          left join crm_record r on r.object = '${object}' and r.crm_id = n.crm_id
          left join pers_record q on q.kind = '${personKind}' and q.pers_id = n.pers_id
         where n.object = '${object}') p`;
}

const blocksSql = `
    select 'block', case n.object ${objectTypes.map((object) => `when '${object}' then '${objectFacts[object].crmName}'`).join(' ')} end, n.crm_id, n.pers_id, null, n.kind, null, 0, null,
      d.decided_by, ${instant('d.decided_at')}, d.note
      from block_now(9223372036854775807) n
      join lateral (select * from decision e where e.object = n.object and e.crm_id = n.crm_id and e.pers_id = n.pers_id order by e.seq desc limit 1) d on true`;

function instant(column: string): string {
  return `to_char(${column} at time zone 'UTC', 'YYYY-MM-DD"T"HH24:MI:SS.MS"Z"')`;
}
