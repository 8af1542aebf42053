import type { RowError } from './errors.ts';
import type { Field } from './fields.ts';
import { normaliseId } from './ids.ts';
import type { Org } from './org.ts';
import { quoted } from './schema.ts';
import { canonicalDecimal, isEmailAddress, parseBoolean, parseDate, parseDateTime, parseInteger, toSecond } from './values.ts';

export type Stored = string | number | null;
export type Converted = { readonly value: Stored } | { readonly error: RowError };

const failed = (statusCode: string, message: string, field: Field): Converted => ({ error: { statusCode, message, fields: [field.name] } });

/** What a save makes of a value: trimmed, lower-cased for e-mail, read as the field's type, checked. Empty is null. */
export function convertForSave(org: Org, field: Field, input: unknown): Converted {
  const text = input === null || input === undefined ? '' : typeof input === 'object' ? JSON.stringify(input) : String(input).trim();
  const wrongType = (): Converted => failed('INVALID_TYPE_ON_FIELD_IN_RECORD', `${field.label}: value not of required type: ${text}`, field);
  const typed = (value: Stored): Converted => (value === null ? wrongType() : { value });
  if (field.type === 'boolean') return text === '' ? { value: 0 } : typed(parseBoolean(text));
  if (text === '') {
    if (!field.nillable && !field.defaultedOnCreate)
      return { error: { statusCode: 'REQUIRED_FIELD_MISSING', message: `Required fields are missing: [${field.name}]`, fields: [field.name] } };
    return { value: null };
  }
  if (typeof input === 'object') return wrongType();
  switch (field.type) {
    case 'int':
      return typed(parseInteger(text));
    case 'double':
    case 'currency':
    case 'percent':
      return typed(canonicalDecimal(text));
    case 'date':
      return typed(parseDate(text));
    case 'datetime': {
      const value = parseDateTime(text);
      return value === null ? wrongType() : { value: toSecond(value) };
    }
    case 'id':
    case 'reference':
      return convertReference(org, field, text);
    case 'email':
      if (!isEmailAddress(text)) return failed('INVALID_EMAIL_ADDRESS', `${field.label}: invalid email address: ${text}`, field);
      break;
    case 'picklist':
      if (field.restrictedPicklist && !field.picklistValues.includes(text)) {
        return failed('INVALID_OR_NULL_FOR_RESTRICTED_PICKLIST', `${field.label}: bad value for restricted picklist field: ${text}`, field);
      }
      break;
    default:
  }
  if (field.length > 0 && text.length > field.length && [...text].length > field.length) {
    return failed('STRING_TOO_LONG', `${field.label}: data value too large: ${text.slice(0, 100)} (max length=${field.length})`, field);
  }
  return { value: field.type === 'email' && !org.settings.keepEmailCase ? text.toLowerCase() : text };
}

function convertReference(org: Org, field: Field, text: string): Converted {
  const id = normaliseId(text);
  if (id === null) return failed('MALFORMED_ID', `${field.label}: id value of incorrect type: ${text}`, field);
  const targets = field.referenceTo.flatMap((name) => org.store.type(name) ?? []);
  if (targets.length === 0) return { value: id };
  const target = targets.find((type) => id.startsWith(type.keyPrefix));
  if (target === undefined) return failed('FIELD_INTEGRITY_EXCEPTION', `${field.label}: id value of incorrect type: ${text}`, field);
  const found = org.store.sql(`select 1 from ${quoted(target.name)} where "Id" = ?`).get(id);
  return found === undefined ? failed('INVALID_CROSS_REFERENCE_KEY', 'invalid cross reference id', field) : { value: id };
}
