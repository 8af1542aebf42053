import type { QueryConfig } from 'pg';
import { atOnce } from '../domain/at-once.ts';
import { raw, sql } from '../postgres/sql.ts';
import type { Salesforce } from '../salesforce/side.ts';
import { canonicalValue } from '../salesforce/values.ts';
import { crmObjectOf } from './parts.ts';
import type { PartField } from './part-intents.ts';
import type { ApplyPart } from './parts.ts';

/** Ids of one retrieve. */
const idsPerRetrieve = 2_000;
/** Retrieves at the same time: each is short. */
const retrievesAtOnce = 2;

/** A field of some records: `texts` has what the org holds now, as canonical text, in their order. */
export interface CurrentField extends PartField {
  readonly texts: readonly (string | null)[];
}

/** What the org holds now of records; `gone` where one does not exist any more. All lists are in the order of `ids`. */
export interface CurrentValues {
  readonly ids: readonly string[];
  readonly gone: readonly boolean[];
  readonly fields: readonly CurrentField[];
}

/** Reads these fields of all the records, 2,000 in a call and two calls at once. Throws what the first that fails throws, once none is at work any more. */
export async function eachCurrent(
  salesforce: Salesforce,
  part: ApplyPart,
  ids: readonly string[],
  fields: readonly PartField[],
  keep: (current: CurrentValues) => Promise<void>,
): Promise<void> {
  const batches = Array.from({ length: Math.ceil(ids.length / idsPerRetrieve) }, (_, at) =>
    ids.slice(at * idsPerRetrieve, (at + 1) * idsPerRetrieve),
  );
  const work = async (): Promise<void> => {
    for (let batch = batches.shift(); batch !== undefined; batch = batches.shift()) await keep(await readCurrent(salesforce, part, batch, fields));
  };
  await atOnce(Array.from({ length: Math.min(retrievesAtOnce, batches.length) }, work));
}

async function readCurrent(salesforce: Salesforce, part: ApplyPart, ids: readonly string[], fields: readonly PartField[]): Promise<CurrentValues> {
  const found = await salesforce.retrieve(
    crmObjectOf(part),
    ids,
    fields.map(({ field }) => field),
  );
  const rows = ids.map((id) => found.get(id) ?? null);
  return {
    ids,
    gone: rows.map((row) => row === null),
    fields: fields.map((each) => ({ ...each, texts: rows.map((row) => (row === null ? null : canonicalValue(each.type, row[each.field]))) })),
  };
}

/** The same as rows of `id`, `gone` and `texts`: what the org holds, at the number of each mapping. */
export function currentRows({ ids, gone, fields }: CurrentValues): QueryConfig {
  const columns = fields.map(({ mapping }) => `m${mapping}`);
  const last = Math.max(0, ...fields.map(({ mapping }) => mapping));
  const texts = Array.from({ length: last }, (_, at) => (columns.includes(`m${at + 1}`) ? `m${at + 1}` : 'null'));
  let rows = sql`${ids}::text[], ${gone}::boolean[]`;
  for (const field of fields) rows = sql`${rows}, ${field.texts}::text[]`;
  return sql`select id, gone, ${raw(`array[${texts.join(', ')}]::text[]`)} as texts from unnest(${rows}) as u(${raw(['id', 'gone', ...columns].join(', '))})`;
}
