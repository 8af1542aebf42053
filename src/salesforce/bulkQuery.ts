import { Failure } from '../domain/failure.ts';
import { failureOf } from './errors.ts';
import { readText } from './http.ts';
import type { Org } from './org.ts';
import type { Salesforce } from './side.ts';
import { scalarNumber, scalarText } from './values.ts';

type BulkQuery = Pick<Salesforce, 'openQuery' | 'checkQuery' | 'readPage' | 'deleteQuery'>;

export type Json = Readonly<Record<string, unknown>>;

/** It becomes part of addresses and messages. */
const jobIdPattern = /^\w{1,40}$/;

export function jobIdOf(job: unknown, doing: string): string {
  const id = (job as Json | null)?.['id'];
  if (typeof id !== 'string' || !jobIdPattern.test(id)) throw failureOf('BAD_ANSWER', doing);
  return id;
}

/** A job's 404 is not a record's: a new job is needed (`JOB_GONE`). */
export function jobFailure(error: unknown, doing: string): unknown {
  if (!(error instanceof Failure)) return error;
  if (error.code === 'NOT_FOUND' || error.code === 'INVALID_CROSS_REFERENCE_KEY') return failureOf('JOB_GONE', doing, { cause: error });
  return error;
}

export async function forJob<Result>(doing: string, work: () => Promise<Result>): Promise<Result> {
  try {
    return await work();
  } catch (error) {
    throw jobFailure(error, doing);
  }
}

function countOf(text: string | undefined): number | null {
  return text !== undefined && /^\d+$/.test(text.trim()) ? Number(text) : null;
}

/** The message of a failed job quotes its query: only what it means is kept. */
function isTooLarge(job: Json): boolean {
  return /retried more than|QUERY_TIMEOUT|OPERATION_TOO_LARGE|time limit/i.test(scalarText(job['errorMessage']));
}

export function createBulkQuery(org: Org): BulkQuery {
  return {
    async openQuery(soql) {
      const doing = 'opening a Bulk query';
      const job = await org.jsforce(doing, (jsforce) =>
        jsforce.request<unknown>({
          method: 'POST',
          url: '/jobs/query',
          body: JSON.stringify({ operation: 'queryAll', query: soql, contentType: 'CSV', columnDelimiter: 'COMMA', lineEnding: 'LF' }),
          headers: { 'content-type': 'application/json' },
        }),
      );
      return { jobId: jobIdOf(job, doing) };
    },

    async checkQuery(jobId) {
      const doing = `checking the Bulk query ${jobId}`;
      const job = (await forJob(doing, () => org.jsforce(doing, (jsforce) => jsforce.request<Json | null>(`/jobs/query/${jobId}`)))) ?? {};
      switch (job['state']) {
        case 'UploadComplete':
        case 'InProgress':
          return { state: 'running' };
        case 'JobComplete': {
          const records = scalarNumber(job['numberRecordsProcessed']);
          if (!Number.isSafeInteger(records)) throw failureOf('BAD_ANSWER', doing);
          return { state: 'complete', records };
        }
        case 'Failed':
          throw failureOf(isTooLarge(job) ? 'QUERY_TOO_LARGE' : 'JOB_FAILED', doing);
        case 'Aborted':
          throw failureOf('JOB_ABORTED', doing);
        default:
          throw failureOf('BAD_ANSWER', doing);
      }
    },

    async readPage(jobId, locator, maxRecords) {
      const doing = `reading a page of the Bulk query ${jobId}`;
      const search = new URLSearchParams({ maxRecords: String(maxRecords), ...(locator === null ? {} : { locator }) });
      const answer = await forJob(doing, () =>
        org.send({ method: 'GET', path: `jobs/query/${jobId}/results?${search.toString()}`, headers: { accept: 'text/csv' }, doing }),
      );
      const rows = countOf(answer.headers['sforce-numberofrecords']);
      const next = answer.headers['sforce-locator'];
      const type = answer.headers['content-type'] ?? '';
      const wrong = !type.startsWith('text/csv')
        ? 'NOT_JSON'
        : rows === null
          ? 'ROW_COUNT_MISSING'
          : next === undefined || next === ''
            ? 'LOCATOR_MISSING'
            : next === locator || (rows === 0 && next !== 'null')
              ? 'LOCATOR_REPEATED'
              : null;
      if (wrong !== null || rows === null || next === undefined) {
        answer.body.destroy();
        throw failureOf(wrong ?? 'BAD_ANSWER', doing, { httpStatus: answer.status });
      }
      return { csv: answer.body, rows, nextLocator: next === 'null' ? null : next };
    },

    deleteQuery: (jobId) => deleteJob(org, 'query', jobId),
  };
}

/** Deletes a job; one that is gone already is fine. */
export async function deleteJob(org: Org, kind: 'query' | 'ingest', jobId: string): Promise<void> {
  const doing = `deleting the Bulk job ${jobId}`;
  try {
    await readText(await org.send({ method: 'DELETE', path: `jobs/${kind}/${jobId}`, doing }), doing);
  } catch (error) {
    const failure = jobFailure(error, doing);
    if (!(failure instanceof Failure) || failure.code !== 'JOB_GONE') throw failure;
  }
}
