import type { Json } from './bulkQuery.ts';
import { failureOf } from './errors.ts';
import type { Http } from './http.ts';
import { salesforceId } from './ids.ts';
import { readBody } from './org.ts';
import type { Org } from './org.ts';
import type { CrmObject, CrmRow, Salesforce } from './side.ts';
import { canonicalInstant, readJson, scalarNumber, scalarText } from './values.ts';

type Tracking = Pick<Salesforce, 'serverDate' | 'updated' | 'deleted' | 'count' | 'queryPage'>;

/** An answer's Date is good for so long: nothing but the time since is added, by a clock that nobody sets. */
const freshMs = 60_000;

function wideId(id: unknown, doing: string): string {
  const wide = salesforceId(scalarText(id));
  if (wide === null) throw failureOf('BAD_ANSWER', doing);
  return wide;
}

function instantOf(text: unknown, doing: string): string {
  const instant = canonicalInstant(scalarText(text));
  if (instant === null) throw failureOf('BAD_ANSWER', doing);
  return instant;
}

function isRow(record: unknown): record is CrmRow {
  return typeof record === 'object' && record !== null && !Array.isArray(record);
}

/** What changed, by the org's own log and clock, and queries over it. */
export function createTracking(org: Org, http: Http): Tracking {
  async function read(path: string, doing: string): Promise<{ readonly body: Json; readonly date: string }> {
    const answer = await org.send({ method: 'GET', path, doing });
    const body = await readBody(answer, doing, readJson);
    if (typeof body !== 'object' || body === null) throw failureOf('BAD_ANSWER', doing);
    const date = new Date(answer.headers['date'] ?? '');
    if (Number.isNaN(date.getTime())) throw failureOf('BAD_ANSWER', doing);
    return { body: body as Json, date: date.toISOString() };
  }

  async function log(object: CrmObject, kind: 'updated' | 'deleted', start: string, end: string) {
    const doing = `asking what was ${kind} in ${object}`;
    const window = new URLSearchParams({ start: offsetText(start), end: offsetText(end) });
    const { body, date } = await read(`sobjects/${object}/${kind}/?${window.toString()}`, doing);
    const rows: unknown = kind === 'updated' ? body['ids'] : body['deletedRecords'];
    if (!Array.isArray(rows)) throw failureOf('BAD_ANSWER', doing);
    const ids = rows.map((row: unknown) => wideId(kind === 'updated' ? row : (row as Json | null)?.['id'], doing));
    return { body, doing, ids, latestDateCovered: instantOf(body['latestDateCovered'], doing), serverDate: date };
  }

  return {
    async serverDate() {
      const known = http.clock();
      if (known !== null && known.ageMs < freshMs) return new Date(Math.floor((known.dateMs + known.ageMs) / 1000) * 1000).toISOString();
      return (await read('limits', 'reading the clock')).date;
    },

    async updated(object, start, end) {
      const { ids, latestDateCovered, serverDate } = await log(object, 'updated', start, end);
      return { ids, latestDateCovered, serverDate };
    },

    async deleted(object, start, end) {
      const { body, doing, ids, latestDateCovered, serverDate } = await log(object, 'deleted', start, end);
      return { ids, latestDateCovered, serverDate, earliestDateAvailable: instantOf(body['earliestDateAvailable'], doing) };
    },

    async count(object, condition) {
      const doing = `counting ${object}`;
      const soql = `SELECT COUNT() FROM ${object}${condition === '' ? '' : ` WHERE ${condition}`}`;
      const { body } = await read(`queryAll/?${new URLSearchParams({ q: soql }).toString()}`, doing);
      const total = scalarNumber(body['totalSize']);
      if (!Number.isSafeInteger(total)) throw failureOf('BAD_ANSWER', doing);
      return total;
    },

    async queryPage(from) {
      const doing = 'querying';
      const path = 'soql' in from ? `queryAll/?${new URLSearchParams({ q: from.soql }).toString()}` : from.locator;
      const { body } = await read(path, doing);
      const { records, totalSize, done, nextRecordsUrl } = body;
      if (!Array.isArray(records) || !Number.isSafeInteger(totalSize)) throw failureOf('BAD_ANSWER', doing);
      const next = done === true ? null : nextRecordsUrl;
      if (next !== null && (typeof next !== 'string' || !next.startsWith('/'))) throw failureOf('LOCATOR_MISSING', doing);
      // A page that brings nothing and names another one may go on so for ever.
      if (next !== null && (next === path || records.length === 0)) throw failureOf('LOCATOR_REPEATED', doing);
      if (!records.every(isRow)) throw failureOf('BAD_ANSWER', doing);
      return { rows: records, total: Number(totalSize), next };
    },
  };
}

/** `2026-11-23T00:00:00+00:00`: the spelling of the documentation. */
function offsetText(iso: string): string {
  return new Date(iso).toISOString().replace(/\.\d+Z$/, '+00:00');
}
