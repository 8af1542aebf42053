import type { CrmFieldType } from '../domain/fields.ts';

/** A number whose text goes into JSON as it is: 18 digits survive, a double would round them. */
export interface JsonText {
  readonly rawJSON: string;
}

interface ExactJson {
  rawJSON(text: string): JsonText;
  parse(text: string, reviver: (key: string, value: unknown, context: { readonly source?: string }) => unknown): unknown;
}
// The type library of this TypeScript does not list these two of Node 24's.
const exactJson = JSON as unknown as ExactJson;

const decimalPattern = /^([+-]?)(\d*)(?:\.(\d*))?(?:[eE]([+-]?\d+))?$/;
/** More zeros than any number of Salesforce's has; a larger exponent is no value but an attack on the memory. */
const largestExponent = 400;

/** The shortest decimal text without exponent (R6: `7`, `0.5`, `-12`), or null for what is no number. */
export function canonicalDecimal(text: string): string | null {
  const match = decimalPattern.exec(text.trim());
  if (match === null) return null;
  const [, sign, whole = '', fraction = '', exponentText = '0'] = match;
  if (whole === '' && fraction === '') return null;
  const exponent = Number(exponentText);
  if (Math.abs(exponent) > largestExponent) return null;
  const digits = whole + fraction;
  const point = whole.length + exponent;
  const padded = point < 0 ? '0'.repeat(-point) + digits : digits.padEnd(point, '0');
  const at = Math.max(point, 0);
  const integer = padded.slice(0, at).replace(/^0+/, '') || '0';
  const rest = padded.slice(at).replace(/0+$/, '');
  const magnitude = rest === '' ? integer : `${integer}.${rest}`;
  return sign === '-' && magnitude !== '0' ? `-${magnitude}` : magnitude;
}

/** The text of a part of an answer. What is neither text, number nor boolean has none, whatever it says of itself: `{"toString": 1}` is an object that JavaScript cannot turn into a text. */
export function scalarText(value: unknown): string {
  return typeof value === 'string' || typeof value === 'number' || typeof value === 'boolean' ? String(value) : '';
}

/** The number that a part of an answer is, or NaN. */
export function scalarNumber(value: unknown): number {
  const text = scalarText(value);
  return text === '' ? Number.NaN : Number(text);
}

/** `2026-11-23T00:00:00.000Z` from any of Salesforce's spellings (`+0000`, `+00:00`, `Z`), or null. */
export function canonicalInstant(text: string): string | null {
  const match = /^(\d{4}-\d{2}-\d{2}T\d{2}:\d{2}:\d{2})(\.\d+)?(Z|[+-]\d{2}:?\d{2})$/.exec(text.trim());
  if (match === null) return null;
  const [, clock = '', fraction = '', zone = 'Z'] = match;
  const offset = zone === 'Z' ? 'Z' : `${zone.slice(0, 3)}:${zone.slice(-2)}`;
  const instant = new Date(`${clock}${fraction.slice(0, 4)}${offset}`);
  return Number.isNaN(instant.getTime()) ? null : instant.toISOString();
}

export const numericTypes: ReadonlySet<CrmFieldType> = new Set(['currency', 'double', 'int', 'long', 'percent']);

/**
 * The canonical text (R6) of a field's value, be it of a REST answer or a cell of a Bulk CSV; null for null and the empty text, which Salesforce does not tell apart.
 * Text comes back as it is. A value that does not have its type's form comes back as it is too: it equals nothing, and is seen.
 */
export function canonicalValue(type: CrmFieldType, value: unknown): string | null {
  if (value === null || value === undefined || value === '') return null;
  if (typeof value === 'object') return JSON.stringify(value);
  const text = scalarText(value);
  if (numericTypes.has(type)) return canonicalDecimal(text) ?? text;
  if (type === 'datetime') return canonicalInstant(text) ?? text;
  if (type === 'boolean') return text.toLowerCase();
  return text;
}

/** The JSON value that writes a canonical text into a field of this type; null clears. */
export function restValue(type: CrmFieldType, text: string | null): string | boolean | null | JsonText {
  if (text === null) return null;
  if (type === 'boolean') return text === 'true';
  if (!numericTypes.has(type)) return text;
  const decimal = canonicalDecimal(text);
  return decimal === null ? text : exactJson.rawJSON(decimal);
}

/** JSON.parse that keeps the digits: a number that a double cannot hold comes back as its text. */
export function readJson(text: string): unknown {
  return exactJson.parse(text, (_key, value, context) => {
    if (typeof value !== 'number' || context.source === undefined) return value;
    return canonicalDecimal(context.source) === canonicalDecimal(String(value)) ? value : context.source;
  });
}
