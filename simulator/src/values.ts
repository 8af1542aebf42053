/** Reading texts as the types of Salesforce fields. Every function answers null for a text that is no such value. */

/** Any decimal, sign and exponent allowed, as its shortest text without exponent (`7`, `0.5`, `-12`), exact at any size. */
export function canonicalDecimal(text: string): string | null {
  const parts = /^([+-]?)(\d*)(?:\.(\d*))?(?:[eE]([+-]?\d{1,4}))?$/.exec(text);
  if (parts === null) return null;
  const whole = parts[2] ?? '';
  const fraction = parts[3] ?? '';
  if (whole === '' && fraction === '') return null;
  const exponent = Number(parts[4] ?? 0);
  if (Math.abs(exponent) > 400) return null;
  let allDigits = whole + fraction;
  let point = whole.length + exponent;
  if (point < 0) {
    allDigits = '0'.repeat(-point) + allDigits;
    point = 0;
  } else if (point > allDigits.length) {
    allDigits += '0'.repeat(point - allDigits.length);
  }
  const left = allDigits.slice(0, point).replace(/^0+(?=.)/, '') || '0';
  const right = allDigits.slice(point).replace(/0+$/, '');
  const unsigned = right === '' ? left : `${left}.${right}`;
  return parts[1] === '-' && unsigned !== '0' ? `-${unsigned}` : unsigned;
}

/** Canonical already: no leading zero, no `+`, no exponent, no trailing zero after the point. */
export const isCanonicalDecimal = (text: string): boolean => /^(?:0|-?[1-9]\d*|-?(?:0|[1-9]\d*)\.\d*[1-9])$/.test(text);

/** A whole number of 32 bits; `1200.0` is one. */
export function parseInteger(text: string): number | null {
  const decimal = canonicalDecimal(text);
  if (decimal === null || decimal.includes('.')) return null;
  const number = Number(decimal);
  return number >= -2147483648 && number <= 2147483647 ? number : null;
}

/** `true`, `false`, `1`, `0` in any case, as 1 or 0. */
export function parseBoolean(text: string): 1 | 0 | null {
  const lower = text.toLowerCase();
  if (lower === 'true' || lower === '1') return 1;
  if (lower === 'false' || lower === '0') return 0;
  return null;
}

const daysIn = (year: number, month: number): number => new Date(Date.UTC(year, month, 0)).getUTCDate();

/** `YYYY-MM-DD`, a day that exists; the date of a date-time is taken (its UTC day). */
export function parseDate(text: string): string | null {
  const parts = /^(\d{4})-(\d\d)-(\d\d)$/.exec(text);
  if (parts === null) return parseDateTime(text)?.slice(0, 10) ?? null;
  const month = Number(parts[2]);
  const day = Number(parts[3]);
  return month >= 1 && month <= 12 && day >= 1 && day <= daysIn(Number(parts[1]), month) ? text : null;
}

const dateTimePattern = /^(\d{4}-\d\d-\d\d)(?:[T ](\d\d):(\d\d)(?::(\d\d)(?:\.(\d{1,9}))?)?(Z|[+-]\d\d:?\d\d)?)?$/i;

/** An ISO date-time with `Z`, an offset with or without colon, or none (UTC), as `YYYY-MM-DDTHH:MM:SS.mmmZ`. */
export function parseDateTime(text: string): string | null {
  const parts = dateTimePattern.exec(text);
  if (parts === null) return null;
  const [, date = '', hours = '00', minutes = '00', seconds = '00', fraction = '', zone = 'Z'] = parts;
  const year = Number(date.slice(0, 4));
  const month = Number(date.slice(5, 7));
  const day = Number(date.slice(8, 10));
  if (month < 1 || month > 12 || day < 1 || day > daysIn(year, month)) return null;
  if (Number(hours) > 23 || Number(minutes) > 59 || Number(seconds) > 59) return null;
  const ms = fraction.padEnd(3, '0').slice(0, 3);
  if (/^z$/i.test(zone)) return `${date}T${hours}:${minutes}:${seconds}.${ms}Z`;
  const offset = zone.includes(':') ? zone : `${zone.slice(0, 3)}:${zone.slice(3)}`;
  const time = Date.parse(`${date}T${hours}:${minutes}:${seconds}.${ms}${offset}`);
  return Number.isNaN(time) ? null : new Date(time).toISOString();
}

/** Without its milliseconds, as Salesforce keeps date-times. */
export const toSecond = (dateTime: string): string => `${dateTime.slice(0, 19)}.000Z`;

/** `...Z` as the REST API writes it: `...+0000`. */
export const restDateTime = (dateTime: string): string => `${dateTime.slice(0, -1)}+0000`;

export const isEmailAddress = (text: string): boolean =>
  /^[A-Za-z0-9!#$%&'*+/=?^_`{|}~-]+(?:\.[A-Za-z0-9!#$%&'*+/=?^_`{|}~-]+)*@(?:[A-Za-z0-9](?:[A-Za-z0-9-]*[A-Za-z0-9])?\.)+[A-Za-z]{2,}$/.test(text);
