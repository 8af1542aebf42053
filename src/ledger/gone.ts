import type { PoolClient } from 'pg';
import { objectFacts, objectTypes } from '../domain/objects.ts';
import type { ObjectType, PersonKind } from '../domain/objects.ts';
import { raw, sql } from '../postgres/sql.ts';
import type { OpenRun } from './runs.ts';

/** How many are gone, and how many there were when a run last became real. */
export interface Gone {
  readonly owner: string;
  readonly gone: number;
  readonly known: number;
}

export const personKinds = ['user', 'account'] as const satisfies readonly PersonKind[];

export const objectsOfKind = (kind: PersonKind): readonly ObjectType[] => objectTypes.filter((object) => objectFacts[object].personKind === kind);

/** Kinds of persons whose read was complete in this run: who is absent from it is gone (R23). */
export async function kindsRead(tx: PoolClient, { runNo }: Pick<OpenRun, 'runNo'>): Promise<readonly PersonKind[]> {
  const { rows } = await tx.query<{ object: string }>(sql`
    select object from step_ledger where run_no = ${runNo} and step = 'fetch.absorb' and object in ('users', 'accounts')`);
  return personKinds.filter((kind) => rows.some(({ object }) => object === `${kind}s`));
}

/**
 * After a mirror was made anew nobody has left it, but somebody may have gone meanwhile: whom the ledger names and a complete read does not is listed as gone
 * as well. A second time adds nothing.
 */
export async function listGoneOfLedger(tx: PoolClient, run: Pick<OpenRun, 'runNo'>): Promise<void> {
  for (const kind of await kindsRead(tx, run)) {
    const older = await tx.query(sql`select from pers_record where kind = ${kind} and changed_run < ${run.runNo} limit 1`);
    if (older.rowCount !== 0) continue;
    const objects = objectsOfKind(kind);
    await tx.query(sql`
      insert into gone_person (kind, rec, pers_id)
      select ${kind}, least(0, (select min(rec) from gone_person)) - row_number() over (), pers_id
        from (select pers_id from link where object = any(${objects}) and pers_id is not null
              union select pers_id from decision where object = any(${objects}) and pers_id is not null) named
       where not exists (select from pers_record p where p.kind = ${kind} and p.pers_id = named.pers_id)
         and not exists (select from gone_person g where g.kind = ${kind} and g.pers_id = named.pers_id)`);
  }
}

/** Those listed as gone that are not there again. SQL text of a query of `kind, pers_id, rec`. */
export const goneNowSql = `
  select g.kind, g.pers_id, g.rec from gone_person g where not exists (select from pers_record p where p.kind = g.kind and p.pers_id = g.pers_id)`;

/** Persons of the kinds that were read completely. */
export async function personsGone(tx: PoolClient, run: Pick<OpenRun, 'runNo'>): Promise<readonly Gone[]> {
  const kinds = await kindsRead(tx, run);
  const { rows } = await tx.query<Gone>(sql`
    select g.kind as owner, count(distinct g.pers_id) as gone,
      coalesce((select known from known k where k.side = 'pers' and k.owner = g.kind),
        count(distinct g.pers_id) + (select count(*) from pers_record p where p.kind = g.kind)) as known
      from (${raw(goneNowSql)}) g where g.kind = any(${kinds}) group by g.kind order by g.kind`);
  return rows;
}

/** Records that were there and are deleted now, or not returned any more. */
export async function recordsGone(tx: PoolClient, objects: readonly ObjectType[]): Promise<readonly Gone[]> {
  const { rows } = await tx.query<Gone>(sql`
    select g.object as owner, count(*) as gone,
      coalesce((select known from known k where k.side = 'crm' and k.owner = g.object),
        count(*) + (select count(*) from crm_record c where c.object = g.object and c.ineligible is distinct from 'deleted')) as known
      from (select distinct object, crm_id from gone_record) g
     where g.object = any(${objects})
       and not exists (select from crm_record c where c.object = g.object and c.crm_id = g.crm_id and c.ineligible is distinct from 'deleted')
     group by g.object order by g.object`);
  return rows;
}

/** What guards of later runs compare with: persons of the kinds that were read, records of the objects that were matched, as they are now. In the transaction that makes the links real. */
export async function noteKnown(tx: PoolClient, run: Pick<OpenRun, 'runNo'>): Promise<void> {
  const kinds = await kindsRead(tx, run);
  await tx.query(sql`
    insert into known (side, owner, known)
    select 'pers', k.kind, (select count(*) from pers_record p where p.kind = k.kind) from unnest(${kinds}::text[]) as k(kind)
    on conflict (side, owner) do update set known = excluded.known`);
  await tx.query(sql`
    insert into known (side, owner, known)
    select 'crm', m.object, (select count(*) from crm_record c where c.object = m.object and c.ineligible is distinct from 'deleted')
      from match_count m where m.run_no = ${run.runNo} and m.complete and m.counts is not null
    on conflict (side, owner) do update set known = excluded.known`);
  await tx.query(sql`
    delete from gone_record g using match_count m where m.run_no = ${run.runNo} and m.complete and m.counts is not null and m.object = g.object`);
}
