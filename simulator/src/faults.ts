/** What a job's own life gets wrong; kept with the job, so that it outlives a restart. */
export type JobFault = {
  readonly kind: 'job';
  /** `stuck` in InProgress; `Failed` or `Aborted`; `gone`: done and then deleted, 404 from then on. Absent: it ends as usual. */
  readonly end?: 'stuck' | 'Failed' | 'Aborted' | 'gone';
  /** Ingest: so many rows are worked on before that; the others are unprocessed. Absent: none; with `gone`: all. */
  readonly afterRows?: number;
  /** `stuck`: asked for its state so many times, it goes on. Absent: never. */
  readonly polls?: number;
  /** Of a Failed job. */
  readonly message?: string;
  /** Ingest: the first so many rows stand in no result file. */
  readonly lostRows?: number;
  /** Whether those are saved all the same. */
  readonly lostAreSaved?: boolean;
};

/** Rows of a save or an ingest job that are refused, the others being saved. */
export type RowFault = {
  readonly kind: 'rowError';
  /** Default: UNABLE_TO_LOCK_ROW. */
  readonly errorCode?: string;
  readonly message?: string;
  readonly fields?: readonly string[];
  /** The first so many rows of the request or job. Absent: all. */
  readonly rows?: number;
  /** Only these records. */
  readonly ids?: readonly string[];
};

/** What is done to one request. Sizes in bytes, times in milliseconds. */
export type Fault =
  /** An answer instead of the org's: `errorCode` and `message` as Salesforce's error, or any `body`. */
  | {
      readonly kind: 'status';
      readonly status: number;
      readonly errorCode?: string;
      readonly message?: string;
      readonly body?: unknown;
      readonly contentType?: string;
    }
  | { readonly kind: 'requestLimit'; readonly limit: 'total' | 'concurrent' }
  | { readonly kind: 'html'; readonly status?: number }
  | { readonly kind: 'delay'; readonly ms: number }
  /** The connection is closed with nothing done. */
  | { readonly kind: 'close' }
  /** Everything is done and committed, then the connection is closed without an answer. */
  | { readonly kind: 'loseAnswer' }
  /** The answer in pieces of `bytes`, `everyMs` apart. */
  | { readonly kind: 'drip'; readonly bytes: number; readonly everyMs: number }
  /** The answer ends after `afterBytes` of its body (or half of it): by a closed connection, or, `clean`, as if it were whole. */
  | { readonly kind: 'cut'; readonly afterBytes?: number; readonly clean?: boolean }
  /** So many random bytes as the body, under the answer's own headers. */
  | { readonly kind: 'garbage'; readonly bytes: number }
  /** `Sforce-Locator` is not sent, or names the page that was just asked for. */
  | { readonly kind: 'locator'; readonly as: 'missing' | 'repeated' }
  /** `Sforce-NumberOfRecords`, `totalSize` or `numberRecordsProcessed` is wrong by so many. */
  | { readonly kind: 'wrongCount'; readonly by: number }
  /** The last so many rows of a page of CSV or JSON are not there, whatever its count says. */
  | { readonly kind: 'dropRows'; readonly rows: number }
  /** The request's access token ends: 401 INVALID_SESSION_ID. */
  | { readonly kind: 'sessionExpired' }
  | JobFault
  | RowFault;

export type FaultKind = Fault['kind'];

/** Which requests a fault is for. Of all that match, `at` takes the n-th and those after it, `every` each k-th, `probability` some by the seed. */
export type FaultRule = {
  readonly name: string;
  /** `*` within a part of the path, `**` across; against the whole path and the path without `/services/data/vNN.0`. */
  readonly path: string;
  readonly method?: string;
  /** A text of the query string or the body, in any case. */
  readonly contains?: string;
  readonly at?: number;
  readonly every?: number;
  readonly probability?: number;
  /** How many times it strikes at most. Default: once with `at`, else always. */
  readonly count: number | 'always';
  /** Waits before everything else. */
  readonly delayMs?: number;
  readonly fault: Fault;
};

export type FaultFile = { readonly seed: number; readonly rules: readonly FaultRule[] };
