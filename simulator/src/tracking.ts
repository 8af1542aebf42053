import { ApiError } from './errors.ts';
import { oldestOpen, readable } from './late-commits.ts';
import { objectNamed } from './org.ts';
import type { Org } from './org.ts';
import { binDays, dayMs } from './recycle-bin.ts';
import type { Call } from './router.ts';
import { parseDateTime, restDateTime, toSecond } from './values.ts';

const isoSecond = (ms: number): string => toSecond(new Date(ms).toISOString());

type Window = { readonly start: string; readonly end: string; readonly covered: string };

/** The window of a request, its seconds cut off. What is covered ends now at the latest, or when the oldest transaction began that is still open. */
function windowOf(call: Call, maxDays: number): Window {
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
  const open = oldestOpen(call.org.store);
  const covered = isoSecond(Math.min(endMs, nowMs));
  return { start: isoSecond(startMs), end: isoSecond(endMs), covered: open === null || open > covered ? covered : open };
}

function answerIds<T>(call: Call, rows: readonly T[]): readonly T[] {
  const limit = call.org.settings.replicationIdLimit;
  if (rows.length > limit) throw new ApiError(400, 'EXCEEDED_ID_LIMIT', `exceeded id limit of ${limit}`);
  call.rows = rows.length;
  return rows;
}

/** GET sobjects/{object}/updated?start&end: live records with a SystemModstamp in the window. */
export function updated(call: Call): unknown {
  const { store, settings } = call.org;
  const type = objectNamed(call.org, call.params['object'] ?? '');
  const { start, end, covered } = windowOf(call, 30);
  const live = type.byName.has('isdeleted') ? ' and "IsDeleted" = 0' : '';
  const rows = answerIds(
    call,
    store
      .sql(`select "Id" as id from ${readable(store, type.name)} where "SystemModstamp" >= ? and "SystemModstamp" < ?${live} limit ?`)
      .all(start, end, settings.replicationIdLimit + 1),
  );
  return { ids: rows.map((row) => row['id']), latestDateCovered: restDateTime(covered) };
}

/** Up to when an object's delete log was purged before its time; null: never. */
const purgedUntil = (org: Org, object: string): string | null => org.store.meta(`deleteLogFrom:${object}`) ?? null;

/** Forgets what the delete log has so far: a client that lags behind must read everything again. */
export function purgeDeleteLog(org: Org): void {
  const now = isoSecond(org.nowMs());
  org.store.transaction(() => {
    org.store.sql('delete from delete_log').run();
    for (const type of org.store.types()) org.store.setMeta(`deleteLogFrom:${type.name}`, now);
  });
}

/** GET sobjects/{object}/deleted?start&end: from the delete log, which knows hard-deleted records too. */
export function deleted(call: Call): unknown {
  const { store, settings } = call.org;
  const type = objectNamed(call.org, call.params['object'] ?? '');
  const { start, end, covered } = windowOf(call, binDays);
  const purged = purgedUntil(call.org, type.name);
  if (purged !== null && start < purged)
    throw new ApiError(400, 'INVALID_REPLICATION_DATE', `startDate is before the earliest date available: ${purged}`);
  const rows = answerIds(
    call,
    store
      .sql(`select id, max(deleted_at) as at from delete_log where object = ? and deleted_at >= ? and deleted_at < ?
    and id not in (select id from open_rows where object = ?) group by id limit ?`)
      .all(type.name, start, end, type.name, settings.replicationIdLimit + 1),
  );
  const earliest = isoSecond(call.org.nowMs() - binDays * dayMs);
  return {
    deletedRecords: rows.map((row) => ({ id: row['id'], deletedDate: restDateTime(String(row['at'])) })),
    earliestDateAvailable: restDateTime(purged !== null && purged > earliest ? purged : earliest),
    latestDateCovered: restDateTime(covered),
  };
}
