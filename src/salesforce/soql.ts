import type { CrmObject } from './side.ts';

const namePattern = /^[A-Za-z][A-Za-z0-9_]*$/;
const idPattern = /^[A-Za-z0-9]{15,18}$/;

/** Half-open: `from` belongs to it, `to` does not. ISO instants; null is open. */
export interface Span {
  readonly field: 'SystemModstamp' | 'CreatedDate';
  readonly from: string | null;
  readonly to: string | null;
}

/** A place in rows ordered by stamp and id. */
export interface Place {
  readonly stamp: string;
  readonly id: string;
}

/** `SELECT Id, Email FROM Contact WHERE ...`: no ORDER BY and no LIMIT, which make the Bulk API slow. Twice the same field is once. */
export function selectQuery(object: CrmObject, fields: readonly string[], where = ''): string {
  for (const field of fields) if (!namePattern.test(field)) throw new TypeError(`not a field's name: ${JSON.stringify(field)}`);
  return `SELECT ${[...new Set(fields)].join(', ')} FROM ${object}${where === '' ? '' : ` WHERE ${where}`}`;
}

/** SOQL knows seconds only: what counts is that both ends are cut alike. */
function instant(iso: string): string {
  return new Date(iso).toISOString().replace(/\.\d+Z$/, 'Z');
}

/** The condition of a span; empty for one that is open on both sides. */
export function spanCondition({ field, from, to }: Span): string {
  return [from === null ? [] : [`${field} >= ${instant(from)}`], to === null ? [] : [`${field} < ${instant(to)}`]].flat().join(' AND ');
}

/** What lies behind a place in rows that are `ORDER BY SystemModstamp, Id`: those of the same second and a later id as well. */
export function behindCondition({ stamp, id }: Place): string {
  return `(SystemModstamp > ${instant(stamp)} OR (SystemModstamp = ${instant(stamp)} AND Id > '${literal(id)}'))`;
}

/** `AccountId IN ('001...', ...)` */
export function idsCondition(field: 'Id' | 'AccountId', ids: readonly string[]): string {
  return `${field} IN (${ids.map((id) => `'${literal(id)}'`).join(',')})`;
}

function literal(id: string): string {
  if (!idPattern.test(id)) throw new TypeError('not a Salesforce id');
  return id;
}
