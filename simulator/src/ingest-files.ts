import { closeSync, createWriteStream, fsyncSync, openSync, renameSync, rmSync } from 'node:fs';
import { Transform } from 'node:stream';
import { pipeline } from 'node:stream/promises';
import { createGunzip } from 'node:zlib';
import { csvLine, uploadedRows } from './bulk-ingest.ts';
import { ApiError } from './errors.ts';
import { ingestDelimiters, readIngestJob, saveIngestJob, uploadFile, uploadedReply } from './ingest-jobs.ts';
import type { IngestJob } from './ingest-jobs.ts';
import type { Call } from './router.ts';

const uploading = new Set<string>();

/** PUT jobs/ingest/{id}/batches: the one upload of a job, kept in a file before it is acknowledged. */
export async function uploadContent(call: Call): Promise<unknown> {
  const { org, request } = call;
  const job = readIngestJob(org, call.params['id'] ?? '');
  if (job.state !== 'Open') throw new ApiError(400, 'INVALIDJOBSTATE', `The job is not open: ${job.state}`);
  const file = uploadFile(org, job.id);
  if (job.uploaded || uploading.has(file))
    throw new ApiError(
      400,
      'INVALIDJOBSTATE',
      `Found multiple contents for job: <${job.id}>, please 'Close' / 'Abort' / 'Delete' the current Job then create a new Job and make sure you only do 'PUT' once on a given Job.`,
    );
  uploading.add(file);
  const part = `${file}.part`;
  try {
    let bytes = 0;
    const measure = new Transform({
      transform(chunk: Buffer, _encoding, done) {
        bytes += chunk.length;
        if (bytes > org.settings.uploadLimitBytes) done(new ApiError(413, 'REQUEST_ENTITY_TOO_LARGE', 'The content of a job is limited to 150 MB'));
        else done(null, chunk);
      },
    });
    const target = createWriteStream(part, { mode: 0o600 });
    if (request.headers['content-encoding'] === 'gzip') await pipeline(request, createGunzip(), measure, target);
    else await pipeline(request, measure, target);
    const handle = openSync(part, 'r+');
    fsyncSync(handle);
    closeSync(handle);
    renameSync(part, file);
    const current = readIngestJob(org, job.id);
    if (current.state !== 'Open') throw new ApiError(400, 'INVALIDJOBSTATE', `The job is not open: ${current.state}`);
    current.uploaded = true;
    saveIngestJob(org, current);
    return uploadedReply();
  } catch (error) {
    rmSync(part, { force: true });
    throw error;
  } finally {
    uploading.delete(file);
  }
}

async function header(call: Call, job: IngestJob): Promise<readonly string[]> {
  if (!job.uploaded) return [];
  const rows = uploadedRows(call.org, job);
  for await (const cells of rows as AsyncIterable<string[]>) return cells;
  return [];
}

async function sendCsv(
  call: Call,
  lines: () => Iterable<string> | AsyncIterable<string>,
  delimiterName: string,
  first: readonly string[],
): Promise<'sent'> {
  call.response.setHeader('Content-Type', 'text/csv; charset=UTF-8');
  const delimiter = ingestDelimiters[delimiterName] ?? ',';
  const body = async function* (): AsyncGenerator<string> {
    let chunk = `${csvLine(first, delimiter)}\n`;
    for await (const line of lines()) {
      chunk += line;
      call.rows += 1;
      if (chunk.length < 65_536) continue;
      yield chunk;
      chunk = '';
    }
    yield chunk;
  };
  try {
    await pipeline(body, call.response);
  } catch (error) {
    if (!call.response.destroyed) throw error;
  }
  return 'sent';
}

/** GET successfulResults or failedResults. */
export async function ingestResults(call: Call, which: 'successful' | 'failed'): Promise<'sent'> {
  const job = readIngestJob(call.org, call.params['id'] ?? '');
  const delimiter = ingestDelimiters[job.columnDelimiter] ?? ',';
  const isOk = which === 'successful';
  const statement = call.org.store.sql(
    'select n, record_id, created, error, line from ingest_rows where job = ? and ok = ? and n > ? order by n limit 2000',
  );
  const lines = function* (): Generator<string> {
    let last = 0;
    for (;;) {
      const rows = statement.all(job.id, isOk ? 1 : 0, last);
      for (const row of rows) {
        yield `${csvLine([String(row['record_id'] ?? ''), isOk ? String(row['created'] === 1) : String(row['error'])], delimiter)}${delimiter}${String(row['line'])}\n`;
        last = Number(row['n']);
      }
      if (rows.length < 2000) return;
    }
  };
  return sendCsv(call, lines, job.columnDelimiter, ['sf__Id', isOk ? 'sf__Created' : 'sf__Error', ...(await header(call, job))]);
}

/** GET unprocessedrecords: the rows of a job that failed or was aborted which nothing was done with. */
export async function unprocessedRecords(call: Call): Promise<'sent'> {
  const job = readIngestJob(call.org, call.params['id'] ?? '');
  const isOver = job.state === 'Failed' || job.state === 'Aborted';
  const delimiter = ingestDelimiters[job.columnDelimiter] ?? ',';
  const lines = async function* (): AsyncGenerator<string> {
    if (!isOver || !job.uploaded) return;
    let n = -1;
    for await (const cells of uploadedRows(call.org, job) as AsyncIterable<string[]>) {
      n += 1;
      if (n > job.processed) yield `${csvLine(cells, delimiter)}\n`;
    }
  };
  return sendCsv(call, lines, job.columnDelimiter, await header(call, job));
}
