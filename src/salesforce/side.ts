import type { Readable } from 'node:stream';
import type { FieldFacts } from '../domain/fields.ts';
import { createBulkIngest } from './bulkIngest.ts';
import { createBulkQuery } from './bulkQuery.ts';
import type { SalesforceConnection, Timeouts } from './connection.ts';
import { createHttp } from './http.ts';
import { createOrg } from './org.ts';
import { createRest } from './rest.ts';
import { createTracking } from './tracking.ts';
import type { JsonText } from './values.ts';

/** Names of the CRM objects that are shared. */
export type CrmObject = 'Account' | 'Contact' | 'Lead';

export interface Identity {
  /** Both 18 characters. */
  readonly organizationId: string;
  readonly userId: string;
}

export interface ObjectDescription {
  readonly fields: readonly FieldFacts[];
  /** First three characters of every id (R8). */
  readonly prefix: string;
}

export interface Allowance {
  readonly max: number;
  readonly remaining: number;
}

/** What is left of the org's daily allowances; null where the org does not say. */
export interface Limits {
  readonly dailyApiRequests: Allowance;
  readonly dailyBulkApiBatches: Allowance | null;
  readonly dailyBulkV2QueryJobs: Allowance | null;
}

export interface ChangeLog {
  readonly ids: readonly string[];
  readonly latestDateCovered: string;
  readonly serverDate: string;
}

export interface QueryPage {
  readonly rows: readonly CrmRow[];
  readonly total: number;
  /** Where the next page begins; null after the last. */
  readonly next: string | null;
}

export type QueryJobState = { readonly state: 'running' } | { readonly state: 'complete'; readonly records: number };

export interface ResultPage {
  /**
   * CSV bytes, unzipped, without NUL, beginning with a header row. Every cell is quoted: null comes as `""`, so COPY it with FORCE_NULL.
   * A body that ends early destroys the stream with a transient Failure.
   */
  readonly csv: Readable;
  /** `Sforce-NumberOfRecords`: the stream must hold as many rows; whoever counts them compares. */
  readonly rows: number;
  /** Where the next page begins; null after the last. Stable while the job exists: a page can be fetched again. */
  readonly nextLocator: string | null;
}

/** A row as REST returns it; numbers too long for a double come as text (`readJson`). */
export type CrmRow = Readonly<Record<string, unknown>>;

export type WrittenValue = string | number | boolean | null | JsonText;

export interface RowUpdate {
  readonly id: string;
  readonly values: Readonly<Record<string, WrittenValue>>;
}

/** A refusal of one row. The message is ours: Salesforce's own can quote the value. */
export interface RowError {
  readonly code: string;
  readonly message: string;
  readonly fields: readonly string[];
}

export type RowResult = { readonly ok: true } | ({ readonly ok: false } & RowError);

export type IngestState = 'Open' | 'UploadComplete' | 'InProgress' | 'JobComplete' | 'Failed' | 'Aborted';

export interface IngestProgress {
  readonly state: IngestState;
  /** Rows handled, the failed ones among them. */
  readonly processed: number;
  readonly failed: number;
}

export interface IngestJob {
  readonly jobId: string;
  readonly object: string;
  /** ISO instant. */
  readonly createdAt: string;
  readonly createdById: string;
}

export type IngestResultKind = 'successful' | 'failed' | 'unprocessed';

export interface IngestResultRow {
  /** 18 characters. */
  readonly id: string;
  /** Of failed rows only. */
  readonly error?: RowError;
  /** The columns that were uploaded, as they came back. */
  readonly columns: Readonly<Record<string, string>>;
}

/**
 * The CRM side: what the sync asks of one org. Everything throws `Failure` (`src/salesforce/errorTable.ts` says which codes and what to do); nothing
 * retries by itself but a session that ran out, which is renewed once a request. Ids go in with 15 or 18 characters and come out with 18 (R8).
 */
export interface Salesforce {
  identity(): Promise<Identity>;
  describe(object: CrmObject): Promise<ObjectDescription>;
  limits(): Promise<Limits>;
  /** The org's clock, by the Date header of an answer of the last minute, else of a fresh one: an ISO instant, to the second, never ahead of it. */
  serverDate(): Promise<string>;

  /** Starts a Bulk 2.0 `queryAll`: deleted rows of the recycle bin included. A repeat opens a second job; the first is harmless. */
  openQuery(soql: string): Promise<{ readonly jobId: string }>;
  /** Throws `JOB_FAILED`, `QUERY_TOO_LARGE`, `JOB_ABORTED`, `JOB_GONE` (404). */
  checkQuery(jobId: string): Promise<QueryJobState>;
  readPage(jobId: string, locator: string | null, maxRecords: number): Promise<ResultPage>;
  /** A job that is gone already is fine. */
  deleteQuery(jobId: string): Promise<void>;

  /** Up to 2,000 ids; null for those that do not exist (any more). Keys are the ids with 18 characters. */
  retrieve(object: CrmObject, ids: readonly string[], fields: readonly string[]): Promise<Map<string, CrmRow | null>>;
  /** Up to 200 rows of one object, each for itself (not all or none), assignment rules off. Results in the order of the rows. */
  updateRows(object: CrmObject, rows: readonly RowUpdate[]): Promise<readonly RowResult[]>;

  /** Opens a Bulk 2.0 `update` job for a CSV with LF and commas. An Open job is never processed. */
  openIngest(object: CrmObject): Promise<{ readonly jobId: string }>;
  /** Uploads the file once; a second upload to a job is Salesforce's error. */
  uploadIngest(jobId: string, csvFile: string): Promise<void>;
  completeIngest(jobId: string): Promise<void>;
  checkIngest(jobId: string): Promise<IngestProgress>;
  abortIngest(jobId: string): Promise<void>;
  /** Open Bulk 2.0 ingest jobs of the user the sync runs as. */
  listOpenIngestJobs(): Promise<readonly IngestJob[]>;
  /** The order of rows is not that of the upload. */
  readIngestResults(jobId: string, kind: IngestResultKind): AsyncIterable<IngestResultRow>;
  deleteIngest(jobId: string): Promise<void>;

  /**
   * Ids changed in [start, end), ISO instants; Salesforce cuts them to the minute. Changes before `latestDateCovered` are all visible; `serverDate` is the Date of
   * the answer. Throws `INVALID_REPLICATION_DATE`, `EXCEEDED_ID_LIMIT`.
   */
  updated(object: CrmObject, start: string, end: string): Promise<ChangeLog>;
  deleted(object: CrmObject, start: string, end: string): Promise<ChangeLog & { readonly earliestDateAvailable: string }>;
  /** How many records meet a SOQL condition (`''`: all), the recycle bin included. */
  count(object: CrmObject, condition: string): Promise<number>;
  /** One page of a REST `queryAll`, or the one that a locator names. `total` is of the whole query. Throws `INVALID_QUERY_LOCATOR` when the locator has expired. */
  queryPage(from: { readonly soql: string } | { readonly locator: string }): Promise<QueryPage>;

  /** Calls that count against the org's daily allowance, since creation, failed ones too. */
  apiCalls(): number;
  /** `Sforce-Limit-Info` of the newest answer; null before the first. */
  usage(): { readonly used: number; readonly max: number } | null;
  /** Closes the connections that are kept alive. */
  close(): Promise<void>;
}

/** Nothing is sent before the first call: it logs in. `close()` when done. */
export function createSalesforce(connection: SalesforceConnection, timeouts?: Timeouts): Salesforce {
  const http = createHttp(timeouts);
  const org = createOrg(connection, http);
  return {
    ...createRest(org),
    ...createTracking(org, http),
    ...createBulkQuery(org),
    ...createBulkIngest(org, connection.apiVersion),
    apiCalls: http.apiCalls,
    usage: http.usage,
    close: http.close,
  };
}
