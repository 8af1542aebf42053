import { closeSync, openSync, writeSync } from 'node:fs';
import type { DatabaseSync } from 'node:sqlite';
import { setImmediate as nextTurn } from 'node:timers/promises';
import { readJson } from './body.ts';
import { ApiError } from './errors.ts';
import { defaultFailure, isUnstuck, jobFaults } from './fault-rows.ts';
import { idFromNumber } from './ids.ts';
import type { Org } from './org.ts';
import { apiVersionOf, dropQueryJob, queryDelimiters, readQueryJob, resultFiles, saveQueryJob, shownQueryJob, timeOf } from './query-jobs.ts';
import type { QueryJob } from './query-jobs.ts';
import type { Call } from './router.ts';
import { compileQuery } from './soql-compile.ts';
import type { CompiledQuery } from './soql-compile.ts';
import { registerFunctions } from './sql-functions.ts';

/** POST jobs/query */
export async function createQueryJob(call: Call): Promise<unknown> {
  const { org } = call;
  const body = await readJson(call.request);
  const operation = body['operation'];
  if (operation !== 'query' && operation !== 'queryAll') throw new ApiError(400, 'INVALIDJOB', `Unsupported operation: ${String(operation)}`);
  if (typeof body['query'] !== 'string') throw new ApiError(400, 'INVALIDJOB', 'A query is required');
  const columnDelimiter = String(body['columnDelimiter'] ?? 'COMMA');
  if (queryDelimiters[columnDelimiter] === undefined) throw new ApiError(400, 'INVALIDJOB', `Invalid columnDelimiter: ${columnDelimiter}`);
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
    ...jobFaults(call.fault),
  };
  saveQueryJob(org, job);
  void run(org, job, compiled);
  const { numberRecordsProcessed: _n, retries: _r, totalProcessingTime: _t, ...answer } = shownQueryJob(job);
  return answer;
}

/** GET jobs/query/{id} */
export function getQueryJob({ org, params }: Call): unknown {
  const job = readQueryJob(org, params['id'] ?? '');
  if (isUnstuck(job)) {
    saveQueryJob(org, job);
    if (job.jobFault === undefined) void run(org, job, compileQuery(org.store, job.query, job.operation === 'queryAll', org.nowMs()));
  }
  return shownQueryJob(job);
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
    saveQueryJob(org, job);
    const end = job.jobFault?.end;
    if (end === 'stuck') return;
    if (end === 'Failed' || end === 'Aborted') {
      Object.assign(job, { state: end, ...(end === 'Failed' ? { errorMessage: job.jobFault?.message ?? defaultFailure } : {}) });
      saveQueryJob(org, job);
      return;
    }
    const rows = await spool(org, job, compiled, reader);
    if (rows === null || !isGoing(org, job.id)) return;
    Object.assign(job, { state: 'JobComplete', rows, systemModstamp: timeOf(org), totalProcessingTime: Math.round(performance.now() - startedMs) });
    if (end === 'gone') dropQueryJob(org, job.id);
    else saveQueryJob(org, job);
  } catch (error) {
    if (!isGoing(org, job.id)) return;
    Object.assign(job, { state: 'Failed', errorMessage: error instanceof Error ? error.message : String(error) });
    saveQueryJob(org, job);
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
  const between = `'"${queryDelimiters[job.columnDelimiter] ?? ','}"'`;
  const end = job.lineEnding === 'CRLF' ? `'"' || char(13, 10)` : `'"' || char(10)`;
  const limit = compiled.limit === null ? '' : ` limit ${compiled.limit}`;
  return `select '"' || ${compiled.columns.map(cell).join(` || ${between} || `)} || ${end}${compiled.from}${compiled.orderBy}${limit}`;
}

const flushBytes = 1 << 20;

/** @returns the number of rows; null when the job was aborted or the org stops meanwhile */
async function spool(org: Org, job: QueryJob, compiled: CompiledQuery, reader: DatabaseSync): Promise<number | null> {
  const { data, offsets } = resultFiles(org, job.id);
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
