import type { PoolClient } from 'pg';
import { Failure } from '../domain/failure.ts';
import { bind } from '../ledger/binding.ts';
import { lockDecisions } from '../ledger/decisions.ts';
import { sql } from '../postgres/sql.ts';
import { invalid, readLinksFile } from './links-read.ts';

export interface ImportedLinks {
  /** Links in force that were not there. */
  readonly links: number;
  /** Links in force that were there already. */
  readonly known: number;
  /** Ended links: history. */
  readonly ended: number;
  readonly decisions: number;
  /** Values that the org changed on saving, of which nothing was known here (R25). */
  readonly written: number;
}

/** Conflicts that are listed. */
const conflictsShown = 20;

/**
 * Restores what `links export` saved, all of it or nothing, in the caller's transaction, which keeps runs out (R5). What the ledger has already stays as it is; what contradicts it
 * is refused: an open link of one of the two with somebody else, a pair that is blocked here, decisions on one pair that went different ways, a second pin (R13). A ledger that is not
 * bound yet is bound to the file's org and store. A repeat changes nothing.
 * @throws Failure `OTHER_ORG`, `OTHER_STORE`, `FILE_UNREADABLE`, `FILE_INVALID`, `IMPORT_CONFLICTS`
 */
export async function importLinks(tx: PoolClient, file: string): Promise<ImportedLinks> {
  await lockDecisions(tx);
  const { org, store } = await readLinksFile(tx, file);
  if (org !== null) await bind(tx, 'salesforce', org, `the file ${file} is of`);
  if (store !== null) await bind(tx, 'personalization', store, `the file ${file} is of`);
  await tx.query(sql`analyze in_link`);
  await tx.query(sql`analyze in_decision`);
  await refuseTwice(tx, file);
  const conflicts = [...(await linkConflicts(tx)), ...(await decisionConflicts(tx))];
  if (conflicts.length === 0) {
    const decisions = await addDecisions(tx);
    conflicts.push(...(await pinConflicts(tx)));
    if (conflicts.length === 0) return { ...(await addLinks(tx)), decisions, written: await addWritten(tx) };
  }
  const shown = conflicts.slice(0, conflictsShown);
  const more = conflicts.length > shown.length ? `\n  and ${conflicts.length - shown.length} more` : '';
  throw new Failure(
    `${file} contradicts the ledger in ${conflicts.length} ${conflicts.length === 1 ? 'place' : 'places'}:\n  ${shown.join('\n  ')}${more}`,
    {
      kind: 'permanent',
      code: 'IMPORT_CONFLICTS',
      remedy:
        'Nothing was imported. End what stands in the way (crm-sync review unlink, unpin, unblock; crm-sync links reset), or take the lines out and correct the counts of the last one.',
    },
  );
}

/** R9: one to one within the file as well. */
async function refuseTwice(tx: PoolClient, file: string): Promise<void> {
  const { rows } = await tx.query<{ line: number; earlier: number; what: string }>(sql`
    select line, earlier, what from (
      select line, lag(line) over (partition by object, crm_id order by line) as earlier, 'record' as what from in_link where ended_run is null
      union all
      select line, lag(line) over (partition by object, pers_id order by line), 'person' from in_link where ended_run is null) open
     where earlier is not null order by line limit 20`);
  if (rows.length > 0)
    throw invalid(
      file,
      rows.map(({ line, earlier, what }) => `line ${line}: links a ${what} that line ${earlier} links`),
    );
}

async function linkConflicts(tx: PoolClient): Promise<string[]> {
  const taken = await tx.query<Conflict & { here_crm: string; here_pers: string }>(sql`
    select i.line, i.object, i.crm_id, i.pers_id, l.crm_id as here_crm, l.pers_id as here_pers
      from in_link i join link l on l.object = i.object and l.crm_id = i.crm_id and l.pers_id <> i.pers_id and l.ended_run is null
     where i.ended_run is null
    union all
    select i.line, i.object, i.crm_id, i.pers_id, l.crm_id, l.pers_id
      from in_link i join link l on l.object = i.object and l.pers_id = i.pers_id and l.crm_id <> i.crm_id and l.ended_run is null
     where i.ended_run is null
     order by line, here_crm`);
  const blocked = await tx.query<Conflict>(sql`
    select i.line, i.object, i.crm_id, i.pers_id from in_link i join block_now(9223372036854775807) b using (object, crm_id, pers_id)
     where i.ended_run is null and not exists (select from link l where l.object = i.object and l.crm_id = i.crm_id and l.pers_id = i.pers_id and l.ended_run is null)
     order by i.line`);
  return [
    ...taken.rows.map((row) => `${at(row)}: linked here: ${row.here_crm} and ${row.here_pers}`),
    ...blocked.rows.map((row) => `${at(row)}: linked in the file, blocked here`),
  ];
}

/** Of each pair the file, or the ledger, may know more of one history; each knowing what the other does not is a conflict, unless both came to the same. */
async function decisionConflicts(tx: PoolClient): Promise<string[]> {
  const { rows } = await tx.query<Conflict & { there: string; here: string }>(sql`
    with file_state as (select distinct on (object, crm_id, pers_id) object, crm_id, pers_id, kind, line from in_decision order by object, crm_id, pers_id, line desc)
    select f.line, f.object, f.crm_id, f.pers_id, f.kind as there, s.kind as here
      from file_state f join pair_state(9223372036854775807) s using (object, crm_id, pers_id)
     where s.kind <> f.kind
       and exists (select from in_decision i where (i.object, i.crm_id, i.pers_id) = (f.object, f.crm_id, f.pers_id) and not exists (
             select from decision d where (d.object, d.crm_id, d.pers_id, d.kind, d.decided_at) = (i.object, i.crm_id, i.pers_id, i.kind, i.decided_at)))
       and exists (select from decision d where (d.object, d.crm_id, d.pers_id) = (f.object, f.crm_id, f.pers_id) and not exists (
             select from in_decision i where (d.object, d.crm_id, d.pers_id, d.kind, d.decided_at) = (i.object, i.crm_id, i.pers_id, i.kind, i.decided_at)))
     order by f.line`);
  return rows.map((row) => `${at(row)}: ${row.there} in the file, ${row.here} here`);
}

async function addDecisions(tx: PoolClient): Promise<number> {
  const added = await tx.query(sql`
    insert into decision (object, crm_id, pers_id, kind, decided_by, decided_at, note)
    select object, crm_id, pers_id, kind, decided_by, decided_at, note from in_decision i
     where not exists (select from decision d where (d.object, d.crm_id, d.pers_id, d.kind, d.decided_at) = (i.object, i.crm_id, i.pers_id, i.kind, i.decided_at))
       -- Both came to the same, each in its way: the ledger's history stays.
       and not exists (select from decision d where (d.object, d.crm_id, d.pers_id) = (i.object, i.crm_id, i.pers_id) and not exists (
             select from in_decision o where (d.object, d.crm_id, d.pers_id, d.kind, d.decided_at) = (o.object, o.crm_id, o.pers_id, o.kind, o.decided_at)))
     order by line`);
  return added.rowCount ?? 0;
}

async function pinConflicts(tx: PoolClient): Promise<string[]> {
  const { rows } = await tx.query<{ pairs: string[] }>(sql`
    with pins as materialized (select * from pin_now(9223372036854775807))
    select array_agg(crm_id || ' and ' || pers_id order by crm_id, pers_id) as pairs from pins group by object, crm_id having count(*) > 1
    union all
    select array_agg(crm_id || ' and ' || pers_id order by crm_id, pers_id) from pins group by object, pers_id having count(*) > 1`);
  return rows.map(({ pairs }) => `pins are one to one (R13): ${pairs.join('; ')}`);
}

async function addLinks(tx: PoolClient): Promise<Pick<ImportedLinks, 'links' | 'known' | 'ended'>> {
  const known = await tx.query<{ known: number }>(sql`
    select count(*) as known from in_link i join link l using (object, crm_id, pers_id) where i.ended_run is null and l.ended_run is null`);
  // A tombstone is the last that there was of a record (R21): not one that joins a history which went on.
  const added = await tx.query<{ open: boolean }>(sql`
    insert into link (object, crm_id, pers_id, sub_tier, crm_field, attribute, made_run, made_at, ended_run, ended_at, ended_reason, heir_id)
    select object, crm_id, pers_id, sub_tier, crm_field, attribute, made_run, made_at, ended_run, ended_at,
      case when ended_reason = 'deleted' and exists (select from link n where n.object = i.object and n.crm_id = i.crm_id) then 'replaced' else ended_reason end, heir_id
      from in_link i
     where not exists (select from link l where l.object = i.object and l.crm_id = i.crm_id and l.pers_id = i.pers_id
             and (l.ended_run is null or (i.ended_run is not null and l.made_at = i.made_at and l.ended_at = i.ended_at)))
     order by line
    returning ended_run is null as open`);
  await tx.query(sql`analyze link`);
  const open = added.rows.filter((row) => row.open).length;
  return { links: open, known: known.rows[0]?.known ?? 0, ended: added.rows.length - open };
}

/** R25: a field that was written here since is known better here. */
async function addWritten(tx: PoolClient): Promise<number> {
  const added = await tx.query(sql`
    insert into written (side, object, rec_id, field, sent, seen, seen_known, sent_at, run)
    select distinct on (object, rec_id, field) 'salesforce', object, rec_id, field, sent, seen, true, sent_at, run from in_written order by object, rec_id, field, sent_at desc
    on conflict (side, object, rec_id, field) do nothing`);
  return added.rowCount ?? 0;
}

interface Conflict {
  readonly line: number;
  readonly object: string;
  readonly crm_id: string;
  readonly pers_id: string;
}

function at({ line, object, crm_id: crmId, pers_id: persId }: Conflict): string {
  return `line ${line}: ${object} ${crmId} and ${persId}`;
}
