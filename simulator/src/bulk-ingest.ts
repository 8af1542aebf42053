import { createReadStream } from 'node:fs';
import { setImmediate as nextTurn } from 'node:timers/promises';
import { parse } from 'csv-parse';
import type { Parser } from 'csv-parse';
import { deleteRecord, hardDeleteRecord } from './deletion.ts';
import { defaultFailure, refusedRow } from './fault-rows.ts';
import { dropIngestJob, ingestDelimiters, readIngestJob, saveIngestJob, uploadFile } from './ingest-jobs.ts';
import type { IngestJob } from './ingest-jobs.ts';
import type { Org } from './org.ts';
import { createRecord, updateRecord } from './save.ts';
import type { SaveResult, Saver } from './saver.ts';
import type { ObjectType } from './schema.ts';

const rowsPerTransaction = 2000;
const running = new WeakMap<Org, Set<Promise<void>>>();
const stopping = new WeakSet<Org>();

/** Lets the jobs under way end after their transaction; they go on at the next start. */
export async function stopIngestJobs(org: Org): Promise<void> {
  stopping.add(org);
  await Promise.all([...(running.get(org) ?? [])]);
}

/** Goes on with the jobs that a stop or a crash left unfinished. */
export function resumeIngestJobs(org: Org): void {
  for (const row of org.store.sql(`select id from ingest_jobs where job ->> 'state' in ('UploadComplete', 'InProgress') order by id`).all())
    startProcessing(org, String(row['id']));
}

export function startProcessing(org: Org, id: string): void {
  const jobs = running.get(org) ?? new Set();
  running.set(org, jobs);
  const work = processJob(org, id).finally(() => jobs.delete(work));
  jobs.add(work);
}

class JobFailure extends Error {}

async function processJob(org: Org, id: string): Promise<void> {
  const startedMs = performance.now();
  await nextTurn();
  const job = readIngestJob(org, id);
  if (stopping.has(org) || job.state === 'Aborted') return;
  job.state = 'InProgress';
  saveIngestJob(org, job);
  try {
    await processRows(org, job);
    if (job.jobFault?.end === 'Failed') throw new JobFailure(job.jobFault.message ?? defaultFailure);
  } catch (error) {
    if (stopping.has(org)) return;
    const current = readIngestJob(org, id);
    const message = error instanceof JobFailure ? error.message : `InvalidBatch : ${error instanceof Error ? error.message : String(error)}`;
    Object.assign(current, { state: 'Failed', errorMessage: message });
    saveIngestJob(org, current);
    return;
  }
  const current = readIngestJob(org, id);
  if (stopping.has(org) || current.state !== 'InProgress' || job.jobFault?.end === 'stuck') return;
  if (job.jobFault?.end === 'gone') {
    dropIngestJob(org, id);
    return;
  }
  Object.assign(current, {
    state: job.jobFault?.end === 'Aborted' ? 'Aborted' : 'JobComplete',
    processingMs: Math.round(performance.now() - startedMs),
  });
  saveIngestJob(org, current);
}

/** The rows of the upload as csv-parse reads them, each with its text. */
export function uploadedRows(org: Org, job: IngestJob): Parser {
  const source = createReadStream(uploadFile(org, job.id), { highWaterMark: 1 << 18 });
  const parser = parse({
    bom: true,
    delimiter: ingestDelimiters[job.columnDelimiter] ?? ',',
    record_delimiter: job.lineEnding === 'CRLF' ? '\r\n' : '\n',
    relax_column_count: true,
    skip_empty_lines: true,
  });
  source.on('error', (error) => parser.destroy(error));
  parser.on('close', () => source.destroy());
  return source.pipe(parser);
}

async function checkLineEnding(org: Org, job: IngestJob): Promise<void> {
  for await (const chunk of createReadStream(uploadFile(org, job.id)) as AsyncIterable<Buffer>) {
    const at = chunk.indexOf(10);
    if (at === -1) continue;
    const found = at > 0 && chunk[at - 1] === 13 ? 'CRLF' : 'LF';
    if (found !== job.lineEnding)
      throw new JobFailure(`ClientInputError : LineEnding is invalid on user data. Current LineEnding setting is ${job.lineEnding}`);
    return;
  }
}

/** The header names exactly the object's API names, `Id` among them but for insert. */
function checkHeader(type: ObjectType, job: IngestJob, header: readonly string[]): void {
  for (const name of header) {
    if (type.byName.get(name.toLowerCase())?.name !== name) throw new JobFailure(`InvalidBatch : Field name not found : ${name}`);
  }
  if (new Set(header).size !== header.length) throw new JobFailure('InvalidBatch : A field is named twice in the header');
  if (job.operation !== 'insert' && !header.includes('Id')) throw new JobFailure('InvalidBatch : Field name not found : Id');
}

const quote = (cell: string): string => `"${cell.replace(/"/g, '""')}"`;
export const csvLine = (cells: readonly string[], delimiter: string): string => cells.map(quote).join(delimiter);

/** Transactions of some rows, each with its results: what is done is done once, whatever happens to the process. */
async function processRows(org: Org, job: IngestJob): Promise<void> {
  await checkLineEnding(org, job);
  const type = org.store.type(job.object) as ObjectType;
  const saver: Saver = { org, type, request: `ingest ${job.id}`, run: job.run ?? org.settings.run, delaySeconds: org.settings.commitDelaySeconds };
  const {
    end,
    afterRows = end === undefined || end === 'gone' ? Number.POSITIVE_INFINITY : 0,
    lostRows = 0,
    lostAreSaved = false,
  } = job.jobFault ?? {};
  const delimiter = ingestDelimiters[job.columnDelimiter] ?? ',';
  let header: readonly string[] | null = null;
  let n = 0;
  let batch: { n: number; cells: readonly string[] }[] = [];
  /** @returns false when the job is to end here */
  const flush = async (names: readonly string[]): Promise<boolean> => {
    await nextTurn();
    const going =
      !stopping.has(org) &&
      org.store.transaction(() => {
        const current = readIngestJob(org, job.id);
        if (current.state !== 'InProgress') return false;
        for (const { n: number, cells } of batch) {
          const isLost = number <= lostRows;
          if (isLost) current.lost = (current.lost ?? 0) + 1;
          if (isLost && !lostAreSaved) continue;
          const result = refusedRow(job.rowFault, number, cells[names.indexOf('Id')]) ?? saveRow(saver, job.operation, names, cells);
          if (isLost) continue;
          if (!result.ok) current.failed += 1;
          org.store
            .sql('insert into ingest_rows (job, n, ok, created, record_id, error, line) values (?, ?, ?, ?, ?, ?, ?)')
            .run(
              job.id,
              number,
              result.ok ? 1 : 0,
              result.ok && result.created ? 1 : 0,
              result.id,
              result.ok ? null : errorText(result),
              csvLine(cells, delimiter),
            );
        }
        current.processed += batch.length;
        saveIngestJob(org, current);
        return true;
      });
    batch = [];
    return going;
  };
  for await (const cells of uploadedRows(org, job) as AsyncIterable<string[]>) {
    if (header === null) {
      header = cells;
      checkHeader(type, job, header);
      continue;
    }
    n += 1;
    if (n <= job.processed) continue;
    if (n > afterRows) break;
    batch.push({ n, cells });
    if (batch.length >= rowsPerTransaction && !(await flush(header))) return;
  }
  if (header === null) throw new JobFailure('InvalidBatch : The content has no header');
  if (batch.length > 0) await flush(header);
}

function saveRow(saver: Saver, operation: IngestJob['operation'], header: readonly string[], cells: readonly string[]): SaveResult {
  if (cells.length !== header.length) {
    return {
      ok: false,
      id: null,
      errors: [
        { statusCode: 'INVALID_CSV_LINE', message: `Number of columns: ${cells.length} doesn't match header columns: ${header.length}`, fields: [] },
      ],
    };
  }
  const input: Record<string, unknown> = {};
  let id: string | undefined;
  for (const [index, name] of header.entries()) {
    const cell = cells[index] ?? '';
    if (name === 'Id') id = cell;
    else if (cell === '#N/A') input[name] = null;
    else if (cell !== '') input[name] = cell;
  }
  if (operation === 'insert') return createRecord(saver, input);
  if (operation === 'hardDelete') return hardDeleteRecord(saver, id);
  return operation === 'delete' ? deleteRecord(saver, id) : updateRecord(saver, id, input);
}

function errorText(result: SaveResult & { ok: false }): string {
  const [error] = result.errors;
  return error === undefined ? 'UNKNOWN_EXCEPTION:unknown error --' : `${error.statusCode}:${error.message}:${error.fields.join(',')} --`;
}
