import { ApiError } from './errors.ts';
import { objectNamed } from './org.ts';
import type { Call } from './router.ts';
import { quoted } from './schema.ts';
import { parseDateTime, restDateTime, toSecond } from './values.ts';

const dayMs = 86_400_000;

/** The window of a request, its seconds cut off; what is covered ends now at the latest. */
function windowOf(call: Call, maxDays: number): { start: string; end: string; covered: string } {
  const read = (name: string): number => {
    const text = call.url.searchParams.get(name);
    if (text === null) throw new ApiError(400, 'MISSING_ARGUMENT', `The ${name} parameter is required`);
    const dateTime = parseDateTime(text.replace(' ', '+'));
    if (dateTime === null) throw new ApiError(400, 'INVALID_REPLICATION_DATE', `invalid date: ${text}`);
    return Math.floor(Date.parse(dateTime) / 60_000) * 60_000;
  };
  const startMs = read('start');
  const endMs = read('end');
  const nowMs = call.org.nowMs();
  if (endMs <= startMs) throw new ApiError(400, 'INVALID_REPLICATION_DATE', 'endDate must be at least one minute greater than the startDate');
  if (startMs < nowMs - maxDays * dayMs) throw new ApiError(400, 'INVALID_REPLICATION_DATE', `startDate cannot be more than ${maxDays} days ago`);
  const iso = (ms: number): string => toSecond(new Date(ms).toISOString());
  return { start: iso(startMs), end: iso(endMs), covered: iso(Math.min(endMs, nowMs)) };
}

/** GET sobjects/{object}/updated?start&end: live records with a SystemModstamp in the window. */
export function updated(call: Call): unknown {
  const type = objectNamed(call.org, call.params['object'] ?? '');
  const { start, end, covered } = windowOf(call, 30);
  const live = type.byName.has('isdeleted') ? ' and "IsDeleted" = 0' : '';
  const rows = call.org.store.sql(`select "Id" as id from ${quoted(type.name)} where "SystemModstamp" >= ? and "SystemModstamp" < ?${live} limit 600001`).all(start, end);
  if (rows.length > 600_000) throw new ApiError(400, 'EXCEEDED_ID_LIMIT', 'exceeded id limit of 600000');
  call.rows = rows.length;
  return { ids: rows.map((row) => row['id']), latestDateCovered: restDateTime(covered) };
}

/** GET sobjects/{object}/deleted?start&end */
export function deleted(call: Call): unknown {
  const type = objectNamed(call.org, call.params['object'] ?? '');
  const { start, end, covered } = windowOf(call, 15);
  const rows = call.org.store.sql(`select "Id" as id, _deleted_at as at from ${quoted(type.name)} where _deleted_at >= ? and _deleted_at < ? limit 600001`).all(start, end);
  if (rows.length > 600_000) throw new ApiError(400, 'EXCEEDED_ID_LIMIT', 'exceeded id limit of 600000');
  call.rows = rows.length;
  const earliest = toSecond(new Date(call.org.nowMs() - 15 * dayMs).toISOString());
  return {
    deletedRecords: rows.map((row) => ({ id: row['id'], deletedDate: restDateTime(String(row['at'])) })),
    earliestDateAvailable: restDateTime(earliest), latestDateCovered: restDateTime(covered),
  };
}
