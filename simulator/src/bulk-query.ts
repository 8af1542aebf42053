import { closeSync, createReadStream, openSync, readSync, rmSync, statSync, writeSync } from 'node:fs';
import { join } from 'node:path';
import type { DatabaseSync } from 'node:sqlite';
import { pipeline } from 'node:stream/promises';
import { setImmediate as nextTurn } from 'node:timers/promises';
import { constants, createGzip } from 'node:zlib';
import { readJson } from './body.ts';
import { ApiError, notFound } from './errors.ts';
import { idFromNumber, normaliseId } from './ids.ts';
import type { Org } from './org.ts';
import type { Call } from './router.ts';
import { compileQuery } from './soql-compile.ts';
import type { CompiledQuery } from './soql-compile.ts';
import { registerFunctions } from './sql-functions.ts';

/** A Bulk 2.0 query job as it is stored: what the API shows, and what the results need. */
export type QueryJob = {
  readonly id: string;
  readonly operation: 'query' | 'queryAll';
  readonly object: string;
  readonly createdById: string;
  readonly createdDate: string;
  readonly query: string;
  readonly apiVersion: number;
  readonly lineEnding: 'LF' | 'CRLF';
  readonly columnDelimiter: string;
  state: 'UploadComplete' | 'InProgress' | 'JobComplete' | 'Failed' | 'Aborted';
  systemModstamp: string;
  rows: number;
  totalProcessingTime: number;
  errorMessage?: string;
};

const delimiters: Record<string, string> = { COMMA: ',', TAB: '\t', PIPE: '|', SEMICOLON: ';', CARET: '^', BACKQUOTE: '`' };
const apiVersionOf = (call: Call): number => Number((call.params['v'] ?? '').replace(/^v/i, ''));
const timeOf = (org: Org): string => new Date(org.nowMs()).toISOString().replace('Z', '+0000');
const quote = (text: string): string => `"${text.replace(/"/g, '""')}"`;

function save(org: Org, job: QueryJob): void {
  org.store
    .sql('insert into query_jobs (id, seq, job) values (?, ?, ?) on conflict (id) do update set job = excluded.job')
    .run(job.id, 0, JSON.stringify(job));
}

function read(org: Org, id: string): QueryJob {
  const row = org.store.sql('select job from query_jobs where id = ?').get(normaliseId(id) ?? id);
  if (row === undefined) throw notFound();
  return JSON.parse(String(row['job'])) as QueryJob;
}

const files = (org: Org, id: string): { data: string; offsets: string } => {
  const base = join(org.store.directory, 'results', id);
  return { data: `${base}.csv`, offsets: `${base}.off` };
};

function shown(job: QueryJob): Record<string, unknown> {
  const { rows, errorMessage, totalProcessingTime, ...rest } = job;
  return {
    ...rest,
    apiVersion: job.apiVersion,
    jobType: 'V2Query',
    concurrencyMode: 'Parallel',
    contentType: 'CSV',
    numberRecordsProcessed: rows,
    retries: 0,
    totalProcessingTime,
    isPkChunkingSupported: true,
    ...(errorMessage === undefined ? {} : { errorMessage }),
  };
}

/** POST jobs/query */
export async function createQueryJob(call: Call): Promise<unknown> {
  const { org } = call;
  const body = await readJson(call.request);
  const operation = body['operation'];
  if (operation !== 'query' && operation !== 'queryAll') throw new ApiError(400, 'INVALIDJOB', `Unsupported operation: ${String(operation)}`);
  if (typeof body['query'] !== 'string') throw new ApiError(400, 'INVALIDJOB', 'A query is required');
  const columnDelimiter = String(body['columnDelimiter'] ?? 'COMMA');
  if (delimiters[columnDelimiter] === undefined) throw new ApiError(400, 'INVALIDJOB', `Invalid columnDelimiter: ${columnDelimiter}`);
  const compiled = compileQuery(org.store, body['query'], operation === 'queryAll', org.nowMs());
  if (compiled.isCount || compiled.isAggregate || compiled.offset > 0)
    throw new ApiError(400, 'API_ERROR', 'Aggregate Relationships and OFFSET are not supported in Bulk Query');
  if (compiled.columns.some((column) => column.field.type === 'address'))
    throw new ApiError(400, 'FUNCTIONALITY_NOT_ENABLED', 'Selecting compound data not supported in Bulk Query');
  const job: QueryJob = {
    id: idFromNumber('750', org.store.nextNumber('job')),
    operation,
    object: compiled.type.name,
    createdById: org.credentials.userId,
    createdDate: timeOf(org),
    systemModstamp: timeOf(org),
    state: 'UploadComplete',
    query: body['query'],
    apiVersion: apiVersionOf(call),
    lineEnding: body['lineEnding'] === 'CRLF' ? 'CRLF' : 'LF',
    columnDelimiter,
    rows: 0,
    totalProcessingTime: 0,
  };
  save(org, job);
  void run(org, job, compiled);
  const { numberRecordsProcessed: _n, retries: _r, totalProcessingTime: _t, ...answer } = shown(job);
  return answer;
}

/** Starts the jobs again that a stop or a crash left unfinished. */
export function resumeQueryJobs(org: Org): void {
  for (const row of org.store.sql(`select job from query_jobs where job ->> 'state' in ('UploadComplete', 'InProgress')`).all()) {
    const job = JSON.parse(String(row['job'])) as QueryJob;
    void run(org, job, compileQuery(org.store, job.query, job.operation === 'queryAll', org.nowMs()));
  }
}

const running = new WeakMap<Org, Set<Promise<void>>>();
const stopping = new WeakSet<Org>();

/** Lets the jobs under way end at their next turn; they begin again at the next start. */
export async function stopQueryJobs(org: Org): Promise<void> {
  stopping.add(org);
  await Promise.all([...(running.get(org) ?? [])]);
}

function run(org: Org, job: QueryJob, compiled: CompiledQuery): Promise<void> {
  const jobs = running.get(org) ?? new Set();
  running.set(org, jobs);
  const work = fill(org, job, compiled).finally(() => jobs.delete(work));
  jobs.add(work);
  return work;
}

/** Neither aborted nor deleted meanwhile, and the org stays up. */
function isGoing(org: Org, id: string): boolean {
  if (stopping.has(org)) return false;
  const row = org.store.sql(`select job ->> 'state' as state from query_jobs where id = ?`).get(id);
  return row !== undefined && row['state'] !== 'Aborted';
}

/** The rows as they are now (a read transaction of its own connection), each as a line of CSV, spooled to a file with the place of every line. */
async function fill(org: Org, job: QueryJob, compiled: CompiledQuery): Promise<void> {
  const startedMs = performance.now();
  const reader = org.store.openReader();
  try {
    registerFunctions(reader);
    reader.exec('begin');
    reader.prepare('select 1 from meta limit 1').get();
    await nextTurn();
    if (!isGoing(org, job.id)) return;
    Object.assign(job, { state: 'InProgress', systemModstamp: timeOf(org) });
    save(org, job);
    const rows = await spool(org, job, compiled, reader);
    if (rows === null || !isGoing(org, job.id)) return;
    Object.assign(job, { state: 'JobComplete', rows, systemModstamp: timeOf(org), totalProcessingTime: Math.round(performance.now() - startedMs) });
    save(org, job);
  } catch (error) {
    if (!isGoing(org, job.id)) return;
    Object.assign(job, { state: 'Failed', errorMessage: error instanceof Error ? error.message : String(error) });
    save(org, job);
  } finally {
    reader.close();
  }
}

function lineSql(job: QueryJob, compiled: CompiledQuery): string {
  const cell = ({ sql, field }: CompiledQuery['columns'][number]): string => {
    if (field.type === 'boolean') return `case ${sql} when 1 then 'true' when 0 then 'false' else '' end`;
    if (['id', 'reference', 'datetime', 'date', 'int', 'double', 'currency'].includes(field.type)) return `ifnull(${sql}, '')`;
    return `replace(ifnull(${sql}, ''), '"', '""')`;
  };
  const between = `'"${delimiters[job.columnDelimiter] ?? ','}"'`;
  const end = job.lineEnding === 'CRLF' ? `'"' || char(13, 10)` : `'"' || char(10)`;
  const limit = compiled.limit === null ? '' : ` limit ${compiled.limit}`;
  return `select '"' || ${compiled.columns.map(cell).join(` || ${between} || `)} || ${end}${compiled.from}${compiled.orderBy}${limit}`;
}

const flushBytes = 1 << 20;

/** @returns the number of rows; null when the job was aborted or the org stops meanwhile */
async function spool(org: Org, job: QueryJob, compiled: CompiledQuery, reader: DatabaseSync): Promise<number | null> {
  const { data, offsets } = files(org, job.id);
  const dataFile = openSync(data, 'w', 0o600);
  const offsetFile = openSync(offsets, 'w', 0o600);
  try {
    const statement = reader.prepare(lineSql(job, compiled));
    statement.setReturnArrays(true);
    const places = new BigUint64Array(8192);
    let buffer = Buffer.allocUnsafe(flushBytes * 2);
    let filled = 0;
    let written = 0;
    let rows = 0;
    const flush = (): void => {
      writeSync(dataFile, buffer, 0, filled);
      written += filled;
      filled = 0;
    };
    for (const row of statement.iterate(...compiled.values) as unknown as Iterable<readonly [string]>) {
      const line = row[0];
      if (line.length * 3 > buffer.length - filled) {
        flush();
        if (line.length * 3 > buffer.length) buffer = Buffer.allocUnsafe(line.length * 3);
      }
      filled += buffer.write(line, filled, 'utf8');
      places[rows % places.length] = BigInt(written + filled);
      rows += 1;
      if (rows % places.length === 0) writeSync(offsetFile, places);
      if (filled > flushBytes) flush();
      if (rows % 2000 === 0) {
        await nextTurn();
        if (!isGoing(org, job.id)) return null;
      }
    }
    flush();
    writeSync(offsetFile, new Uint8Array(places.buffer, 0, (rows % places.length) * 8));
    return rows;
  } finally {
    closeSync(dataFile);
    closeSync(offsetFile);
  }
}

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

/** GET jobs/query/{id}/results: a page, its header row first; the same locator gives the same page for as long as the job exists. */
export async function queryResults(call: Call): Promise<'sent'> {
  const { org, url, request, response } = call;
  const job = read(org, call.params['id'] ?? '');
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
  const to = Math.min(job.rows, from + pageRows);
  const { data, offsets } = files(org, job.id);
  const start = placeAfter(offsets, from);
  const end = placeAfter(offsets, to);
  const compiled = compileQuery(org.store, job.query, true, org.nowMs());
  const header =
    compiled.columns.map((column) => quote(column.path.join('.'))).join(delimiters[job.columnDelimiter]) +
    (job.lineEnding === 'CRLF' ? '\r\n' : '\n');
  response.setHeader('Content-Type', 'text/csv; charset=UTF-8');
  response.setHeader('Sforce-Locator', to < job.rows ? Buffer.from(String(to)).toString('base64url') : 'null');
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

export const getQueryJob = ({ org, params }: Call): unknown => shown(read(org, params['id'] ?? ''));

export function listQueryJobs({ org }: Call): unknown {
  const rows = org.store.sql('select job from query_jobs order by id desc limit 1000').all();
  return { done: true, records: rows.map((row) => shown(JSON.parse(String(row['job'])) as QueryJob)), nextRecordsUrl: null };
}

/** PATCH jobs/query/{id} `{state: 'Aborted'}` */
export async function abortQueryJob({ org, params, request }: Call): Promise<unknown> {
  const body = await readJson(request);
  const job = read(org, params['id'] ?? '');
  if (body['state'] !== 'Aborted') throw new ApiError(400, 'INVALIDJOBSTATE', 'A query job can only be changed to Aborted');
  if (job.state !== 'UploadComplete' && job.state !== 'InProgress')
    throw new ApiError(400, 'INVALIDJOBSTATE', `Job cannot be aborted in state ${job.state}`);
  Object.assign(job, { state: 'Aborted', systemModstamp: timeOf(org) });
  save(org, job);
  return shown(job);
}

export function deleteQueryJob({ org, params }: Call): undefined {
  const job = read(org, params['id'] ?? '');
  if (job.state === 'UploadComplete' || job.state === 'InProgress') throw new ApiError(400, 'API_ERROR', 'The job is still in progress');
  org.store.sql('delete from query_jobs where id = ?').run(job.id);
  const { data, offsets } = files(org, job.id);
  for (const file of [data, offsets]) if (statSync(file, { throwIfNoEntry: false }) !== undefined) rmSync(file);
}
