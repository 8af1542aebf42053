import type { PoolClient } from 'pg';
import { Failure } from '../domain/failure.ts';
import { objectFacts } from '../domain/objects.ts';
import type { ObjectType, PersonKind } from '../domain/objects.ts';
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

/** Types whose text is made canonical (R6); every other type is text and stays as it is. */
const canonicalTypes: ReadonlySet<string> = new Set(['boolean', 'int', 'long', 'double', 'currency', 'percent', 'date', 'datetime']);

/** An id of a row that another sync or an import could have spelled with 15 characters. */
function identityColumn(shape: RunShape, object: ObjectType, field: string, otherwise: string): string {
  return shape.identityFields[object].includes(field) ? column(field) : otherwise;
}

/** The first reason that holds (R26): deleted, converted, personAccount (for accounts alone). */
function ineligibleSql(shape: RunShape, object: ObjectType): string {
  const is = (field: string): string => `${identityColumn(shape, object, field, "'false'")} = 'true'`;
  const reasons = [`when ${is('IsDeleted')} then 'deleted'`];
  if (object === 'lead') reasons.push(`when ${is('IsConverted')} then 'converted'`);
  if (object === 'account') reasons.push(`when ${is('IsPersonAccount')} then 'personAccount'`);
  return `case ${reasons.join(' ')} end`;
}

function valuesSql(shape: RunShape, object: ObjectType): string {
  const values = shape.crm[object].map((field) =>
    canonicalTypes.has(field.type) ? `canonical_value('${field.type}', ${column(field.name)})` : column(field.name),
  );
  return `array[${values.join(', ')}]::text[]`;
}

/**
 * Takes a complete read of one object from the stage into the mirror: new rows are added, rows whose content differs are changed and marked
 * with the run, rows that the org no longer returns, recycle bin included, are forgotten. A second time changes nothing.
 */
export async function absorbRecords(tx: PoolClient, shape: RunShape, object: ObjectType, runNo: number, stage: string): Promise<AbsorbCounts> {
  const rows = raw(`
    select id18(${column('Id')}, '${objectFacts[object].idPrefix}') as crm_id, ${column('SystemModstamp')} as modstamp,
      ${ineligibleSql(shape, object)} as ineligible, ${identityColumn(shape, object, 'MasterRecordId', 'null::text')} as master_id,
      ${identityColumn(shape, object, 'ConvertedContactId', 'null::text')} as converted_id,
      ${identityColumn(shape, object, 'AccountId', 'null::text')} as account_id,
      ${identityColumn(shape, object, 'IsPersonAccount', "'false'")} is not distinct from 'true' as person_account,
      ${valuesSql(shape, object)} as field_values
    from ${identifier(stage).fragment} s`);
  await tx.query(sql`create temp table incoming on commit drop as ${rows}`);
  await tx.query(sql`analyze incoming`);
  const changed = await tx.query(sql`
    update crm_record r set modstamp = i.modstamp, ineligible = i.ineligible, master_id = i.master_id, converted_id = i.converted_id,
      account_id = i.account_id, person_account = i.person_account, field_values = i.field_values, changed_run = ${runNo}
     from incoming i
    where r.object = ${object} and r.crm_id = i.crm_id
      and (r.field_values, r.ineligible, r.master_id, r.converted_id, r.account_id, r.person_account)
        is distinct from (i.field_values, i.ineligible, i.master_id, i.converted_id, i.account_id, i.person_account)`);
  const added = await tx.query(sql`
    insert into crm_record (object, crm_id, modstamp, ineligible, master_id, converted_id, account_id, person_account, field_values, changed_run)
    select ${object}, i.crm_id, i.modstamp, i.ineligible, i.master_id, i.converted_id, i.account_id, i.person_account, i.field_values, ${runNo}::bigint
      from incoming i
     where i.crm_id is not null and not exists (select from crm_record r where r.object = ${object} and r.crm_id = i.crm_id)`);
  const gone = await tx.query(sql`
    delete from crm_record r where r.object = ${object} and not exists (select from incoming i where i.crm_id = r.crm_id)`);
  return counted(tx, 'crm_id', changed.rowCount, added.rowCount, gone.rowCount);
}

/** The same for the persons of one kind: complete reads only, so that who is absent is gone (R23). */
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
    throw new Failure(`a read returned ${rows - refused - ids} rows twice`, { kind: 'permanent', code: 'ROWS_TWICE', remedy: 'run again: nothing was taken over' });
  return { records: rows, added: added ?? 0, changed: changed ?? 0, gone: gone ?? 0, refused };
}
