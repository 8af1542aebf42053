import { createHash } from 'node:crypto';
import type { PoolClient } from 'pg';
import type { ObjectType } from '../../domain/objects.ts';
import { identifier, raw, sql } from '../../postgres/sql.ts';
import type { RunShape } from '../run-shape.ts';
import { matchPlan } from './match-plan.ts';
import type { AttributeSource, MatchPlan, PlannedField } from './match-plan.ts';

/** Whose keys: of an object's records, or of the persons that it is matched to. */
export const keySides = ['crm', 'pers'] as const;
export type KeySide = (typeof keySides)[number];

export interface KeyCounts {
  /** Keys that were made, of all rows or of those that changed. */
  readonly keys: number;
  /** Persons whose id attribute is not blank and no Salesforce id of the object (R8); 0 for records. */
  readonly malformedIds: number;
  readonly [name: string]: number;
}

/** Changed keys from which on the planner is told. */
const keysWorthStatistics = 20_000;

/**
 * Brings the match keys of one side of an object up to date with the mirror (R6, R7, R8), after both sides have been absorbed. All are made anew where the settings make other keys than those that are there.
 * Keys of ids that were merged or converted are not made here but when a match begins (`aliases.ts`). Called again it makes the same keys; sides do not wait for each other.
 */
export async function refreshKeys(tx: PoolClient, shape: RunShape, object: ObjectType, side: KeySide, runNo: number): Promise<KeyCounts> {
  const plan = matchPlan(shape, object, true);
  const planHash = hashOf(plan, shape.settings.ignoreValues);
  const found = await tx.query<KeyState>(
    sql`select run_no, plan_hash, forgotten_no, malformed_ids from key_state where object = ${object} and side = ${side}`,
  );
  const state = found.rows[0];
  const since = state === undefined || state.plan_hash !== planHash ? null : { last: state.run_no, forgotten: state.forgotten_no, runNo };
  const table = identifier(keyTable(side, plan));

  if (since === null) await tx.query(sql`truncate ${table}`);
  for (const { number } of plan.fields)
    await tx.query(sql`
      create table if not exists ${identifier(`${keyTable(side, plan)}_f${number}`)} partition of ${table} for values in (${raw(String(number))})`);
  const changed = await (since === null
    ? makeAllKeys(tx, plan, side, shape.settings.ignoreValues)
    : makeChangedKeys(tx, plan, side, since, shape.settings.ignoreValues));
  // A few keys among many change no plan, and the statistics of all fields take longer than the keys.
  if (since === null || changed.keys > keysWorthStatistics) await tx.query(sql`analyze ${table}`);
  const counted = changed.rows || state === undefined;
  const malformedIds = side === 'crm' ? 0 : counted ? await countMalformedIds(tx, plan) : state.malformed_ids;
  await tx.query(sql`
    insert into key_state (object, side, run_no, plan_hash, forgotten_no, malformed_ids, keys_no)
    values (${object}, ${side}, ${runNo}, ${planHash}, coalesce((select max(no) from forgotten), 0), ${malformedIds}, 1)
    on conflict (object, side) do update set run_no = excluded.run_no, plan_hash = excluded.plan_hash, forgotten_no = excluded.forgotten_no,
      malformed_ids = excluded.malformed_ids, keys_no = key_state.keys_no + ${changed.differ ? 1 : 0}`);
  await tx.query(sql`delete from forgotten where no <= (select min(forgotten_no) from key_state)`);
  return { keys: changed.keys, malformedIds };
}

function hashOf(plan: MatchPlan, ignoreValues: readonly string[]): string {
  return createHash('sha256')
    .update(JSON.stringify([plan.fields, ignoreValues]))
    .digest('hex');
}

interface KeyState {
  readonly run_no: number;
  readonly plan_hash: string;
  readonly forgotten_no: number;
  readonly malformed_ids: number;
}

/** Rows changed after the run that the keys are up to date with, and those forgotten since; null: all rows. */
type Since = { readonly last: number; readonly forgotten: number; readonly runNo: number } | null;

function changedSql(since: Since): string {
  return since === null ? 'true' : `(r.changed_run > ${since.last} or r.changed_run = ${since.runNo})`;
}

interface ChangedKeys {
  /** Keys that were written. */
  readonly keys: number;
  /** Whether any row changed or left. */
  readonly rows: boolean;
  /** Whether that changed any key. */
  readonly differ: boolean;
}

const keyTable = (side: KeySide, { object }: MatchPlan): string => `${side}_key_${object}`;
const insertKeys = { crm: insertRecordKeys, pers: insertPersonKeys } as const;

async function makeAllKeys(tx: PoolClient, plan: MatchPlan, side: KeySide, ignoreValues: readonly string[]): Promise<ChangedKeys> {
  let keys = 0;
  for (const field of plan.fields) keys += await insertKeys[side](tx, plan, field, null, ignoreValues, keyTable(side, plan));
  return { keys, rows: true, differ: true };
}

/**
 * Of the rows that changed or left: makes their keys, and puts them in place of those that are there if any is another. Most changes touch no key: then nothing is written, and no match is to
 * be made anew for it.
 */
async function makeChangedKeys(
  tx: PoolClient,
  plan: MatchPlan,
  side: KeySide,
  since: NonNullable<Since>,
  ignoreValues: readonly string[],
): Promise<ChangedKeys> {
  const { owner, records, columns, seed } = {
    crm: { owner: plan.object, records: `crm_record_${plan.object}`, columns: 'field, value, rec', seed: 'field' },
    pers: { owner: plan.kind, records: `pers_record_${plan.kind}`, columns: 'field, attr, value, rec', seed: 'field * 1000 + attr' },
  }[side];
  await tx.query('drop table if exists pg_temp.stale, pg_temp.fresh_key');
  const stale = await tx.query(sql`
    create temp table stale on commit drop as
    select r.rec from ${identifier(records)} r where ${raw(changedSql(since))}
    union all
    select rec from forgotten where side = ${side} and owner = ${owner} and no > ${since.forgotten}`);
  if (stale.rowCount === 0) return { keys: 0, rows: false, differ: false };
  await tx.query(sql`analyze stale`);
  const table = identifier(keyTable(side, plan));
  // Keys of ids that were merged or converted are made when a match begins.
  const own = raw(side === 'crm' ? 'and not k.alias' : '');
  await tx.query(sql`create temp table fresh_key on commit drop as select object, ${raw(columns)} from ${table} limit 0`);
  for (const field of plan.fields) await insertKeys[side](tx, plan, field, since, ignoreValues, 'fresh_key');
  const sums = raw(`count(*) as n, sum(hashtextextended(value, ${seed})::numeric * rec) as total`);
  const compared = await tx.query<{ differ: boolean }>(sql`
    select (b.n, b.total) is distinct from (a.n, a.total) as differ
      from (select ${sums} from ${table} k join stale using (rec) where true ${own}) b, (select ${sums} from fresh_key) a`);
  if (compared.rows[0]?.differ === false) return { keys: 0, rows: true, differ: false };
  await tx.query(sql`delete from ${table} k using stale s where s.rec = k.rec`);
  const written = await tx.query(sql`insert into ${table} (object, ${raw(columns)}) select object, ${raw(columns)} from fresh_key`);
  return { keys: written.rowCount ?? 0, rows: true, differ: true };
}

/** `n` is a normalised value: its key, or null if it is blank or ignored (R7). `$1` is the list of ignored values. */
function textKeySql(n: string, ignoreCase: boolean): string {
  const lower = `lower_case(${n})`;
  return `case when ${n} <> '' and ${lower} <> all($1::text[]) then match_key(${ignoreCase ? lower : n}) end`;
}

async function insertRecordKeys(
  tx: PoolClient,
  { object }: MatchPlan,
  field: PlannedField,
  since: Since,
  ignoreValues: readonly string[],
  into: string,
): Promise<number> {
  const insert = `insert into ${into} (object, field, value, rec)`;
  const from = `from crm_record_${object} r where r.ineligible is null and ${changedSql(since)}`;
  if (field.compared.as === 'id') {
    // The ids of converted leads are aliases: no key of their own.
    if (field.number !== 0) return 0;
    const done = await tx.query(`${insert} select '${object}', 0, r.crm_id, r.rec ${from}`);
    return done.rowCount ?? 0;
  }
  if (field.crmPosition === null) return 0;
  const done = await tx.query({
    text: `${insert}
      select '${object}', ${field.number}, k, rec from (
        select rec, ${textKeySql('n', field.compared.ignoreCase)} as k
          from (select r.rec, normalised(r.field_values[${field.crmPosition}]) as n ${from} offset 0) a offset 0) b
       where k is not null`,
    values: [ignoreValues],
  });
  return done.rowCount ?? 0;
}

function sourceSql(source: AttributeSource): string {
  switch (source.from) {
    case 'personId':
      return 'r.pers_id';
    case 'accountId':
      return 'r.account_pers_id';
    case 'values':
      return `r.field_values[${source.position}]`;
    case 'nowhere':
      return 'null::text';
    default:
      return source satisfies never;
  }
}

/** A person has each value of a field once, under the first attribute that holds it. */
async function insertPersonKeys(
  tx: PoolClient,
  plan: MatchPlan,
  field: PlannedField,
  since: Since,
  ignoreValues: readonly string[],
  into: string,
): Promise<number> {
  const attributes = field.attributes.filter(({ source }) => source.from !== 'nowhere');
  if (attributes.length === 0) return 0;
  const { compared } = field;
  const normals = attributes.map(({ source }, at) => `normalised(${sourceSql(source)}) as n${at}`);
  const keys = attributes.map(({ addressesOnly }, at) => {
    if (compared.as === 'id') return `id18(n${at}, '${compared.prefix}') as k${at}`;
    const key = textKeySql(`n${at}`, compared.ignoreCase);
    return `${addressesOnly ? `case when position('@' in n${at}) > 0 then ${key} end` : key} as k${at}`;
  });
  const rows = attributes.map(({ number }, at) => {
    const earlier = attributes.slice(0, at).map((_, before) => `k${before}`);
    const first = earlier.length === 0 ? '' : ` and (k${at} in (${earlier.join(', ')})) is not true`;
    return { number, key: `k${at}`, where: `k${at} is not null${first}` };
  });
  const only = rows[0];
  const selected =
    rows.length === 1 && only !== undefined
      ? `select '${plan.object}', ${field.number}, ${only.number}, ${only.key}, rec from b where ${only.where}`
      : `select '${plan.object}', ${field.number}, a.attr, a.key, rec from b cross join lateral (values ${rows
          .map(({ number, key, where }) => `(${number}, case when ${where} then ${key} end)`)
          .join(', ')}) a (attr, key) where a.key is not null`;
  const done = await tx.query({
    text: `
      with a as not materialized (select r.rec, ${normals.join(', ')} from pers_record_${plan.kind} r where ${changedSql(since)} offset 0),
           b as not materialized (select rec, ${keys.join(', ')} from a offset 0)
      insert into ${into} (object, field, attr, value, rec) ${selected}`,
    values: compared.as === 'id' ? [] : [ignoreValues],
  });
  return done.rowCount ?? 0;
}

/** Every person whose id attribute is well-formed has a key of it; the others that are not blank are malformed (R8). */
async function countMalformedIds(tx: PoolClient, plan: MatchPlan): Promise<number> {
  const source = plan.fields.find(({ number }) => number === 0)?.attributes[0]?.source;
  if (source === undefined || source.from === 'nowhere') return 0;
  const found = await tx.query<{ malformed: number }>(`
    select (select count(*) from pers_record_${plan.kind} r where not is_blank(${sourceSql(source)}))
         - (select count(*) from pers_key_${plan.object} where field = 0) as malformed`);
  return found.rows[0]?.malformed ?? 0;
}
