import { ApiError } from './errors.ts';
import type { Field } from './fields.ts';
import { idFromNumber } from './ids.ts';
import type { Org } from './org.ts';
import type { Call } from './router.ts';
import { compileQuery } from './soql-compile.ts';
import type { Column, CompiledQuery } from './soql-compile.ts';
import { restDateTime } from './values.ts';

type JsonRecord = Record<string, unknown>;
const locatorDays = 2;

/** A stored value as the REST API's JSON has it. */
export function jsonValue(field: Field, value: unknown): unknown {
  if (value === null || value === undefined) return null;
  switch (field.type) {
    case 'boolean':
      return value === 1;
    case 'datetime':
      return restDateTime(String(value));
    case 'double':
    case 'currency':
    case 'percent':
      return rawNumber(String(value));
    case 'address':
      return JSON.parse(String(value));
    default:
      return value;
  }
}

/** Exact decimals: a number that a double does not hold keeps its digits in the JSON text. */
const rawNumber = (text: string): unknown =>
  text.length <= 15 ? Number(text) : (JSON as unknown as { rawJSON(text: string): unknown }).rawJSON(text);

export const recordUrl = (version: string, object: string, id: unknown): string => `/services/data/${version}/sobjects/${object}/${String(id)}`;

function toRecord(compiled: CompiledQuery, version: string, row: readonly unknown[]): JsonRecord {
  const { columns, type } = compiled;
  const record: JsonRecord = {
    attributes: compiled.isAggregate ? { type: 'AggregateResult' } : { type: type.name, url: recordUrl(version, type.name, row[columns.length]) },
  };
  for (const [index, column] of columns.entries()) place(record, column, row[index], row[columns.length + 1 + index], version);
  return record;
}

/** Puts a value at its path; a parent that is not there is null as a whole. */
function place(record: JsonRecord, column: Column, value: unknown, parentId: unknown, version: string): void {
  let at = record;
  const parents = column.path.slice(0, -1);
  if (column.keySql !== undefined && parentId === null) {
    const outer = parents[0] ?? '';
    if (at[outer] === undefined) at[outer] = null;
    return;
  }
  for (const [depth, name] of parents.entries()) {
    const isLast = depth === parents.length - 1;
    at[name] ??= { attributes: { type: column.types[depth], ...(isLast ? { url: recordUrl(version, column.types[depth] ?? '', parentId) } : {}) } };
    at = at[name] as JsonRecord;
  }
  at[column.path.at(-1) ?? ''] = jsonValue(column.field, value);
}

function selectSql(compiled: CompiledQuery): string {
  const list = compiled.columns.map((column) => column.sql);
  if (!compiled.isAggregate) list.push('t."Id"', ...compiled.columns.map((column) => column.keySql ?? 'null'));
  return `select ${list.join(', ')}`;
}

function readRows(org: Org, sql: string, values: readonly (string | number | null)[]): unknown[][] {
  const statement = org.store.db.prepare(sql);
  statement.setReturnArrays(true);
  return statement.all(...values) as unknown as unknown[][];
}

function batchSize(call: Call): number {
  const asked = /batchSize\s*=\s*(\d+)/i.exec(String(call.request.headers['sforce-query-options'] ?? ''))?.[1];
  return asked === undefined ? 2000 : Math.min(2000, Math.max(200, Number(asked)));
}

/** GET query?q= and queryAll?q= */
export function query(call: Call, all: boolean): unknown {
  const { org, url, params } = call;
  const soql = url.searchParams.get('q');
  if (soql === null) throw new ApiError(400, 'MALFORMED_QUERY', 'A query string has to be specified');
  const compiled = compileQuery(org.store, soql, all, org.nowMs());
  if (url.searchParams.get('columns') === 'true') return columnMetadata(compiled);
  const window = compiled.limit === null && compiled.offset === 0 ? '' : ` limit ${compiled.limit ?? -1} offset ${compiled.offset}`;
  if (compiled.isCount) {
    const total = Number(readRows(org, `select count(*) from (select 1${compiled.from}${window})`, compiled.values)[0]?.[0]);
    return { totalSize: total, done: true, records: [] };
  }
  const version = params['v'] ?? '';
  const rest = `${compiled.from}${compiled.groupBy}${compiled.orderBy}`;
  const size = batchSize(call);
  if (compiled.isAggregate) {
    const rows = readRows(org, `${selectSql(compiled)}${rest}${window}`, compiled.values);
    return { totalSize: rows.length, done: true, records: rows.map((row) => toRecord(compiled, version, row)) };
  }
  const limit = Math.min(compiled.limit ?? Infinity, size + 1);
  const rows = readRows(org, `${selectSql(compiled)}${rest} limit ${limit} offset ${compiled.offset}`, compiled.values);
  if (rows.length <= size) {
    call.rows = rows.length;
    return { totalSize: rows.length, done: true, records: rows.map((row) => toRecord(compiled, version, row)) };
  }
  const found = readRows(org, `select t._row${rest}${window}`, compiled.values);
  const rowNumbers = Float64Array.from(found, (row) => Number(row[0]));
  const id = org.store.nextNumber('locator');
  org.store.sql('delete from locators where created_ms < ?').run(org.nowMs() - locatorDays * 86_400_000);
  org.store
    .sql('insert into locators (id, created_ms, job, rows) values (?, ?, ?, ?)')
    .run(id, org.nowMs(), JSON.stringify({ soql, all, size }), new Uint8Array(rowNumbers.buffer));
  call.rows = size;
  return page(version, compiled, rows.slice(0, size), id, size, rowNumbers.length);
}

function page(version: string, compiled: CompiledQuery, rows: readonly unknown[][], locator: number, position: number, total: number): unknown {
  const done = position >= total;
  return {
    totalSize: total,
    done,
    ...(done ? {} : { nextRecordsUrl: `/services/data/${version}/query/${idFromNumber('0r8', locator)}-${position}` }),
    records: rows.map((row) => toRecord(compiled, version, row)),
  };
}

/** GET query/{locator}: the rows of the first answer's moment, as they are now; the same locator can be asked again for two days. */
export function queryMore(call: Call): unknown {
  const { org, params } = call;
  const invalid = new ApiError(400, 'INVALID_QUERY_LOCATOR', 'invalid query locator');
  const parts = /^(0r8[0-9A-Za-z]{12,15})-(\d+)$/.exec(params['locator'] ?? '');
  if (parts === null) throw invalid;
  const number = fromBase62((parts[1] ?? '').slice(3, 15));
  const row = org.store.sql('select job, rows from locators where id = ? and created_ms > ?').get(number, org.nowMs() - locatorDays * 86_400_000);
  if (row === undefined) throw invalid;
  const { soql, all, size } = JSON.parse(String(row['job'])) as { soql: string; all: boolean; size: number };
  const bytes = row['rows'] as Uint8Array;
  const rowNumbers = new Float64Array(bytes.buffer.slice(bytes.byteOffset, bytes.byteOffset + bytes.byteLength));
  const from = Number(parts[2]);
  if (from >= rowNumbers.length) throw invalid;
  const compiled = compileQuery(org.store, soql, all, org.nowMs());
  const statement = org.store.db.prepare(`${selectSql(compiled)}${compiled.tables} where t._row = ?`);
  statement.setReturnArrays(true);
  const rows = [...rowNumbers.subarray(from, from + size)].flatMap((rowNumber) => {
    const found = statement.get(rowNumber) as unknown as unknown[] | undefined;
    return found === undefined ? [] : [found];
  });
  call.rows = rows.length;
  return page(params['v'] ?? '', compiled, rows, number, from + size, rowNumbers.length);
}

function fromBase62(text: string): number {
  const digits = '0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz';
  return [...text].reduce((sum, char) => sum * 62 + digits.indexOf(char), 0);
}

/** `columns=true`: what the Salesforce CLI asks beside each query. */
function columnMetadata(compiled: CompiledQuery): unknown {
  return {
    columnMetadata: compiled.columns.map(({ path, field }) => ({
      aggregate: compiled.isAggregate,
      apexType: field.type === 'id' || field.type === 'reference' ? 'Id' : 'String',
      booleanType: field.type === 'boolean',
      columnName: path.join('.'),
      custom: field.custom,
      displayName: path.join('.'),
      foreignKeyName: null,
      insertable: field.createable,
      joinColumns: [],
      numberType: ['int', 'double', 'currency', 'percent'].includes(field.type),
      textType: field.soapType === 'xsd:string',
      updatable: field.updateable,
    })),
    entityName: compiled.type.name,
    groupBy: compiled.groupBy !== '',
    idSelected: compiled.columns.some((column) => column.path.join('.') === 'Id'),
    keyPrefix: compiled.type.keyPrefix,
  };
}
