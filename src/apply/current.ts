import type { CrmFieldType } from '../domain/fields.ts';
import type { Salesforce } from '../salesforce/side.ts';
import { canonicalValue } from '../salesforce/values.ts';
import { crmObjectOf } from './parts.ts';
import type { ApplyPart } from './parts.ts';

/** Ids of one retrieve. */
const idsPerRetrieve = 2_000;

/** The ids in groups that one retrieve takes each. */
export function batchesOf(ids: readonly string[]): (readonly string[])[] {
  return Array.from({ length: Math.ceil(ids.length / idsPerRetrieve) }, (_, at) => ids.slice(at * idsPerRetrieve, (at + 1) * idsPerRetrieve));
}

export interface FieldsOfRecord {
  readonly id: string;
  readonly fields: readonly string[];
  readonly types: readonly string[];
}

/** One row a field: what the org holds now as canonical text; `gone` where the record does not exist any more. */
export interface CurrentValues {
  readonly ids: readonly string[];
  readonly fields: readonly string[];
  readonly values: readonly (string | null)[];
  readonly gone: readonly boolean[];
}

/** Reads the fields of up to 2,000 records in one call. */
export async function readCurrent(salesforce: Salesforce, part: ApplyPart, records: readonly FieldsOfRecord[]): Promise<CurrentValues> {
  const names = [...new Set(records.flatMap(({ fields }) => fields))];
  const rows = await salesforce.retrieve(
    crmObjectOf(part),
    records.map(({ id }) => id),
    names,
  );
  const current = { ids: [] as string[], fields: [] as string[], values: [] as (string | null)[], gone: [] as boolean[] };
  for (const { id, fields, types } of records) {
    const row = rows.get(id) ?? null;
    fields.forEach((field, at) => {
      current.ids.push(id);
      current.fields.push(field);
      current.values.push(row === null ? null : canonicalValue(types[at] as CrmFieldType, row[field]));
      current.gone.push(row === null);
    });
  }
  return current;
}
