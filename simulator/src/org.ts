import { ApiError } from './errors.ts';
import type { Credentials } from './credentials.ts';
import type { RequestLog } from './request-log.ts';
import type { ObjectType } from './schema.ts';
import type { Store } from './store.ts';
import { toSecond } from './values.ts';

/** What a caller may set; everything has the default of `defaultSettings`. */
export type Settings = {
  readonly keepEmailCase: boolean;
  /** How long an access token lives from its issue. */
  readonly tokenLifetimeMs: number;
  /** API requests a day, as `DailyApiRequests`. */
  readonly dailyApiRequests: number;
  /** Rows of a Bulk result page when the client names no `maxRecords`. */
  readonly bulkPageRows: number;
  /** Bytes of one Bulk ingest upload. */
  readonly uploadLimitBytes: number;
};

export const defaultSettings: Settings = {
  keepEmailCase: false,
  tokenLifetimeMs: 2 * 3600_000,
  dailyApiRequests: 100_000,
  bulkPageRows: 50_000,
  uploadLimitBytes: 150 * 1024 * 1024,
};

/** The running org: its state, who may come in, its settings and clock. */
export type Org = {
  readonly store: Store;
  readonly credentials: Credentials;
  readonly settings: Settings;
  readonly log: RequestLog;
  readonly usage: { used: number; since: number };
  readonly nowMs: () => number;
};

/** The present second as `...000Z`: what SystemModstamp gets. */
export const nowStamp = (org: Org): string => toSecond(new Date(org.nowMs()).toISOString());

/** The object named in a path. @throws {ApiError} NOT_FOUND */
export function objectNamed(org: Org, name: string): ObjectType {
  const type = org.store.type(name);
  if (type === undefined) throw new ApiError(404, 'NOT_FOUND', 'The requested resource does not exist');
  return type;
}
