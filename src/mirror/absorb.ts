import type { PoolClient } from 'pg';
import { Failure } from '../domain/failure.ts';
import type { PersonKind } from '../domain/objects.ts';
import { identifier, raw, sql } from '../postgres/sql.ts';
import type { RunShape } from './run-shape.ts';

export interface AbsorbCounts {
  readonly records: number;
  readonly added: number;
  readonly changed: number;
  readonly gone: number;
  /** Rows without a well-formed id of their own: left out. */
  readonly refused: number;
  readonly [name: string]: number;
}

const column = (name: string): string => `s.${identifier(name).fragment}`;

/**
 * Takes a complete read of the persons of one kind from the stage into the mirror: new ones are added, rows whose content differs are changed and marked with the run, who is absent is
 * gone (R23). A second time changes nothing.
 */
export async function absorbPersons(tx: PoolClient, shape: RunShape, kind: PersonKind, runNo: number, stage: string): Promise<AbsorbCounts> {
  const values = raw(`array[${shape.persons[kind].map((_, index) => column(`a${index}`)).join(', ')}]::text[]`);
  const known = identifier(`pers_record_${kind}`);
  const { rows, refused, ids } = await counted(tx, stage);
  // One join tells who is new and who differs: on a quiet night nobody, and nothing more is read.
  const differing = await tx.query(sql`
    create temp table differing on commit drop as
    select r.rec, s.id as pers_id, s."accountId" as account_pers_id, ${values} as field_values
      from ${identifier(stage)} s left join ${known} r on r.pers_id = s.id
     where s.id is not null and (r.rec is null or (r.field_values, r.account_pers_id) is distinct from (${values}, s."accountId"))`);
  const added = await tx.query(sql`
    insert into pers_record (kind, pers_id, account_pers_id, field_values, changed_run)
    select ${kind}, pers_id, account_pers_id, field_values, ${runNo}::bigint from differing where rec is null`);
  const changed = (differing.rowCount ?? 0) - (added.rowCount ?? 0);
  if (changed > 0) {
    await tx.query(sql`analyze differing (rec)`);
    await tx.query(sql`
      update pers_record r set account_pers_id = d.account_pers_id, field_values = d.field_values, changed_run = ${runNo}
        from differing d where r.kind = ${kind} and r.rec = d.rec`);
  }
  if ((added.rowCount ?? 0) + changed > rows / 10) await tx.query(sql`analyze ${known} (rec, pers_id, account_pers_id, changed_run)`);
  await tx.query(sql`drop table differing`);
  const gone = await forgetAbsent(tx, kind, stage, ids);
  return { records: rows, added: added.rowCount ?? 0, changed, gone, refused };
}

/** Who is known is read, or gone. */
async function forgetAbsent(tx: PoolClient, kind: PersonKind, stage: string, ids: number): Promise<number> {
  const found = await tx.query<{ known: number }>(sql`select count(*) as known from ${identifier(`pers_record_${kind}`)}`);
  if (found.rows[0]?.known === ids) return 0;
  const gone = await tx.query(sql`
    delete from pers_record r where r.kind = ${kind} and not exists (select from ${identifier(stage)} s where s.id = r.pers_id)`);
  return gone.rowCount ?? 0;
}

async function counted(tx: PoolClient, stage: string): Promise<{ readonly rows: number; readonly refused: number; readonly ids: number }> {
  const found = await tx.query<{ rows: number; refused: number; ids: number }>(sql`
    select coalesce(sum(n), 0)::bigint as rows, coalesce(sum(n) filter (where id is null), 0)::bigint as refused, count(id) as ids
      from (select id, count(*) as n from ${identifier(stage)} group by id) s`);
  const { rows, refused, ids } = found.rows[0] ?? { rows: 0, refused: 0, ids: 0 };
  if (ids + refused !== rows)
    throw new Failure(`a read returned ${rows - refused - ids} rows twice`, {
      kind: 'permanent',
      code: 'ROWS_TWICE',
      remedy: 'run again: nothing was taken over',
    });
  return { rows, refused, ids };
}
