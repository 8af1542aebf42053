import { isObject, readJson } from './body.ts';
import type { JsonObject } from './body.ts';
import { deleteRecord } from './deletion.ts';
import { ApiError } from './errors.ts';
import type { RowError } from './errors.ts';
import { refusedRow } from './fault-rows.ts';
import { fieldSql } from './field-sql.ts';
import { normaliseId } from './ids.ts';
import { readable } from './late-commits.ts';
import { objectNamed } from './org.ts';
import { jsonValue, recordUrl } from './rest-query.ts';
import type { Call } from './router.ts';
import { createRecord, updateRecord } from './save.ts';
import { requestName, saverFor } from './saver.ts';
import type { SaveResult } from './saver.ts';
import type { ObjectType } from './schema.ts';

/** A record's values under the fields' API names, or undefined when there is no such live record. */
export function readRecord(call: Call, type: ObjectType, id: string, names: readonly string[] | null): JsonObject | undefined {
  const fields =
    names === null
      ? type.fields
      : [
          ...new Set(
            names.map((name) => {
              const field = type.byName.get(name.trim().toLowerCase());
              if (field === undefined) throw new ApiError(400, 'INVALID_FIELD', `No such column '${name.trim()}' on sobject of type ${type.name}`);
              return field;
            }),
          ),
        ];
  const live = type.byName.has('isdeleted') ? ' and t."IsDeleted" = 0' : '';
  const { store } = call.org;
  const columns = fields.map((field, index) => `${fieldSql(store, type, field, 't')} as c${index}`);
  const row = store.sql(`select ${columns.join(', ')} from ${readable(store, type.name)} t where t."Id" = ?${live}`).get(id);
  if (row === undefined) return undefined;
  const record: JsonObject = { attributes: { type: type.name, url: recordUrl(call.params['v'] ?? '', type.name, id) } };
  for (const [index, field] of fields.entries()) record[field.name] = jsonValue(field, row[`c${index}`]);
  if (!Object.hasOwn(record, 'Id')) record['Id'] = id;
  return record;
}

const namesOf = (value: unknown): string[] => (Array.isArray(value) ? value.map(String) : typeof value === 'string' ? value.split(',') : []);

/** POST (or GET) composite/sobjects/{object}: up to 2,000 records in the order asked, null for one that is not there. */
export async function retrieveMany(call: Call): Promise<unknown> {
  const type = objectNamed(call.org, call.params['object'] ?? '');
  const isGet = call.request.method === 'GET';
  const body: JsonObject = isGet
    ? { ids: call.url.searchParams.get('ids') ?? '', fields: call.url.searchParams.get('fields') ?? '' }
    : await readJson(call.request);
  const ids = namesOf(body['ids']);
  const fields = namesOf(body['fields']);
  if (ids.length === 0 || fields.length === 0) throw new ApiError(400, 'MISSING_ARGUMENT', 'The ids and fields parameters are required');
  if (ids.length > 2000) throw new ApiError(400, 'EXCEEDED_ID_LIMIT', 'record limit reached. cannot retrieve more than 2000 records');
  call.rows = ids.length;
  return ids.map((given) => {
    const id = normaliseId(given.trim());
    if (id === null) throw new ApiError(400, 'MALFORMED_ID', `malformed id ${given}`);
    return readRecord(call, type, id, fields) ?? null;
  });
}

class RolledBack extends Error {}

const answerOf = (result: SaveResult): JsonObject =>
  result.ok
    ? { id: result.id, success: true, errors: [] }
    : { ...(result.id === null ? {} : { id: result.id }), success: false, errors: result.errors };

/** The results of all rows; with `allOrNone` nothing is kept when one failed, and the others say so. */
function saveAll<T>(call: Call, allOrNone: boolean, items: readonly T[], id: (item: T) => unknown, save: (item: T) => SaveResult): JsonObject[] {
  let results: SaveResult[] = [];
  try {
    call.org.store.transaction(() => {
      results = items.map((item, index) => refusedRow(call.fault, index + 1, id(item)) ?? save(item));
      if (allOrNone && results.some((result) => !result.ok)) throw new RolledBack();
    });
  } catch (error) {
    if (!(error instanceof RolledBack)) throw error;
    const rolledBack: RowError = {
      statusCode: 'ALL_OR_NONE_OPERATION_ROLLED_BACK',
      message: 'Record rolled back because not all records were valid and the request was using AllOrNone header',
      fields: [],
    };
    results = results.map((result) => (result.ok ? { ok: false, id: null, errors: [rolledBack] } : result));
  }
  call.rows = items.length;
  return results.map(answerOf);
}

function recordsOf(body: JsonObject): JsonObject[] {
  const records = body['records'];
  if (!Array.isArray(records) || !records.every(isObject))
    throw new ApiError(400, 'JSON_PARSER_ERROR', 'The records attribute must be a list of objects');
  if (records.length > 200) throw new ApiError(400, 'EXCEEDED_ID_LIMIT', 'record limit reached. cannot submit more than 200 records in this request');
  return records;
}

function typeOf(call: Call, record: JsonObject): ObjectType {
  const attributes = record['attributes'];
  const name = isObject(attributes) ? attributes['type'] : undefined;
  const type = typeof name === 'string' ? call.org.store.type(name) : undefined;
  if (type === undefined || !type.writable)
    throw new ApiError(400, 'INVALID_INPUT', 'Missing entity type information. sObject must have an attributes field with a type');
  return type;
}

const idOf = (record: JsonObject): unknown => record['id'] ?? record['Id'] ?? record['ID'];

/** PATCH and POST composite/sobjects: up to 200 rows, results in their order, HTTP 200 even when some failed. */
export async function saveMany(call: Call, operation: 'create' | 'update'): Promise<unknown> {
  const body = await readJson(call.request);
  const rows = recordsOf(body).map((record) => ({ record, type: typeOf(call, record) }));
  const chunks = rows.filter((row, index) => row.type !== rows[index - 1]?.type).length;
  if (chunks > 10)
    throw new ApiError(400, 'INVALID_INPUT', 'Cannot have more than 10 chunks in a single operation. Please rearrange the data to reduce chunking.');
  const request = requestName(call);
  return saveAll(
    call,
    body['allOrNone'] === true,
    rows,
    ({ record }) => idOf(record),
    ({ record, type }) =>
      operation === 'create'
        ? createRecord(saverFor(call, type, request), record)
        : updateRecord(saverFor(call, type, request), idOf(record), record),
  );
}

/** DELETE composite/sobjects?ids=a,b */
export function deleteMany(call: Call): unknown {
  const ids = namesOf(call.url.searchParams.get('ids') ?? '').filter((id) => id !== '');
  if (ids.length === 0 || ids.length > 200) throw new ApiError(400, 'EXCEEDED_ID_LIMIT', 'between 1 and 200 ids are needed');
  const request = requestName(call);
  return saveAll(call, call.url.searchParams.get('allOrNone') === 'true', ids, String, (given) => {
    const type = call.org.store.types().find((each) => each.writable && given.startsWith(each.keyPrefix));
    if (type === undefined)
      return { ok: false, id: null, errors: [{ statusCode: 'MALFORMED_ID', message: `malformed id ${given}`, fields: ['Id'] }] };
    return deleteRecord(saverFor(call, type, request), given);
  });
}
