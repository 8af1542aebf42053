import type { ObjectType } from '../src/domain/objects.ts';
import type { RunRef } from '../src/ledger/runs.ts';
import { proxies } from './activity-proxies.ts';
import type { Proxies } from './activity-proxies.ts';

export interface FetchInput extends RunRef {
  readonly object: ObjectType;
  /** Persons of the object's kind as well; for leads the contacts' read brings them. */
  readonly persons: boolean;
  /** `run --full` */
  readonly full?: boolean;
  readonly nominalAt?: string | undefined;
  readonly heartbeatTimeoutMs?: number;
}

export interface FetchResult {
  readonly records: number;
  readonly persons: number;
}

/** Reads one object of both sides, page by page, and takes the complete reads into the mirror. */
export async function fetchObject(input: FetchInput): Promise<FetchResult> {
  const { run, attempt, object, persons, heartbeatTimeoutMs } = input;
  const ref = { run, attempt };
  const activities = proxies(heartbeatTimeoutMs);
  // Neither ends while the other one still works.
  const [records, people] = await Promise.allSettled([fetchRecords(activities, ref, input), persons ? fetchPersons(activities, ref, object) : 0]);
  if (records.status === 'rejected') throw records.reason;
  if (people.status === 'rejected') throw people.reason;
  return { records: records.value, persons: people.value };
}

/**
 * Turn by turn until everything is staged, then all of it at once into the mirror. A read that an earlier run had begun is followed by one of what changed since. Where a cap
 * stops it, it is left for the next run.
 */
async function fetchRecords({ salesforce, mirror }: Proxies, ref: RunRef, { object, full = false, nominalAt }: FetchInput): Promise<number> {
  let records = 0;
  let turn = 0;
  for (let pass = 0, carried = true; carried; pass += 1) {
    const opened = await salesforce.openFetch(ref, object, { full, ...(nominalAt === undefined ? {} : { nominalAt }) }, pass);
    if (opened.next === 'nothing') break;
    for (let more = opened.next === 'turns'; more; turn += 1) {
      const read = await salesforce.fetchPage(ref, object, turn);
      if (read.next === 'cap') return records;
      more = read.next === 'turn';
    }
    const absorbed = await mirror.absorbFetched(ref, object, pass);
    if (absorbed.jobs > 0) await salesforce.closeFetch(ref, object);
    records += absorbed.records;
    carried = absorbed.carried;
  }
  return records;
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
