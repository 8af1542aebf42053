import { ApiError } from './errors.ts';
import type { Credentials } from './credentials.ts';
import type { FaultSwitch } from './fault-switch.ts';
import type { RequestLog } from './request-log.ts';
import type { ObjectType } from './schema.ts';
import type { Settings } from './settings.ts';
import type { Store } from './store.ts';
import { toSecond } from './values.ts';

/** The running org: its state, who may come in, its settings and clock. */
export type Org = {
  readonly store: Store;
  credentials: Credentials;
  settings: Settings;
  readonly log: RequestLog;
  readonly faults: FaultSwitch;
  readonly usage: { used: number; since: number };
  /** The org's own clock. */
  readonly nowMs: () => number;
  /** When the recycle bin is looked through next. */
  nextPurgeMs: number;
};

/** The present second as `...000Z`: what SystemModstamp gets. */
export const nowStamp = (org: Org): string => toSecond(new Date(org.nowMs()).toISOString());

/** The object named in a path. @throws {ApiError} NOT_FOUND */
export function objectNamed(org: Org, name: string): ObjectType {
  const type = org.store.type(name);
  if (type === undefined) throw new ApiError(404, 'NOT_FOUND', 'The requested resource does not exist');
  return type;
}
