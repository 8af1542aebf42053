import { readKeys } from '../encryption/keys.ts';
import { readCron } from './cron.ts';
import type { CallBudget } from './settings.ts';

/** `problem` continues the sentence "this value ...", and names no value of its own accord. */
export type Reading<V> = { readonly value: V } | { readonly problem: string };

/** What a value may be. All kinds read text: a number in YAML arrives as it is spelled, so that `66.0` stays `66.0`. */
export interface Kind<V> {
  /** Ends the sentence "allowed: ...". */
  readonly allowed: string;
  /** All the values there are, if they can be listed. */
  readonly choices?: readonly string[];
  read(text: string): Reading<V>;
}

const dayMs = 86_400_000;
const unitsMs: Readonly<Record<string, number>> = { ms: 1, s: 1000, m: 60_000, h: 3_600_000, d: dayMs };

export const text: Kind<string> = {
  allowed: 'a text that is not empty',
  read: (given) => (given.trim() === '' ? { problem: 'is empty' } : { value: given }),
};

/** Checked, and kept as the text it is. */
export const payloadKeys: Kind<string> = {
  allowed: 'keys as id=BASE64 of 32 bytes each, apart by commas or spaces',
  read(given) {
    const read = readKeys(given);
    return 'problem' in read ? read : { value: given };
  },
};

/** API names of fields, names of attributes: no white space around, no control characters. */
export const fieldName: Kind<string> = {
  allowed: 'the name of a CRM field',
  read: (given) => (/^[A-Za-z]\w*$/.test(given.trim()) ? { value: given.trim() } : { problem: 'is no name of a CRM field (letters, digits and _)' }),
};

export const attributeName: Kind<string> = {
  allowed: 'the name of an attribute',
  read: (given) => {
    if (given.trim() === '') return { problem: 'is empty' };
    return /\p{Cc}/u.test(given) ? { problem: 'holds a control character' } : { value: given.trim().normalize('NFC') };
  },
};

export const yesNo: Kind<boolean> = {
  allowed: 'true or false',
  choices: ['true', 'false'],
  read: (given) => (given === 'true' || given === 'false' ? { value: given === 'true' } : { problem: 'is neither true nor false' }),
};

export function oneOf<const V extends string>(values: readonly V[]): Kind<V> {
  const allowed = values.length === 1 ? values[0]! : `${values.slice(0, -1).join(', ')} or ${values.at(-1)}`;
  return {
    allowed,
    choices: values,
    read(given) {
      const value = values.find((candidate) => candidate === given);
      return value === undefined ? { problem: 'is none of the allowed values' } : { value };
    },
  };
}

/** `pg_` begins the names that PostgreSQL keeps for itself; 40 characters leave room for the suffixes of schemas and ids. */
export const syncName: Kind<string> = {
  allowed: 'lower-case letters, digits and hyphens, a letter first, at most 40 characters',
  read(given) {
    if (!/^[a-z][a-z0-9-]{0,39}$/.test(given)) return { problem: 'is no such name' };
    return given === 'pg' || given.startsWith('pg-') ? { problem: 'begins with pg, which PostgreSQL keeps for its own schemas' } : { value: given };
  },
};

/** Digits, also in groups of three (`4,500,000`, `4_500_000`). */
export function count(from: number): Kind<number> {
  return {
    allowed: `a whole number from ${from}`,
    read(given) {
      const grouped = /^\d{1,3}(?:,\d{3})+$|^\d{1,3}(?:_\d{3})+$|^\d+$/.test(given.trim());
      const value = Number(given.replaceAll(/[,_]/g, ''));
      if (!grouped || !Number.isSafeInteger(value)) return { problem: 'is no whole number' };
      return value < from ? { problem: 'is too small' } : { value };
    },
  };
}

export function optionalCount(from: number): Kind<number | undefined> {
  const inner = count(from);
  return { allowed: `none, or ${inner.allowed}`, read: (given) => (given === 'none' ? { value: undefined } : inner.read(given)) };
}

export const factor: Kind<number> = {
  allowed: 'a number from 1',
  read(given) {
    if (!/^\d+(?:\.\d+)?$/.test(given.trim()) || !Number.isFinite(Number(given))) return { problem: 'is no number' };
    return Number(given) < 1 ? { problem: 'is too small' } : { value: Number(given) };
  },
};

/** `5%` is read as 0.05. */
export const percentage: Kind<number> = {
  allowed: 'a percentage from 0% to 100%, with the sign',
  read(given) {
    const digits = /^(\d+(?:\.\d+)?)\s*%$/.exec(given.trim())?.[1];
    if (digits === undefined) return { problem: 'is no percentage' };
    const value = Number(digits) / 100;
    return value > 1 ? { problem: 'is more than 100%' } : { value };
  },
};

export const callBudget: Kind<CallBudget> = {
  allowed: `${percentage.allowed}, or a whole number of calls`,
  read(given) {
    const share = percentage.read(given);
    if ('value' in share) return { value: { kind: 'share', share: share.value } };
    if (given.includes('%')) return share;
    const calls = count(0).read(given);
    return 'value' in calls ? { value: { kind: 'calls', calls: calls.value } } : { problem: 'is neither a percentage nor a number of calls' };
  },
};

/** `5m` is read as 300000 milliseconds. */
export const durationBelowADay: Kind<number> = {
  allowed: 'a duration below a day, such as 0s, 90s, 5m or 1h',
  read(given) {
    const [, digits, unit] = /^(\d+(?:\.\d+)?)\s*(ms|s|m|h|d)$/.exec(given.trim()) ?? (given.trim() === '0' ? ['', '0', 's'] : []);
    if (digits === undefined || unit === undefined) return { problem: 'is no duration with a unit' };
    const value = Math.round(Number(digits) * unitsMs[unit]!);
    return value >= dayMs ? { problem: 'is a day or more' } : { value };
  },
};

export const cron: Kind<string> = {
  allowed: 'five fields: minute, hour, day of month, month, day of week',
  read(given) {
    const reading = readCron(given);
    return 'problem' in reading ? reading : { value: given.trim().split(/\s+/).join(' ') };
  },
};

export const timeZone: Kind<string> = {
  allowed: 'an IANA time zone such as UTC or Europe/Berlin',
  read(given) {
    if (!/^[A-Za-z]/.test(given)) return { problem: 'is no IANA time zone' };
    try {
      return { value: new Intl.DateTimeFormat('en', { timeZone: given }).resolvedOptions().timeZone === 'UTC' ? 'UTC' : given };
    } catch (error) {
      if (error instanceof RangeError) return { problem: 'is no IANA time zone' };
      throw error;
    }
  },
};

export const apiVersion: Kind<string> = {
  allowed: 'a version of the Salesforce API from 60.0, such as 66.0',
  read(given) {
    const major = /^(\d{2,3})(?:\.0)?$/.exec(given.trim())?.[1];
    if (major === undefined) return { problem: 'is no version of the Salesforce API' };
    return Number(major) < 60 ? { problem: 'is too old' } : { value: `${Number(major)}.0` };
  },
};

export function address(protocols: readonly string[], example: string): Kind<string> {
  return {
    allowed: `an address such as ${example}`,
    read(given) {
      const url = URL.parse(given.trim());
      if (url === null) return { problem: 'is no address' };
      if (!protocols.includes(url.protocol)) return { problem: `does not begin with ${protocols.map((protocol) => `${protocol}//`).join(' or ')}` };
      return { value: given.trim().replace(/\/+$/, '') };
    },
  };
}
