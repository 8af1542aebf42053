import { ApiError } from './errors.ts';
import { readable } from './late-commits.ts';
import type { Org } from './org.ts';
import type { Call } from './router.ts';

const dayMs = 24 * 3600_000;

/** One API request more. @throws {ApiError} REQUEST_LIMIT_EXCEEDED when the day's budget is spent */
export function countRequest(org: Org): void {
  if (org.nowMs() - org.usage.since > dayMs) {
    org.usage.since = org.nowMs();
    org.usage.used = 0;
  }
  if (org.usage.used >= org.settings.dailyApiRequests) throw new ApiError(403, 'REQUEST_LIMIT_EXCEEDED', 'TotalRequests Limit exceeded.');
  org.usage.used += 1;
}

export const limitInfo = (org: Org): string => `api-usage=${org.usage.used}/${org.settings.dailyApiRequests}`;

/** Jobs of the last 24 hours. */
function jobsToday(org: Org, table: 'query_jobs' | 'ingest_jobs'): number {
  const since = new Date(org.nowMs() - dayMs).toISOString();
  return Number(org.store.sql(`select count(*) as n from ${table} where job ->> 'createdDate' >= ?`).get(since)?.['n'] ?? 0);
}

export function limits({ org }: Call): unknown {
  const left = (max: number, used: number): { Max: number; Remaining: number } => ({ Max: max, Remaining: Math.max(0, max - used) });
  return {
    ConcurrentAsyncGetReportInstances: left(200, 0),
    DailyApiRequests: left(org.settings.dailyApiRequests, org.usage.used),
    DailyAsyncApexExecutions: left(250_000, 0),
    DailyBulkApiBatches: left(15_000, jobsToday(org, 'ingest_jobs')),
    DailyBulkV2QueryFileStorageMB: left(976_562, 0),
    DailyBulkV2QueryJobs: left(10_000, jobsToday(org, 'query_jobs')),
    DataStorageMB: left(10_240, 0),
    FileStorageMB: left(10_240, 0),
    SingleEmail: left(5_000, 0),
  };
}

/** Live records of each object asked for with `?sObjects=A,B`, of all without. */
export function recordCount({ org, url }: Call): unknown {
  const asked = url.searchParams.get('sObjects');
  const types = asked === null ? org.store.types() : asked.split(',').flatMap((name) => org.store.type(name.trim()) ?? []);
  return {
    sObjects: types.map((type) => {
      const live = type.byName.has('isdeleted') ? ' where "IsDeleted" = 0' : '';
      return { count: Number(org.store.sql(`select count(*) as n from ${readable(org.store, type.name)}${live}`).get()?.['n']), name: type.name };
    }),
  };
}
