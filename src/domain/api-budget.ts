/** What one run may use of an org's daily requests, and how much is used. */
export interface BudgetState {
  /** What the run may use in 24 hours. */
  readonly perRun: number;
  /** What must be left of the org's requests. */
  readonly reserve: number;
  /** Calls that the run has made. */
  readonly used: number;
  /** Since the run began. */
  readonly elapsedMs: number;
  /** The org's own count of the last 24 hours; null: it has not said. */
  readonly org: { readonly used: number; readonly max: number } | null;
}

const dayMs = 24 * 3_600_000;

/** Calls that the run may still make; the org counts 24 hours, so a run that lasts longer gets its share anew. Not below 0. */
export function callsLeft({ perRun, reserve, used, elapsedMs, org }: BudgetState): number {
  const own = perRun * (1 + Math.max(0, Math.floor(elapsedMs / dayMs))) - used;
  const ofOrg = org === null ? Infinity : org.max - org.used - reserve;
  return Math.max(0, Math.min(own, ofOrg));
}

const rowsPerUpdate = 200;
const idsPerRetrieve = 2_000;
/** Up to so many records of one object go through collections, more as Bulk jobs of so many each. */
const mostRecordsOfCollections = 2_000;
const recordsPerJob = 50_000;
/** Open, upload, hand over, look (some five times), three result files. */
const callsPerJob = 11;

/** Salesforce calls that it takes to look at the records of one object, write them and read them back. */
export function forecastCalls(records: number): number {
  if (records <= 0) return 0;
  const looks = 2 * Math.ceil(records / idsPerRetrieve);
  return looks + (records <= mostRecordsOfCollections ? Math.ceil(records / rowsPerUpdate) : Math.ceil(records / recordsPerJob) * callsPerJob);
}
