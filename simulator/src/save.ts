import type { RowError } from './errors.ts';
import type { Field } from './fields.ts';
import { idFromNumber, normaliseId } from './ids.ts';
import { nowStamp } from './org.ts';
import type { Org } from './org.ts';
import { convertForSave } from './save-values.ts';
import type { Stored } from './save-values.ts';
import { quoted } from './schema.ts';
import type { ObjectType } from './schema.ts';

export type SaveResult = { readonly ok: true; readonly id: string; readonly created: boolean } | { readonly ok: false; readonly id: string | null; readonly errors: readonly RowError[] };

/** A save under way: whose it is in the record of writes. Called inside a transaction. */
export type Saver = { readonly org: Org; readonly type: ObjectType; readonly request: string };

const failure = (id: string | null, statusCode: string, message: string, fields: readonly string[] = []): SaveResult => ({ ok: false, id, errors: [{ statusCode, message, fields }] });

/** What a record's id must be before it is looked up. */
function checkId(type: ObjectType, given: unknown): { id: string } | { failed: SaveResult } {
  if (given === undefined || given === null || given === '') return { failed: failure(null, 'MISSING_ARGUMENT', 'Id not specified in an update call') };
  const id = normaliseId(String(given));
  if (id === null) return { failed: failure(null, 'MALFORMED_ID', `malformed id ${String(given)}`, ['Id']) };
  if (!id.startsWith(type.keyPrefix)) return { failed: failure(id, 'MALFORMED_ID', `${type.label} ID: id value of incorrect type: ${String(given)}`, ['Id']) };
  return { id };
}

type Current = { IsDeleted: number; IsConverted?: number; FirstName?: string | null; LastName?: string | null };

function findCurrent({ org, type }: Saver, id: string): Current | undefined {
  const more = type.name === 'Account' ? '' : ', "FirstName", "LastName"';
  const converted = type.name === 'Lead' ? ', "IsConverted"' : '';
  return org.store.sql(`select "IsDeleted"${more}${converted} from ${quoted(type.name)} where "Id" = ?`).get(id) as Current | undefined;
}

/** The fields that a request names, with their values; an error for one that is not there or cannot be written. */
function readValues(saver: Saver, input: Readonly<Record<string, unknown>>, operation: 'create' | 'update'): { values: Map<string, Stored>; errors: RowError[] } {
  const { org, type } = saver;
  const values = new Map<string, Stored>();
  const errors: RowError[] = [];
  const locked: string[] = [];
  for (const [name, given] of Object.entries(input)) {
    const lower = name.toLowerCase();
    if (lower === 'attributes' || lower === 'id') continue;
    const field: Field | undefined = type.byName.get(lower);
    if (field === undefined) {
      errors.push({ statusCode: 'INVALID_FIELD', message: `No such column '${name}' on sobject of type ${type.name}`, fields: [] });
    } else if (!(operation === 'create' ? field.createable : field.updateable)) {
      locked.push(field.name);
    } else {
      const converted = convertForSave(org, field, given);
      if ('error' in converted) errors.push(converted.error);
      else values.set(field.name, converted.value);
    }
  }
  if (locked.length > 0) {
    errors.push({ statusCode: 'INVALID_FIELD_FOR_INSERT_UPDATE', fields: locked,
      message: `Unable to create/update fields: ${locked.join(', ')}. Please check the security settings of this field and verify that it is read/write for your profile or permission set.` });
  }
  return { values, errors };
}

const fullName = (first: Stored | undefined, last: Stored | undefined): string | null => [first, last].filter((part) => part !== null && part !== undefined && part !== '').join(' ') || null;

function recordWrite({ org, type, request }: Saver, id: string): void {
  org.store.sql('insert into writes (object, id, request) values (?, ?, ?)').run(type.name, id, request);
}

/** Changes one record. */
export function updateRecord(saver: Saver, givenId: unknown, input: Readonly<Record<string, unknown>>): SaveResult {
  const { org, type } = saver;
  const checked = checkId(type, givenId);
  if ('failed' in checked) return checked.failed;
  const { id } = checked;
  const current = findCurrent(saver, id);
  if (current === undefined) return failure(id, 'INVALID_CROSS_REFERENCE_KEY', 'invalid cross reference id');
  if (current.IsDeleted === 1) return failure(id, 'ENTITY_IS_DELETED', 'entity is deleted');
  if (current.IsConverted === 1) return failure(id, 'CANNOT_UPDATE_CONVERTED_LEAD', 'cannot reference converted lead');
  const { values, errors } = readValues(saver, input, 'update');
  if (errors.length > 0) return { ok: false, id, errors };
  if (type.name !== 'Account' && (values.has('FirstName') || values.has('LastName'))) {
    values.set('Name', fullName(values.has('FirstName') ? values.get('FirstName') : current.FirstName, values.has('LastName') ? values.get('LastName') : current.LastName));
  }
  const stamp = nowStamp(org);
  const names = [...values.keys(), 'SystemModstamp', 'LastModifiedDate', 'LastModifiedById'];
  org.store.sql(`update ${quoted(type.name)} set ${names.map((name) => `${quoted(name)} = ?`).join(', ')}, _updates = _updates + 1 where "Id" = ?`)
    .run(...values.values(), stamp, stamp, org.credentials.userId, id);
  recordWrite(saver, id);
  return { ok: true, id, created: false };
}

/** Makes one record. */
export function createRecord(saver: Saver, input: Readonly<Record<string, unknown>>): SaveResult {
  const { org, type } = saver;
  const { values, errors } = readValues(saver, input, 'create');
  if (errors.length > 0) return { ok: false, id: null, errors };
  const missing = type.fields.filter((field) => !field.nillable && field.createable && !field.defaultedOnCreate && field.type !== 'boolean' && (values.get(field.name) ?? null) === null)
    .map((field) => field.name).filter((name) => name !== 'Status');
  if (missing.length > 0) return failure(null, 'REQUIRED_FIELD_MISSING', `Required fields are missing: [${missing.join(', ')}]`, missing);
  if (type.name === 'Lead' && (values.get('Status') ?? null) === null) values.set('Status', 'Open - Not Contacted');
  if (type.name !== 'Account') values.set('Name', fullName(values.get('FirstName'), values.get('LastName')));
  if ((values.get('OwnerId') ?? null) === null) values.set('OwnerId', org.credentials.userId);
  const stamp = nowStamp(org);
  const id = idFromNumber(`${type.keyPrefix}S`, org.store.nextNumber(type.name));
  const names = ['Id', ...values.keys(), 'CreatedDate', 'LastModifiedDate', 'SystemModstamp', 'CreatedById', 'LastModifiedById'];
  org.store.sql(`insert into ${quoted(type.name)} (${names.map(quoted).join(', ')}) values (${names.map(() => '?').join(', ')})`)
    .run(id, ...values.values(), stamp, stamp, stamp, org.credentials.userId, org.credentials.userId);
  recordWrite(saver, id);
  return { ok: true, id, created: true };
}

/** Moves one record to the recycle bin. */
export function deleteRecord(saver: Saver, givenId: unknown): SaveResult {
  const { org, type } = saver;
  const checked = checkId(type, givenId);
  if ('failed' in checked) return checked.failed;
  const { id } = checked;
  const current = findCurrent(saver, id);
  if (current === undefined) return failure(id, 'INVALID_CROSS_REFERENCE_KEY', 'invalid cross reference id');
  if (current.IsDeleted === 1) return failure(id, 'ENTITY_IS_DELETED', 'entity is deleted');
  const stamp = nowStamp(org);
  org.store.sql(`update ${quoted(type.name)} set "IsDeleted" = 1, _deleted_at = ?, "SystemModstamp" = ?, "LastModifiedDate" = ?, _updates = _updates + 1 where "Id" = ?`).run(stamp, stamp, stamp, id);
  recordWrite(saver, id);
  return { ok: true, id, created: false };
}
