import { Readable } from 'node:stream';
import { Failure } from '../domain/failure.ts';
import type { CrmFieldType } from '../domain/fields.ts';
import type { ObjectType } from '../domain/objects.ts';
import type { RunShape } from '../mirror/run-shape.ts';
import type { CrmRow } from '../salesforce/side.ts';
import { canonicalValue } from '../salesforce/values.ts';

/** Fields of identity that are no plain text. */
const identityTypes: Readonly<Record<string, CrmFieldType>> = {
  SystemModstamp: 'datetime',
  IsDeleted: 'boolean',
  IsConverted: 'boolean',
  IsPersonAccount: 'boolean',
};

/** Rows of REST as a page that the stage takes: a header, then each value as its canonical text, null and the empty text as an empty cell. */
export function csvOf(shape: RunShape, object: ObjectType, columns: readonly string[], rows: readonly CrmRow[]): Readable {
  const types = new Map<string, CrmFieldType>(shape.crm[object].map(({ name, type }) => [name, type]));
  const cells = (row: CrmRow): string =>
    columns
      .map((column) => {
        if (!(column in row))
          throw new Failure(`a row of ${object} came without a field that was asked for`, { kind: 'transient', code: 'BAD_ANSWER' });
        return quoted(canonicalValue(identityTypes[column] ?? types.get(column) ?? 'string', row[column]) ?? '');
      })
      .join(',');
  return Readable.from([Buffer.from(`${[columns.map(quoted).join(','), ...rows.map(cells)].join('\n')}\n`)]);
}

/** PostgreSQL keeps no NUL; the Bulk API's pages are freed of them as well. */
function quoted(text: string): string {
  return `"${text.replaceAll('\0', '').replaceAll('"', '""')}"`;
}
