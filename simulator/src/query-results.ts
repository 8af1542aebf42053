import { closeSync, createReadStream, openSync, readSync } from 'node:fs';
import { pipeline } from 'node:stream/promises';
import { constants, createGzip } from 'node:zlib';
import { ApiError } from './errors.ts';
import { apiVersionOf, queryDelimiters, quoteCell, readQueryJob, resultFiles } from './query-jobs.ts';
import type { QueryJob } from './query-jobs.ts';
import type { Call } from './router.ts';
import { compileQuery } from './soql-compile.ts';

const locatorOf = (row: number): string => Buffer.from(String(row)).toString('base64url');
/** Of the page that is answered without a locator. */
export const firstLocator = locatorOf(0);

/** The byte after row `row` (0: the file's start). */
function placeAfter(offsets: string, row: number): number {
  if (row === 0) return 0;
  const file = openSync(offsets, 'r');
  try {
    const place = new BigUint64Array(1);
    readSync(file, place, 0, 8, (row - 1) * 8);
    return Number(place[0]);
  } finally {
    closeSync(file);
  }
}

/** The finished job of a request, and the rows it asks for: `from` on, `pageRows` of them. */
function placeOf(call: Call): { job: QueryJob; from: number; pageRows: number } {
  const { org, url, params } = call;
  const job = readQueryJob(org, params['id'] ?? '');
  if (job.apiVersion !== apiVersionOf(call))
    throw new ApiError(409, 'VERSION_MISMATCH', `The job was created with API version ${job.apiVersion}.0, use the same version for its results`);
  if (job.state !== 'JobComplete') throw new ApiError(400, 'INVALIDJOBSTATE', `The job is not in a state with results: ${job.state}`);
  const locator = url.searchParams.get('locator') ?? '';
  const from =
    locator === '' || locator === 'null'
      ? 0
      : Number(/^[A-Za-z0-9_-]+$/.test(locator) ? Buffer.from(locator, 'base64url').toString('latin1') : Number.NaN);
  if (!Number.isInteger(from) || from < 0 || from >= Math.max(1, job.rows))
    throw new ApiError(400, 'INVALID_QUERY_LOCATOR', `invalid query locator: ${locator}`);
  const asked = url.searchParams.get('maxRecords');
  const pageRows = asked === null ? org.settings.bulkPageRows : Number(asked);
  if (!Number.isInteger(pageRows) || pageRows < 1) throw new ApiError(400, 'INVALID_PARAMETER', `invalid maxRecords: ${asked}`);
  return { job, from, pageRows };
}

const pagesPerAnswer = 5;

/** GET jobs/query/{id}/resultPages: where up to five pages are, to be read at the same time. */
export function queryResultPages(call: Call): unknown {
  const { job, from, pageRows } = placeOf(call);
  const base = `/services/data/${call.params['v'] ?? ''}/jobs/query/${job.id}`;
  const starts = Array.from({ length: pagesPerAnswer }, (_none, index) => from + index * pageRows).filter((row) => row === 0 || row < job.rows);
  const next = from + pagesPerAnswer * pageRows;
  const done = next >= job.rows;
  return {
    resultPages: starts.map((row) => ({ resultUrl: `${base}/results?locator=${locatorOf(row)}&maxRecords=${pageRows}` })),
    nextRecordsUrl: done ? null : `${base}/resultPages?locator=${locatorOf(next)}&maxRecords=${pageRows}`,
    done,
  };
}

/** GET jobs/query/{id}/results: a page, its header row first; the same locator gives the same page for as long as the job exists. */
export async function queryResults(call: Call): Promise<'sent'> {
  const { org, request, response } = call;
  const { job, from, pageRows } = placeOf(call);
  const to = Math.min(job.rows, from + pageRows);
  const { data, offsets } = resultFiles(org, job.id);
  const start = placeAfter(offsets, from);
  const end = placeAfter(offsets, to);
  const compiled = compileQuery(org.store, job.query, true, org.nowMs());
  const header =
    compiled.columns.map((column) => quoteCell(column.path.join('.'))).join(queryDelimiters[job.columnDelimiter]) +
    (job.lineEnding === 'CRLF' ? '\r\n' : '\n');
  response.setHeader('Content-Type', 'text/csv; charset=UTF-8');
  response.setHeader('Sforce-Locator', to < job.rows ? locatorOf(to) : 'null');
  response.setHeader('Sforce-NumberOfRecords', String(to - from));
  call.rows = to - from;
  const body = async function* (): AsyncGenerator<Buffer> {
    yield Buffer.from(header);
    if (end > start) yield* createReadStream(data, { start, end: end - 1, highWaterMark: 1 << 18 }) as AsyncIterable<Buffer>;
  };
  try {
    if (/\bgzip\b/i.test(String(request.headers['accept-encoding'] ?? ''))) {
      response.setHeader('Content-Encoding', 'gzip');
      await pipeline(body, createGzip({ level: constants.Z_BEST_SPEED }), response);
    } else {
      response.setHeader('Content-Length', String(Buffer.byteLength(header) + end - start));
      await pipeline(body, response);
    }
  } catch (error) {
    if (!response.destroyed) throw error;
  }
  return 'sent';
}
