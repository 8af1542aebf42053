import type { PoolClient } from 'pg';
import { Failure } from '../domain/failure.ts';
import type { PersonKind } from '../domain/objects.ts';
import { sql } from '../postgres/sql.ts';
import { refusalOf, type RefusalCode } from './fitness.ts';
import type { AttributeType, PersonWrite, WriteResult } from './port.ts';
import { personTables } from './tables.ts';

/** One write in the form of the statement. A blank is an absent key, so what is to be blank stands apart from what is to be put. */
interface WantedRow {
  /** Position in the batch. */
  readonly n: number;
  readonly id: string;
  readonly put: Readonly<Record<string, string>>;
  readonly cleared?: readonly string[];
  readonly expected: Readonly<Record<string, string>>;
  readonly absent?: readonly string[];
}

/** Characters of JSON in one statement: far below what PostgreSQL takes in one jsonb. */
const chunkCharacters = 8_000_000;

/**
 * Writes one batch within the transaction given and returns the results in the order of the writes. The batch's row is inserted first: a repeat of the
 * key, be it at the same moment, waits for the first and is answered with its results. Rows are locked in the order of their ids, so that two batches wait for each other and never in a ring.
 */
export async function writeBatch(
  tx: PoolClient,
  kind: PersonKind,
  batchKey: string,
  writes: readonly PersonWrite[],
): Promise<readonly WriteResult[]> {
  const earlier = await claimKey(tx, kind, batchKey, writes.length);
  if (earlier !== null) return earlier;
  const types = await attributeTypes(tx, kind);
  const results: WriteResult[] = [];
  const wanted: WantedRow[] = [];
  writes.forEach((write, n) => {
    const code = refusalOfWrite(types, write);
    // Kept at its place: the rows of the statements fill in the others.
    results.push(code === null ? 'notFound' : { code });
    // An id that PostgreSQL cannot hold is nobody's.
    if (code === null && refusalOf('text', write.id) === null) wanted.push(wantedRow(write, n));
  });
  await lockPersons(tx, kind, wanted);
  for (const chunk of chunks(wanted)) for (const row of await updatePersons(tx, kind, chunk)) results[row.n] = row.result;
  await tx.query(sql`update crm_sync_batch set results = ${JSON.stringify(results)} where batch_key = ${batchKey}`);
  return results;
}

/** Makes the key's row; if another transaction made it first, returns what came of that one. */
async function claimKey(tx: PoolClient, kind: PersonKind, batchKey: string, count: number): Promise<readonly WriteResult[] | null> {
  const claimed = await tx.query(
    sql`insert into crm_sync_batch (batch_key, kind, results) values (${batchKey}, ${kind}, '[]') on conflict (batch_key) do nothing`,
  );
  if (claimed.rowCount === 1) return null;
  const { rows } = await tx.query<{ kind: string; results: readonly WriteResult[] }>(
    sql`select kind, results from crm_sync_batch where batch_key = ${batchKey}`,
  );
  const first = rows[0];
  if (first === undefined || first.kind !== kind || first.results.length !== count)
    throw new Failure(`a batch of ${count} ${kind} writes came under the key of another batch`, { kind: 'permanent', code: 'BATCH_KEY_REUSED' });
  return first.results;
}

async function attributeTypes(tx: PoolClient, kind: PersonKind): Promise<ReadonlyMap<string, AttributeType>> {
  const { rows } = await tx.query<{ name: string; type: AttributeType }>(sql`select name, type from attribute where kind = ${kind}`);
  return new Map(rows.map(({ name, type }) => [name, type]));
}

function refusalOfWrite(types: ReadonlyMap<string, AttributeType>, write: PersonWrite): RefusalCode | null {
  for (const [name, text] of Object.entries(write.set)) {
    const type = types.get(name);
    const code = type === undefined ? 'UNKNOWN_ATTRIBUTE' : refusalOf(type, text);
    if (code !== null) return code;
  }
  for (const [name, text] of Object.entries(write.expect ?? {})) {
    const code = types.has(name) ? refusalOf('text', text) : 'UNKNOWN_ATTRIBUTE';
    if (code !== null) return code;
  }
  return null;
}

function wantedRow(write: PersonWrite, n: number): WantedRow {
  const set = partedByBlank(write.set);
  const expect = partedByBlank(write.expect ?? {});
  return {
    n,
    id: write.id,
    put: set.filled,
    expected: expect.filled,
    ...(set.blank.length === 0 ? {} : { cleared: set.blank }),
    ...(expect.blank.length === 0 ? {} : { absent: expect.blank }),
  };
}

function partedByBlank(values: Readonly<Record<string, string | null>>): { readonly filled: Record<string, string>; readonly blank: string[] } {
  // Without a prototype, `__proto__` is a name like any other.
  const filled = Object.create(null) as Record<string, string>;
  const blank: string[] = [];
  for (const [name, text] of Object.entries(values)) {
    if (text === null || text === '') blank.push(name);
    else filled[name] = text;
  }
  return { filled, blank };
}

/** The rows as JSON, in parts that one statement each can take: not too long, and no person twice, as a person's second write judges what the first one left. */
function* chunks(rows: readonly WantedRow[]): Generator<string> {
  let part: string[] = [];
  let characters = 0;
  const ids = new Set<string>();
  for (const row of rows) {
    const json = JSON.stringify(row);
    if (part.length > 0 && (ids.has(row.id) || characters + json.length > chunkCharacters)) {
      yield `[${part.join(',')}]`;
      part = [];
      characters = 0;
      ids.clear();
    }
    part.push(json);
    ids.add(row.id);
    characters += json.length;
  }
  if (part.length > 0) yield `[${part.join(',')}]`;
}

/** A statement of its own: the one after it sees what the transactions that were waited for have committed. */
async function lockPersons(tx: PoolClient, kind: PersonKind, rows: readonly WantedRow[]): Promise<void> {
  const { table, id } = personTables[kind];
  const ids = [...new Set(rows.map((row) => row.id))];
  await tx.query(sql`select count(*) from (select from ${table} where ${id} = any(${ids}) order by ${id} for update) as locked`);
}

/**
 * Judges and updates. Text that stands there already is `unchanged` whatever was expected: a write that is done is done. Containment is four times as
 * fast as looking at every value; only where it says no are the values looked at, as somebody else may have put numbers or empty texts there.
 */
async function updatePersons(
  tx: PoolClient,
  kind: PersonKind,
  json: string,
): Promise<readonly { readonly n: number; readonly result: WriteResult }[]> {
  const { table, id } = personTables[kind];
  const judged = await tx.query<{ n: number; result: WriteResult }>(sql`
    with wanted as materialized (
      select n, id, put, cleared, expected, absent
      from jsonb_to_recordset(${json}::jsonb) as w(n integer, id text, put jsonb, cleared text[], expected jsonb, absent text[])
    ), judged as materialized (
      select w.n, p.person_no, w.put, w.cleared,
        case
          when p.person_no is null then 'notFound'
          when p.attributes @> w.put and (w.cleared is null or not p.attributes ?| w.cleared) then 'unchanged'
          when not p.attributes @> w.expected
            and exists (select from jsonb_each_text(w.expected) as v where p.attributes ->> v.key is distinct from v.value) then 'changed'
          when p.attributes ?| w.absent and exists (select from unnest(w.absent) as k where p.attributes ->> k <> '') then 'changed'
          else 'applied'
        end as result
      from wanted as w left join ${table} as p on p.${id} = w.id
    ), updated as (
      update ${table} as p set attributes = (p.attributes - coalesce(j.cleared, '{}')) || j.put
      from judged as j where j.result = 'applied' and p.person_no = j.person_no
    )
    select n, result from judged`);
  return judged.rows;
}
