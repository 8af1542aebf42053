import { createReadStream } from 'node:fs';
import { access, constants, stat } from 'node:fs/promises';
import { pipeline } from 'node:stream';
import { CsvError, parse } from 'csv-parse';
import { Failure } from '../domain/failure.ts';
import { deleteJob, forJob, jobIdOf } from './bulkQuery.ts';
import type { Json } from './bulkQuery.ts';
import { failureOf, rowError } from './errors.ts';
import { readText } from './http.ts';
import { salesforceId } from './ids.ts';
import type { Org } from './org.ts';
import type { IngestJob, IngestResultKind, IngestResultRow, IngestState, RowError, Salesforce } from './side.ts';
import { scalarNumber, scalarText } from './values.ts';

type BulkIngest = Pick<
  Salesforce,
  'openIngest' | 'uploadIngest' | 'completeIngest' | 'checkIngest' | 'abortIngest' | 'listOpenIngestJobs' | 'readIngestResults' | 'deleteIngest'
>;

const states: ReadonlySet<string> = new Set(['Open', 'UploadComplete', 'InProgress', 'JobComplete', 'Failed', 'Aborted'] satisfies IngestState[]);
const resultPath = { successful: 'successfulResults', failed: 'failedResults', unprocessed: 'unprocessedrecords' } as const satisfies Record<
  IngestResultKind,
  string
>;

/** Of a record Salesforce takes 400,000 characters; a row beyond that is a quote that nobody closed. */
const longestRowBytes = 8 * 1024 * 1024;
/** More jobs of one day there are not. */
const mostPagesOfJobs = 1_000;

/** `CODE:text:FIELD1,FIELD2 --` or `CODE:text --`: the text can quote values and is dropped. */
function errorOfCell(cell: string): RowError {
  const body = cell.replace(/\s*--\s*$/, '');
  const code = body.split(':', 1)[0]?.trim() ?? '';
  const last = body.lastIndexOf(':');
  const fields =
    last > code.length
      ? body
          .slice(last + 1)
          .split(',')
          .map((field) => field.trim())
      : [];
  return rowError(code, body, fields);
}

function rowOf(header: readonly string[], cells: readonly string[], kind: IngestResultKind, doing: string): IngestResultRow {
  const own: Record<string, string> = {};
  const columns: Record<string, string> = {};
  header.forEach((name, at) => {
    (name.startsWith('sf__') ? own : columns)[name] = cells[at] ?? '';
  });
  const uploaded = Object.entries(columns).find(([name]) => name.toLowerCase() === 'id')?.[1];
  const id = salesforceId(own['sf__Id'] || (uploaded ?? ''));
  if (id === null) throw failureOf('BAD_ANSWER', doing);
  return kind === 'failed' ? { id, error: errorOfCell(own['sf__Error'] ?? ''), columns } : { id, columns };
}

/** An ingest job as the list of jobs has it; null for jobs that are not ours to look at. */
function openJobOf(job: Json | null, userId: string): IngestJob | null {
  const { id, object, state, jobType, createdById, createdDate } = job ?? {};
  if (state !== 'Open' || (jobType !== undefined && jobType !== 'V2Ingest') || salesforceId(scalarText(createdById)) !== userId) return null;
  const createdAt = new Date(scalarText(createdDate));
  const jobId = scalarText(id);
  return jobId === '' || Number.isNaN(createdAt.getTime())
    ? null
    : { jobId, object: scalarText(object), createdAt: createdAt.toISOString(), createdById: userId };
}

export function createBulkIngest(org: Org, apiVersion: string): BulkIngest {
  async function setState(jobId: string, state: 'UploadComplete' | 'Aborted', doing: string): Promise<void> {
    await forJob(doing, () =>
      org.jsforce(doing, async (jsforce) => {
        const job = jsforce.bulk2.job('ingest', { id: jobId });
        await (state === 'Aborted' ? job.abort() : job.close());
      }),
    );
  }

  return {
    async openIngest(object) {
      const doing = `opening a Bulk update of ${object}`;
      const job = await org.jsforce(doing, (jsforce) => jsforce.bulk2.createJob({ object, operation: 'update', lineEnding: 'LF' }).open());
      return { jobId: jobIdOf(job, doing) };
    },

    async uploadIngest(jobId, csvFile) {
      const doing = `uploading to the Bulk update ${jobId}`;
      let bytes: number;
      try {
        await access(csvFile, constants.R_OK);
        bytes = (await stat(csvFile)).size;
      } catch (error) {
        throw failureOf('FILE_UNREADABLE', doing, { cause: error });
      }
      const answer = await forJob(doing, () =>
        org.send({
          method: 'PUT',
          path: `jobs/ingest/${jobId}/batches`,
          headers: { 'content-type': 'text/csv', 'content-length': String(bytes) },
          // a fresh stream each time it is sent, of a length known before: an empty body is never sent in place of a stream that was read
          body: () => createReadStream(csvFile, { end: Math.max(bytes - 1, 0) }),
          doing,
        }),
      );
      await readText(answer, doing);
    },

    completeIngest: (jobId) => setState(jobId, 'UploadComplete', `handing over the Bulk update ${jobId}`),
    abortIngest: (jobId) => setState(jobId, 'Aborted', `aborting the Bulk update ${jobId}`),

    async checkIngest(jobId) {
      const doing = `checking the Bulk update ${jobId}`;
      const job = await forJob(doing, () => org.jsforce(doing, (jsforce) => jsforce.bulk2.job('ingest', { id: jobId }).check()));
      const { state, numberRecordsProcessed: processed, numberRecordsFailed: failed } = (job as unknown as Json | null) ?? {};
      if (typeof state !== 'string' || !states.has(state)) throw failureOf('BAD_ANSWER', doing);
      return { state: state as IngestState, processed: scalarNumber(processed ?? 0), failed: scalarNumber(failed ?? 0) };
    },

    async listOpenIngestJobs() {
      const doing = 'listing Bulk updates';
      const { userId } = await org.grant();
      const jobs: IngestJob[] = [];
      const seen = new Set<string>();
      for (let next: string | null = `/services/data/v${apiVersion}/jobs/ingest`; next !== null;) {
        if (seen.has(next) || seen.size === mostPagesOfJobs) throw failureOf('LOCATOR_REPEATED', doing);
        seen.add(next);
        const path: string = next;
        const page = await org.jsforce(doing, (jsforce) => jsforce.request<Json | null>(path));
        const records = page?.['records'];
        if (!Array.isArray(records)) throw failureOf('BAD_ANSWER', doing);
        for (const record of records) {
          const job = openJobOf(record as Json | null, userId);
          if (job !== null) jobs.push(job);
        }
        const more = page?.['nextRecordsUrl'];
        next = page?.['done'] === false && typeof more === 'string' ? more : null;
      }
      return jobs;
    },

    async *readIngestResults(jobId, kind) {
      const doing = `reading the ${kind} rows of the Bulk update ${jobId}`;
      const answer = await forJob(doing, () =>
        org.send({ method: 'GET', path: `jobs/ingest/${jobId}/${resultPath[kind]}`, headers: { accept: 'text/csv' }, doing }),
      );
      // one delimiter, the one the job was opened with; a short or long row is an error
      const rows = pipeline(answer.body, parse({ bom: true, delimiter: ',', max_record_size: longestRowBytes }), () => undefined);
      let header: readonly string[] | null = null;
      try {
        for await (const row of rows) {
          const cells = row as readonly string[];
          if (header === null) header = cells;
          else yield rowOf(header, cells, kind, doing);
        }
      } catch (error) {
        throw error instanceof CsvError && !(error instanceof Failure) ? failureOf('BAD_CSV', doing) : error;
      } finally {
        rows.destroy();
      }
    },

    deleteIngest: (jobId) => deleteJob(org, 'ingest', jobId),
  };
}
