import { readJson } from './body.ts';
import { readRecord } from './collections.ts';
import { ApiError, notFound } from './errors.ts';
import { refusedRow } from './fault-rows.ts';
import { normaliseId } from './ids.ts';
import { objectNamed } from './org.ts';
import { Reply } from './router.ts';
import type { Call } from './router.ts';
import { deleteRecord } from './deletion.ts';
import { createRecord, updateRecord } from './save.ts';
import { requestName, saverFor } from './saver.ts';
import type { SaveResult } from './saver.ts';
import { quoted } from './schema.ts';
import type { ObjectType } from './schema.ts';

function target(call: Call): { type: ObjectType; id: string } {
  const type = objectNamed(call.org, call.params['object'] ?? '');
  const given = call.params['id'] ?? '';
  const id = normaliseId(given);
  if (id === null) throw new ApiError(400, 'MALFORMED_ID', `malformed id ${given}`);
  if (!id.startsWith(type.keyPrefix)) throw new ApiError(400, 'MALFORMED_ID', `${type.label} ID: id value of incorrect type: ${given}`, ['Id']);
  return { type, id };
}

/** GET sobjects/{object}/{id}?fields= */
export function getRow(call: Call): unknown {
  const { type, id } = target(call);
  checkPrecondition(call, type, id);
  const record = readRecord(call, type, id, call.url.searchParams.get('fields')?.split(',') ?? null);
  if (record === undefined) throw notFound();
  call.rows = 1;
  return record;
}

/** `If-Unmodified-Since` against LastModifiedDate, to the second. @throws {ApiError} 412 when the row is newer, 400 for no date */
function checkPrecondition(call: Call, type: ObjectType, id: string): void {
  const header = call.request.headers['if-unmodified-since'];
  if (header === undefined) return;
  const since = Date.parse(header);
  if (Number.isNaN(since)) throw new ApiError(400, 'INVALID_HEADER', 'If-Unmodified-Since is no HTTP date');
  if (!type.writable) return;
  const row = call.org.store.sql(`select "LastModifiedDate" as modified from ${quoted(type.name)} where "Id" = ?`).get(id);
  if (row !== undefined && Math.floor(Date.parse(String(row['modified'])) / 1000) > Math.floor(since / 1000)) {
    throw new ApiError(412, 'PRECONDITION_FAILED', 'The condition supplied in a request header was not met');
  }
}

function answer(result: SaveResult): SaveResult & { ok: true } {
  if (result.ok) return result;
  const [first] = result.errors;
  const status = first?.statusCode === 'ENTITY_IS_DELETED' || first?.statusCode === 'NOT_FOUND' ? 404 : 400;
  throw new ApiError(status, first?.statusCode ?? 'UNKNOWN_EXCEPTION', first?.message ?? '', first?.fields);
}

function writable(type: ObjectType): ObjectType {
  if (!type.writable) throw new ApiError(400, 'CANNOT_INSERT_UPDATE_ACTIVATE_ENTITY', `entity type cannot be changed: ${type.name}`);
  return type;
}

/** POST sobjects/{object} */
export async function postRow(call: Call): Promise<unknown> {
  const type = writable(objectNamed(call.org, call.params['object'] ?? ''));
  const body = await readJson(call.request);
  const result = answer(
    call.org.store.transaction(() => refusedRow(call.fault, 1, null) ?? createRecord(saverFor(call, type, requestName(call)), body)),
  );
  call.rows = 1;
  return new Reply(201, { id: result.id, success: true, errors: [] });
}

/** PATCH sobjects/{object}/{id} */
export async function patchRow(call: Call): Promise<undefined> {
  const { type, id } = target(call);
  const body = await readJson(call.request);
  if (call.org.store.sql(`select 1 from ${quoted(writable(type).name)} where "Id" = ?`).get(id) === undefined) throw notFound();
  call.org.store.transaction(() => {
    checkPrecondition(call, type, id);
    answer(refusedRow(call.fault, 1, id) ?? updateRecord(saverFor(call, type, requestName(call)), id, body));
  });
  call.rows = 1;
}

/** DELETE sobjects/{object}/{id} */
export function deleteRow(call: Call): undefined {
  const { type, id } = target(call);
  if (call.org.store.sql(`select 1 from ${quoted(writable(type).name)} where "Id" = ?`).get(id) === undefined) throw notFound();
  call.org.store.transaction(() => answer(refusedRow(call.fault, 1, id) ?? deleteRecord(saverFor(call, type, requestName(call)), id)));
  call.rows = 1;
}
