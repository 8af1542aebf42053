import type { PoolClient } from 'pg';
import { objectFacts } from '../../domain/objects.ts';
import type { ObjectType } from '../../domain/objects.ts';
import { raw, sql } from '../../postgres/sql.ts';
import { fieldNumbers } from './match-plan.ts';

/**
 * `merged (object, crm_id, master_id)`: the record that each merged record ended in, along the chain (R20). A chain that runs in a
 * circle ends nowhere: its records are not in it. Text of a recursive query to stand in `with recursive`.
 */
export function mergedSql(objects: readonly ObjectType[]): string {
  const steps = objects
    .map(
      (object) => `
      select '${object}'::text as object, crm_id, id18(normalised(master_id), '${objectFacts[object].idPrefix}') as next
        from crm_record_${object} where master_id is not null and ineligible = 'deleted'`,
    )
    .join(' union all ');
  return `
    merge_step as materialized (select * from (${steps}) s where next is not null),
    merge_path (object, crm_id, at, seen) as (
      select object, crm_id, next, array[crm_id] from merge_step
      union all
      select p.object, p.crm_id, s.next, p.seen || p.at from merge_path p join merge_step s on s.object = p.object and s.crm_id = p.at
       where p.at <> all(p.seen)),
    merged as materialized (
      select object, crm_id, at as master_id from merge_path p
       where p.at <> all(p.seen) and not exists (select from merge_step s where s.object = p.object and s.crm_id = p.at))`;
}

/**
 * Gives the ids of merged records to the record they ended in, and to contacts the ids of the leads that became them (R19, R20): keys marked `alias`, made
 * anew each time. Needs the mirror of all objects, hence done when a match begins. Only eligible records have keys.
 */
export async function refreshAliases(tx: PoolClient, object: ObjectType, leads: boolean): Promise<void> {
  const keys = raw(`crm_key_${object}`);
  const records = raw(`crm_record_${object}`);
  await tx.query(sql`delete from ${keys} where alias`);
  await tx.query(sql`
    with recursive ${raw(mergedSql([object]))}
    insert into ${keys} (object, field, value, rec, alias)
    select ${object}, ${fieldNumbers.id}::smallint, m.crm_id, r.rec, true
      from merged m join ${records} r on r.crm_id = m.master_id and r.ineligible is null`);
  if (object !== 'contact' || !leads) return;
  await tx.query(sql`
    with recursive ${raw(mergedSql(['contact', 'lead']))}, ${raw(convertedSql)}
    insert into ${keys} (object, field, value, rec, alias)
    select 'contact', ${fieldNumbers.converted}::smallint, c.lead_id, r.rec, true
      from converted c join ${records} r on r.crm_id = c.contact_id and r.ineligible is null`);
}

/** `converted (lead_id, contact_id)`: the contact that each converted lead became, mergers on either side followed. Stands after `mergedSql(['contact', 'lead'])`. */
export const convertedSql = `
    lead_contact as (
      select l.crm_id as lead_id, coalesce(m.master_id, d.contact_id) as contact_id
        from crm_record_lead l
        cross join lateral (select id18(normalised(l.converted_id), '003') as contact_id) d
        left join merged m on m.object = 'contact' and m.crm_id = d.contact_id
       where l.converted_id is not null and l.ineligible is not null and d.contact_id is not null),
    converted as (
      select lead_id, contact_id from lead_contact c where not exists (select from merged m where m.object = 'lead' and m.crm_id = c.lead_id)
      union all
      select m.crm_id, c.contact_id from merged m join lead_contact c on c.lead_id = m.master_id where m.object = 'lead')`;

/** Whether the run matched contacts as if there were no leads, and there are converted ones whose links and ids are a contact's (R19). */
export async function contactsMissConversions(tx: PoolClient, runNo: number): Promise<boolean> {
  const found = await tx.query(sql`
    select from match_count m where m.run_no = ${runNo} and m.object = 'contact' and not m.leads and m.counts is not null
       and exists (select from crm_record_lead l where l.converted_id is not null and l.ineligible is not null)`);
  return found.rowCount !== 0;
}
