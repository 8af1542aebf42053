import type { ValueCondition } from '@jetstreamapp/soql-parser-js';
import { ApiError } from './errors.ts';
import type { Field } from './fields.ts';
import { normaliseId } from './ids.ts';
import { dateLiteralRange } from './soql-dates.ts';
import { canonicalDecimal, parseDateTime } from './values.ts';

export type SqlValue = string | number | null;
/** SQL text with `?` and the values for them. */
export type SqlPart = { readonly sql: string; readonly values: readonly SqlValue[] };

type Literal = { readonly kind: string; readonly text: string };

const invalid = (message: string, code = 'INVALID_FIELD'): ApiError => new ApiError(400, code, message);
const isAscii = (text: string): boolean => /^[\0-\x7f]*$/.test(text);

const escapes: Record<string, string> = { n: '\n', r: '\r', t: '\t', b: '\b', f: '\f' };
/** `'O\'Neil'` without its quotes and escapes. In LIKE, `\%` and `\_` keep their backslash. */
const unquote = (raw: string, like = false): string =>
  raw
    .slice(1, -1)
    .replace(/\\(.)/gs, (both, char: string) =>
      like && (char === '%' || char === '_' || char === '\\') ? both : (escapes[char.toLowerCase()] ?? char),
    );

const typeError = (field: Field): ApiError => {
  const unquotedTypes: Record<string, string> = {
    datetime: 'dateTime',
    double: 'double',
    currency: 'double',
    percent: 'double',
    int: 'int',
    boolean: 'boolean',
    date: 'date',
  };
  const expected = unquotedTypes[field.type];
  return expected === undefined
    ? invalid(`value of filter criterion for field '${field.name}' must be of type string and should be enclosed in quotes`)
    : invalid(`value of filter criterion for field '${field.name}' must be of type ${expected} and should not be enclosed in quotes`);
};

/** The literal as a value that compares with the column, and how the column is to be read for it. */
function comparable(field: Field, column: string, literal: Literal): { left: string; value: SqlValue } {
  const { kind, text } = literal;
  switch (field.type) {
    case 'boolean':
      if (kind !== 'BOOLEAN') throw typeError(field);
      return { left: column, value: text.toUpperCase() === 'TRUE' ? 1 : 0 };
    case 'int':
    case 'double':
    case 'currency':
    case 'percent': {
      const decimal = kind === 'STRING' ? null : canonicalDecimal(text);
      if (decimal === null) throw typeError(field);
      return { left: field.type === 'int' ? column : `cast(${column} as real)`, value: Number(decimal) };
    }
    case 'datetime': {
      const dateTime = kind === 'DATETIME' ? parseDateTime(text) : null;
      if (dateTime === null) throw typeError(field);
      return { left: column, value: dateTime };
    }
    case 'date':
      if (kind !== 'DATE') throw typeError(field);
      return { left: column, value: text };
    case 'id':
    case 'reference': {
      if (kind !== 'STRING') throw typeError(field);
      const raw = unquote(text);
      const id = normaliseId(raw);
      if (id === null && raw !== '') throw invalid(`invalid ID field: ${raw}`, 'INVALID_QUERY_FILTER_OPERATOR');
      return { left: column, value: id };
    }
    default: {
      if (kind !== 'STRING') throw typeError(field);
      const raw = unquote(text);
      if (raw === '') return { left: column, value: null };
      return isAscii(raw) ? { left: `${column} collate nocase`, value: raw } : { left: `fold(${column})`, value: raw.toLowerCase() };
    }
  }
}

/** Comparisons answer true or false, never null, as SOQL's do: `!=` and `not` find the rows without a value. */
const orFalse = (sql: string): string => `ifnull(${sql}, 0)`;

function compareDates(field: Field, column: string, operator: string, literal: string, nowMs: number): SqlPart {
  if (field.type !== 'date' && field.type !== 'datetime') throw typeError(field);
  const range = dateLiteralRange(literal, nowMs);
  if (range === null) throw invalid(`unexpected token: '${literal}'`, 'MALFORMED_QUERY');
  const suffix = field.type === 'datetime' ? 'T00:00:00.000Z' : '';
  const start = range.start + suffix;
  const end = range.end + suffix;
  switch (operator) {
    case '=':
      return { sql: `(${column} >= ? and ${column} < ?)`, values: [start, end] };
    case '!=':
      return { sql: `(${column} is null or ${column} < ? or ${column} >= ?)`, values: [start, end] };
    case '<':
      return { sql: `${column} < ?`, values: [start] };
    case '<=':
      return { sql: `${column} < ?`, values: [end] };
    case '>':
      return { sql: `${column} >= ?`, values: [end] };
    case '>=':
      return { sql: `${column} >= ?`, values: [start] };
    default:
      throw invalid(`invalid operator on date field`, 'INVALID_QUERY_FILTER_OPERATOR');
  }
}

/** One comparison of a where clause. `negated` says that a NOT stands somewhere before it. @throws {ApiError} what Salesforce answers to a wrong one */
export function compileCondition(condition: ValueCondition, field: Field, column: string, negated: boolean, nowMs: number): SqlPart {
  const part = compare(condition, field, column, nowMs);
  return negated ? { sql: orFalse(part.sql), values: part.values } : part;
}

function compare(condition: ValueCondition, field: Field, column: string, nowMs: number): SqlPart {
  if (!field.filterable) throw invalid(`field '${field.name}' can not be filtered in a query call`);
  const operator = condition.operator.toUpperCase() === '<>' ? '!=' : condition.operator.toUpperCase();
  const kinds = condition.literalType;
  const kindAt = (index: number): string => String(Array.isArray(kinds) ? kinds[index] : kinds);
  if (operator === 'IN' || operator === 'NOT IN') {
    if (!Array.isArray(condition.value)) throw invalid(`expecting a left parentheses, found '${String(condition.value)}'`, 'MALFORMED_QUERY');
    return compareSet(
      field,
      column,
      operator === 'NOT IN',
      condition.value.map((text, index) => ({ kind: kindAt(index), text })),
    );
  }
  const text = String(condition.value);
  const kind = kindAt(0);
  if (kind === 'NULL') {
    if (operator !== '=' && operator !== '!=') throw invalid(`invalid operator on null`, 'INVALID_QUERY_FILTER_OPERATOR');
    return { sql: `${column} is ${operator === '=' ? '' : 'not '}null`, values: [] };
  }
  if (kind === 'DATE_LITERAL' || kind === 'DATE_N_LITERAL') return compareDates(field, column, operator, text, nowMs);
  if (operator === 'LIKE') return compareLike(field, column, { kind, text });
  if (!['=', '!=', '<', '<=', '>', '>='].includes(operator))
    throw invalid(`operator ${operator} is not supported for field '${field.name}'`, 'INVALID_QUERY_FILTER_OPERATOR');
  const { left, value } = comparable(field, column, { kind, text });
  if (value === null) return { sql: operator === '=' ? `${column} is null` : `${column} is not null`, values: [] };
  if (operator === '!=') return { sql: `(${column} is null or ${left} <> ?)`, values: [value] };
  return { sql: `${left} ${operator} ?`, values: [value] };
}

function compareLike(field: Field, column: string, literal: Literal): SqlPart {
  if (literal.kind !== 'STRING') throw typeError(field);
  if (['id', 'reference', 'boolean', 'int', 'double', 'currency', 'date', 'datetime'].includes(field.type)) {
    throw invalid(`invalid operator on ${field.type} field`, 'INVALID_QUERY_FILTER_OPERATOR');
  }
  const pattern = unquote(literal.text, true);
  if (isAscii(pattern)) return { sql: `${column} like ? escape '\\'`, values: [pattern] };
  return { sql: `fold(${column}) like ? escape '\\'`, values: [pattern.toLowerCase()] };
}

function compareSet(field: Field, column: string, not: boolean, literals: readonly Literal[]): SqlPart {
  const byLeft = new Map<string, SqlValue[]>();
  let withNull = false;
  for (const literal of literals) {
    const found = literal.kind === 'NULL' ? { left: column, value: null } : comparable(field, column, literal);
    if (found.value === null) withNull = true;
    else byLeft.set(found.left, [...(byLeft.get(found.left) ?? []), found.value]);
  }
  const parts = [...byLeft].map(([left, values]) => `${left} in (${values.map(() => '?').join(',')})`);
  if (withNull) parts.push(`${column} is null`);
  const values = [...byLeft.values()].flat();
  const any = orFalse(`(${parts.join(' or ')})`);
  return { sql: not ? `not ${any}` : any, values };
}
