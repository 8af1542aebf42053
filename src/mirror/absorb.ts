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
  await tx.query(sql`
    create temp table incoming on commit drop as
    select s.id as pers_id, s."accountId" as account_pers_id, ${values} as field_values from ${identifier(stage)} s`);
  await tx.query(sql`analyze incoming`);
  const changed = await tx.query(sql`
    update pers_record r set account_pers_id = i.account_pers_id, field_values = i.field_values, changed_run = ${runNo}
     from incoming i
    where r.kind = ${kind} and r.pers_id = i.pers_id
      and (r.field_values, r.account_pers_id) is distinct from (i.field_values, i.account_pers_id)`);
  const added = await tx.query(sql`
    insert into pers_record (kind, pers_id, account_pers_id, field_values, changed_run)
    select ${kind}, i.pers_id, i.account_pers_id, i.field_values, ${runNo}::bigint from incoming i
     where i.pers_id is not null and not exists (select from pers_record r where r.kind = ${kind} and r.pers_id = i.pers_id)`);
  const gone = await tx.query(sql`
    delete from pers_record r where r.kind = ${kind} and not exists (select from incoming i where i.pers_id = r.pers_id)`);
  return counted(tx, 'pers_id', changed.rowCount, added.rowCount, gone.rowCount);
}

async function counted(tx: PoolClient, id: string, changed: number | null, added: number | null, gone: number | null): Promise<AbsorbCounts> {
  const found = await tx.query<{ rows: number; refused: number; ids: number }>(sql`
    select count(*) as rows, count(*) filter (where ${identifier(id)} is null) as refused, count(distinct ${identifier(id)}) as ids from incoming`);
  const { rows, refused, ids } = found.rows[0] ?? { rows: 0, refused: 0, ids: 0 };
  if (ids + refused !== rows)
    throw new Failure(`a read returned ${rows - refused - ids} rows twice`, {
      kind: 'permanent',
      code: 'ROWS_TWICE',
      remedy: 'run again: nothing was taken over',
    });
  return { records: rows, added: added ?? 0, changed: changed ?? 0, gone: gone ?? 0, refused };
}
