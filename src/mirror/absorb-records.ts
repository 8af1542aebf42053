import pg from 'pg';
import type { PoolClient } from 'pg';
import { Failure } from '../domain/failure.ts';
import { objectFacts } from '../domain/objects.ts';
import type { ObjectType } from '../domain/objects.ts';
import { identifier, raw, sql } from '../postgres/sql.ts';
import { withParallelQuery } from './parallel-query.ts';
import type { RunShape } from './run-shape.ts';

export interface AbsorbedRecords {
  readonly records: number;
  readonly added: number;
  readonly changed: number;
  readonly gone: number;
  /** Rows without a well-formed id of their own: left out. */
  readonly refused: number;
  /** Of a full read: changes that no window would have brought; 0 where there was none to compare with. */
  readonly missed: number;
  readonly [name: string]: number;
}

/**
 * `full`: everything that the org returns, so that what is not among it is gone; `windowFrom`: where a window would have begun, if one can be compared with.
 * `window`: what changed; a row that is older than what is held is not taken. `again`: the same, and a record may come more than once.
 */
export type Absorbed = { readonly kind: 'full'; readonly windowFrom: string | null } | { readonly kind: 'window' } | { readonly kind: 'again' };

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

const contentOf = (row: string): string =>
  `(${['field_values', 'ineligible', 'master_id', 'converted_id', 'account_id', 'person_account'].map((name) => `${row}.${name}`).join(', ')})`;

/**
 * Takes staged rows of one object into the mirror: new ones are added, those whose content differs are changed and marked with the run. Leaves them as the temporary table
 * `incoming` until the transaction ends. A second time changes nothing. Throws `ROWS_TWICE`.
 */
export async function absorbRecords(
  tx: PoolClient,
  shape: RunShape,
  object: ObjectType,
  runNo: number,
  stage: string,
  absorbed: Absorbed = { kind: 'full', windowFrom: null },
): Promise<AbsorbedRecords> {
  const rows = raw(`
    select id18(${column('Id')}, '${objectFacts[object].idPrefix}') as crm_id, canonical_value('datetime', ${column('SystemModstamp')}) as modstamp,
      ${ineligibleSql(shape, object)} as ineligible, ${identityColumn(shape, object, 'MasterRecordId', 'null::text')} as master_id,
      ${identityColumn(shape, object, 'ConvertedContactId', 'null::text')} as converted_id,
      ${identityColumn(shape, object, 'AccountId', 'null::text')} as account_id,
      ${identityColumn(shape, object, 'IsPersonAccount', "'false'")} is not distinct from 'true' as person_account,
      ${valuesSql(shape, object)} as field_values
    from ${identifier(stage).fragment} s`);
  await tx.query(sql`drop table if exists pg_temp.incoming`);
  const fill = (): Promise<unknown> => tx.query(sql`create temp table incoming on commit drop as ${rows}`);
  // Of two states of a record with one stamp the one that was read later counts: several processes would mix their order.
  await (absorbed.kind === 'full' ? withParallelQuery(tx, fill) : fill());
  await tx.query(sql`analyze incoming (crm_id, modstamp)`);
  const found = await countIncoming(tx, absorbed);
  if (absorbed.kind !== 'full') await keepNewest(tx);
  const missed = absorbed.kind === 'full' && absorbed.windowFrom !== null ? await countMissed(tx, shape, object, absorbed.windowFrom) : 0;
  const notOlder = raw(absorbed.kind === 'full' ? '' : `and i.modstamp collate "C" >= coalesce(r.modstamp, '') collate "C"`);
  const changed = await tx.query(sql`
    update crm_record r set modstamp = i.modstamp, ineligible = i.ineligible, master_id = i.master_id, converted_id = i.converted_id,
      account_id = i.account_id, person_account = i.person_account, field_values = i.field_values, changed_run = ${runNo}
     from incoming i
    where r.object = ${object} and r.crm_id = i.crm_id ${notOlder} and ${raw(contentOf('r'))} is distinct from ${raw(contentOf('i'))}`);
  // The same content with a later stamp: a row between the two that comes late is older all the same.
  if (absorbed.kind !== 'full')
    await tx.query(sql`
      update crm_record r set modstamp = i.modstamp from incoming i where r.object = ${object} and r.crm_id = i.crm_id and i.modstamp collate "C" > r.modstamp collate "C"`);
  const added = await tx.query(sql`
    insert into crm_record (object, crm_id, modstamp, ineligible, master_id, converted_id, account_id, person_account, field_values, changed_run)
    select ${object}, i.crm_id, i.modstamp, i.ineligible, i.master_id, i.converted_id, i.account_id, i.person_account, i.field_values, ${runNo}::bigint
      from incoming i
     where i.crm_id is not null and not exists (select from crm_record r where r.object = ${object} and r.crm_id = i.crm_id)`);
  const gone =
    absorbed.kind === 'full'
      ? await tx.query(sql`
          delete from crm_record r where r.object = ${object} and not exists (select from incoming i where i.crm_id = r.crm_id)`)
      : { rowCount: 0 };
  return { ...found, added: added.rowCount ?? 0, changed: changed.rowCount ?? 0, gone: gone.rowCount ?? 0, missed };
}

/** A read in which a row came twice and another one may be missing is not taken. */
async function countIncoming(tx: PoolClient, { kind }: Absorbed): Promise<{ readonly records: number; readonly refused: number }> {
  const told = raw(kind === 'window' ? '(crm_id, modstamp)' : 'crm_id');
  const found = await tx.query<{ rows: number; refused: number; told: number }>(sql`
    select count(*) as rows, count(*) filter (where crm_id is null) as refused, count(distinct ${told}) filter (where crm_id is not null) as told from incoming`);
  const { rows, refused, told: distinct } = found.rows[0] ?? { rows: 0, refused: 0, told: 0 };
  if (kind !== 'again' && distinct + refused !== rows)
    throw new Failure(`a read returned ${rows - refused - distinct} rows twice`, {
      kind: 'permanent',
      code: 'ROWS_TWICE',
      remedy: 'run again: nothing was taken over',
    });
  return { records: rows, refused };
}

/** A record that was saved while it was read can come in both its states. */
async function keepNewest(tx: PoolClient): Promise<void> {
  await tx.query(sql`
    delete from incoming i using (
      select ctid as place, row_number() over (partition by crm_id order by modstamp collate "C" desc, ctid desc) as nth from incoming where crm_id is not null) n
     where n.nth > 1 and i.ctid = n.place`);
}

/**
 * What differs although it changed before the next window would have begun, formulas aside; what is gone although neither the log of deletions named it
 * nor the recycle bin had it.
 */
async function countMissed(tx: PoolClient, shape: RunShape, object: ObjectType, windowFrom: string): Promise<number> {
  const plain = shape.crm[object].flatMap(({ calculated }, at) => (calculated ? [] : [at + 1]));
  const contentBut = (row: string): string =>
    `(array[${plain.map((at) => `${row}.field_values[${at}]`).join(', ')}]::text[], ${['ineligible', 'master_id', 'converted_id', 'account_id', 'person_account'].map((name) => `${row}.${name}`).join(', ')})`;
  const found = await tx.query<{ changed: number; gone: number }>(sql`
    select (select count(*) from incoming i left join crm_record r on r.object = ${object} and r.crm_id = i.crm_id
             where i.crm_id is not null and i.modstamp collate "C" < canonical_value('datetime', ${windowFrom}) collate "C"
               and (r.crm_id is null or (${raw(contentOf('r'))} is distinct from ${raw(contentOf('i'))} and ${raw(contentBut('r'))} is distinct from ${raw(contentBut('i'))}))) as changed,
           (select count(*) from crm_record r
             where r.object = ${object} and r.ineligible is distinct from 'deleted' and not exists (select from incoming i where i.crm_id = r.crm_id)
               and not exists (select from look_up l where l.object = ${object} and l.named_by = 'log' and l.crm_id = r.crm_id)) as gone`);
  const { changed, gone } = found.rows[0] ?? { changed: 0, gone: 0 };
  return changed + gone;
}

/**
 * Names what the rows just taken point to and no window need bring: the master of a merged record, the contact that a lead became, the contacts of an account that others were
 * merged into, whose new AccountId moves no stamp. Of rows since `since` (an ISO instant): what they named before is known.
 */
export async function nameFollowers(tx: PoolClient, object: ObjectType, since: string): Promise<void> {
  const recent = raw(`modstamp collate "C" >= canonical_value('datetime', ${pg.escapeLiteral(since)}) collate "C"`);
  const masters = raw(
    `(select id18(normalised(master_id), '${objectFacts[object].idPrefix}') as id from incoming where ineligible = 'deleted' and master_id is not null and ${recent.fragment})`,
  );
  await tx.query(sql`
    insert into look_up (object, named_by, crm_id)
    select distinct ${object}, 'identity', m.id from ${masters} m where m.id is not null and not exists (select from incoming i where i.crm_id = m.id)
    on conflict do nothing`);
  if (object === 'lead')
    await tx.query(sql`
      insert into look_up (object, named_by, crm_id)
      select distinct 'contact', 'identity', c.id from (select id18(normalised(converted_id), '003') as id from incoming where converted_id is not null and ${recent}) c
       where c.id is not null
      on conflict do nothing`);
  if (object === 'account')
    await tx.query(sql`
      insert into look_up (object, named_by, crm_id)
      select distinct 'contact', 'account', m.id from ${masters} m where m.id is not null
      on conflict do nothing`);
}
