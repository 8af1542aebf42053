import type { ObjectType } from '../src/domain/objects.ts';
import type { RunRef } from '../src/ledger/runs.ts';
import { proxies } from './activity-proxies.ts';
import type { Proxies } from './activity-proxies.ts';

export interface FetchInput extends RunRef {
  readonly object: ObjectType;
  /** Persons of the object's kind as well; for leads the contacts' read brings them. */
  readonly persons: boolean;
  readonly heartbeatTimeoutMs?: number;
}

export interface FetchResult {
  readonly records: number;
  readonly persons: number;
}

/** Reads one object of both sides in full, page by page, and takes the complete reads into the mirror. */
export async function fetchObject({ run, attempt, object, persons, heartbeatTimeoutMs }: FetchInput): Promise<FetchResult> {
  const ref = { run, attempt };
  const activities = proxies(heartbeatTimeoutMs);
  const [records, personCount] = await Promise.all([fetchRecords(activities, ref, object), persons ? fetchPersons(activities, ref, object) : 0]);
  return { records, persons: personCount };
}

async function fetchRecords({ salesforce, mirror }: Proxies, ref: RunRef, object: ObjectType): Promise<number> {
  const { jobId } = await salesforce.openFetch(ref, object);
  if (jobId === null) return 0;
  const { records } = await salesforce.checkFetch(ref, jobId);
  let locator: string | null = null;
  let page = 0;
  do {
    const read: { readonly next: string | null } = await salesforce.fetchPage(ref, { object, jobId, locator, page });
    locator = read.next;
    page += 1;
  } while (locator !== null);
  const absorbed = await mirror.absorbFetched(ref, object, records);
  await salesforce.closeFetch(ref, jobId);
  return absorbed.records;
}

async function fetchPersons({ mirror }: Proxies, ref: RunRef, object: ObjectType): Promise<number> {
  const kind = object === 'account' ? 'account' : 'user';
  let cursor: string | null = 'start';
  let page = 0;
  while (cursor !== null) {
    const read: { readonly next: string | null } = await mirror.fetchPersonsPage(ref, { kind, cursor, page });
    cursor = read.next;
    page += 1;
  }
  const absorbed = await mirror.absorbPersonsRead(ref, kind);
  return absorbed.records;
}
