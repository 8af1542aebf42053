import { canonicalDecimal } from '../../src/salesforce/values.ts';

/** R24 for one mapping of one pair, as plainly as it can be said. */
export interface ReferenceMapping {
  readonly type: 'double' | 'int' | 'boolean' | 'date' | 'datetime' | 'email' | 'string' | 'text' | 'number' | 'dateTime';
  readonly fillBlank: boolean;
  readonly clear: boolean;
  readonly length: number;
}

export type ReferencePlan = { readonly after: string | null; readonly code: string | null } | null;

const blank = (text: string | null): boolean => text === null || text.trim() === '';

const numberOf = (text: string): string | null => canonicalDecimal(text);

function dateTimeOf(text: string): string | null {
  const match = /^(\d{4}-\d{2}-\d{2})(?:T(\d{2}:\d{2}(?::\d{2}(?:\.\d+)?)?)(Z|[+-]\d{2}:?\d{2})?)?$/.exec(text.trim());
  if (match === null) return null;
  const [, day = '', clock = '00:00', zone = 'Z'] = match;
  const midnight = new Date(`${day}T00:00:00.000Z`);
  if (Number.isNaN(midnight.getTime()) || midnight.toISOString().slice(0, 10) !== day || clock.startsWith('24')) return null;
  const instant = new Date(`${day}T${clock.slice(0, 12)}${zone === 'Z' || zone.includes(':') ? zone : `${zone.slice(0, 3)}:${zone.slice(3)}`}`);
  return Number.isNaN(instant.getTime()) ? null : instant.toISOString();
}

/** The source as the target's type reads it, or the code of the refusal. */
function read(type: ReferenceMapping['type'], source: string): { readonly value: string } | { readonly code: string } {
  const or = (value: string | null, code: string) => (value === null ? { code } : { value });
  switch (type) {
    case 'text':
      return { value: source };
    case 'string':
    case 'email':
      return { value: source.trim() };
    case 'double':
    case 'number':
      return or(numberOf(source), 'NOT_A_NUMBER');
    case 'int': {
      const number = numberOf(source);
      return number?.includes('.') === true ? { code: 'NOT_AN_INTEGER' } : or(number, 'NOT_A_NUMBER');
    }
    case 'boolean': {
      const lower = source.trim().toLowerCase();
      return lower === 'true' || lower === 'false' ? { value: lower } : { code: 'NOT_A_BOOLEAN' };
    }
    case 'date':
      return or(dateTimeOf(source)?.slice(0, 10) ?? null, 'NOT_A_DATE');
    case 'datetime':
    case 'dateTime':
      return or(dateTimeOf(source), 'NOT_A_DATE_TIME');
    default:
      return type satisfies never;
  }
}

function same(type: ReferenceMapping['type'], a: string | null, b: string | null): boolean {
  if (type === 'email') return (a ?? '').toLowerCase() === (b ?? '').toLowerCase();
  if (type === 'datetime') return (a ?? '').slice(0, 19) === (b ?? '').slice(0, 19);
  return (a ?? '') === (b ?? '');
}

/** What is planned: null for nothing. `before` is a value that the target can hold: canonical. */
export function referencePlan(mapping: ReferenceMapping, source: string | null, before: string | null): ReferencePlan {
  if (mapping.fillBlank && !blank(before)) return null;
  if (source === null || blank(source)) {
    if (!mapping.clear || blank(before)) return null;
    const after = mapping.type === 'boolean' && mapping.length >= 0 ? 'false' : null;
    return same(mapping.type, after, before) ? null : { after, code: null };
  }
  if (source === before) return null;
  const wanted = read(mapping.type, source);
  if ('code' in wanted) return { after: source, code: wanted.code };
  if (mapping.length > 0 && [...wanted.value].length > mapping.length) return { after: source, code: 'STRING_TOO_LONG' };
  return same(mapping.type, wanted.value, before) ? null : { after: wanted.value, code: null };
}
