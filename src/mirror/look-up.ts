import type { PoolClient } from 'pg';
import type { ObjectType } from '../domain/objects.ts';
import type { Queryable } from '../postgres/database.ts';
import { identifier, sql } from '../postgres/sql.ts';

/** `log`, `bin`: the record may have left the org. `identity`: a merge or conversion names it. `account`: an account, whose contacts are meant. */
export type NamedBy = 'log' | 'bin' | 'identity' | 'account';

/** Names records to be looked at. The log and the bin name only what the mirror knows: of others there is nothing to be undone. Repeated, nothing changes. */
export async function nameForLookUp(tx: PoolClient, object: ObjectType, namedBy: NamedBy, ids: readonly string[]): Promise<void> {
  if (ids.length === 0) return;
  const known = namedBy === 'log' || namedBy === 'bin';
  await tx.query(sql`
    insert into look_up (object, named_by, crm_id)
    select ${object}, ${namedBy}, n.id from unnest(${ids}::text[]) n(id)
     where not ${known} or exists (select from ${identifier(`crm_record_${object}`)} r where r.crm_id = n.id)
    on conflict do nothing`);
}

export async function namedIds(tx: Queryable, object: ObjectType): Promise<readonly { readonly id: string; readonly namedBy: NamedBy }[]> {
  const found = await tx.query<{ id: string; namedBy: NamedBy }>(sql`
    select crm_id as id, named_by as "namedBy" from look_up where object = ${object} order by named_by, crm_id`);
  return found.rows;
}

/** Records that a merge or a conversion names and that this run read anyway need not be read again. */
export async function forgetFresh(tx: PoolClient, runNo: number, object: ObjectType): Promise<void> {
  await tx.query(sql`
    delete from look_up l using ${identifier(`crm_record_${object}`)} r, object_read o
     where l.object = ${object} and l.named_by = 'identity' and r.crm_id = l.crm_id and o.run_no = ${runNo} and o.object = ${object} and o.state = 'taken'
       and (o.mode = 'full' or (r.modstamp::timestamptz >= o.window_from and r.modstamp::timestamptz < o.covered_to))`);
}

export async function forgetNamed(tx: PoolClient, object: ObjectType): Promise<void> {
  await tx.query(sql`delete from look_up where object = ${object}`);
}

/** What the recycle bin may hold no longer: records that the mirror has as deleted. */
export async function knownDeleted(tx: Queryable, object: ObjectType): Promise<ReadonlySet<string>> {
  const found = await tx.query<{ id: string }>(sql`select crm_id as id from ${identifier(`crm_record_${object}`)} where ineligible = 'deleted'`);
  return new Set(found.rows.map(({ id }) => id));
}

/** Records that the org returns no more, the recycle bin included (R26), leave the mirror; their links become tombstones (R21). Returns how many there were. */
export async function forgetRecords(tx: PoolClient, object: ObjectType, ids: readonly string[]): Promise<number> {
  if (ids.length === 0) return 0;
  const gone = await tx.query(sql`delete from crm_record where object = ${object} and crm_id = any(${ids})`);
  return gone.rowCount ?? 0;
}
