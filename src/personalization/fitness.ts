import type { AttributeType } from './port.ts';

/** Codes of writes that the store refuses. */
export type RefusalCode = 'UNKNOWN_ATTRIBUTE' | 'NOT_TEXT' | (typeof unfit)[Exclude<AttributeType, 'text'>]['code'];

const unfit = {
  number: { code: 'NOT_A_NUMBER', fits: (text) => /^-?(0|[1-9]\d*)(\.\d+)?$/.test(text) },
  boolean: { code: 'NOT_A_BOOLEAN', fits: (text) => text === 'true' || text === 'false' },
  date: { code: 'NOT_A_DATE', fits: (text) => /^\d{4}-\d{2}-\d{2}$/.test(text) && isInstant(`${text}T00:00:00.000Z`) },
  dateTime: { code: 'NOT_A_DATE_TIME', fits: (text) => /^\d{4}-\d{2}-\d{2}T\d{2}:\d{2}:\d{2}\.\d{3}Z$/.test(text) && isInstant(text) },
} as const satisfies Record<Exclude<AttributeType, 'text'>, { readonly code: string; readonly fits: (text: string) => boolean }>;

/** A day that the calendar does not have (30 February) moves on to another one. */
function isInstant(text: string): boolean {
  const instant = new Date(text);
  return !Number.isNaN(instant.getTime()) && instant.toISOString() === text;
}

/** Why a value cannot be kept in an attribute of this type, or null. Blank fits every type; values are canonical text (R6). */
export function refusalOf(type: AttributeType, text: string | null): RefusalCode | null {
  if (text === null || text === '') return null;
  // PostgreSQL keeps neither NUL nor half a surrogate pair.
  if (text.includes('\0') || !text.isWellFormed()) return 'NOT_TEXT';
  return type === 'text' || unfit[type].fits(text) ? null : unfit[type].code;
}
