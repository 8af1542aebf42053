import { createReadStream } from 'node:fs';
import { type CsvError, parse, type Parser } from 'csv-parse';
import { Failure, usageFailure } from '../domain/failure.ts';
import { type FeedHeader, readHeader } from './feed-header.ts';
import { markedUtf8, notUtf8 } from './feed-text.ts';
import { longestIdBytes } from './tables.ts';

/** A row that was skipped. Says nothing of what stands in it. */
export interface FeedProblem {
  readonly file: string;
  /** Line on which the row begins, from 1. */
  readonly line: number;
  readonly problem: string;
}

/** A row longer than this is a quote that nobody closed. */
const longestRowBytes = 64 * 1024 * 1024;
const dialect = { bom: true, relax_column_count: true, skip_empty_lines: true, record_delimiter: ['\r\n', '\n'], max_record_size: longestRowBytes };

/** @throws {Failure} exit code 2: the file cannot be read, or its header is refused */
export async function headerOf(file: string): Promise<FeedHeader> {
  const parser = parse({ ...dialect, to: 1 });
  let cells: readonly string[] = [];
  try {
    for await (const chunk of bytesOf(file, 1 << 16)) {
      await write(parser, chunk);
      const record = parser.read() as readonly string[] | null;
      if (record !== null) return readHeader(file, record);
    }
    cells = await lastRecord(parser);
  } catch (error) {
    if (!isCsvError(error)) throw error;
    throw usageFailure(`${file}: the header is not CSV as RFC 4180 describes it`, 'look at the quotes of its first line');
  } finally {
    parser.destroy();
  }
  return readHeader(file, cells);
}

async function lastRecord(parser: Parser): Promise<readonly string[]> {
  parser.end();
  for await (const record of parser) return record as readonly string[];
  return [];
}

/** What the parser shows of itself beyond its types. */
interface ParserState {
  readonly state: { quoting: boolean };
}

export interface FeedCount {
  /** Rows taken. */
  taken: number;
  skipped: number;
}

/**
 * The rows of a feed as text for COPY: row number, id, and a JSON object of its values. A blank is absent for users, where it does not
 * overwrite, and null for accounts, where it resets. Bad rows are told to `onProblem` and skipped; `count` grows while the text is read.
 */
export async function* feedRows(
  file: string,
  header: FeedHeader,
  onProblem: (problem: FeedProblem) => void,
  count: FeedCount,
): AsyncGenerator<string> {
  let text = '';
  const take = rowWriter(header);
  const report = (line: number, problem: string) => {
    count.skipped += 1;
    onProblem({ file, line, problem });
  };
  const lines = lineCounter();
  let isHeader = true;
  const parser = parse({
    ...dialect,
    skip_records_with_error: true,
    on_record: (cells: readonly string[], { lines: endLine }) => {
      const line = lines.record(cells, endLine);
      if (isHeader) isHeader = false;
      else {
        const problem = problemOf(header, cells);
        if (problem !== null) report(line, problem);
        else text += take(++count.taken, cells);
      }
      return null;
    },
    on_skip: (error) => {
      if (error?.code === 'CSV_MAX_RECORD_SIZE')
        throw new Failure(`${file}: the row that begins on line ${lines.next()} does not end within 64 MB: a quote is not closed`, {
          kind: 'permanent',
          code: 'FEED_ROW',
          exitCode: 2,
        });
      // Left within the quotes, the parser would take the rows that follow for a part of this one.
      if (error?.code === 'CSV_INVALID_CLOSING_QUOTE') (parser as Parser & ParserState).state.quoting = false;
      const line = lines.spoilt(Number(error?.lines ?? 0), error?.code);
      if (line === null) return undefined;
      report(
        line,
        error?.code === 'CSV_QUOTE_NOT_CLOSED'
          ? 'a quote is opened and never closed; everything after it was skipped'
          : 'a quote stands where none may',
      );
      return undefined;
    },
  });
  parser.resume();
  try {
    for await (const chunk of bytesOf(file, 1 << 18)) {
      await write(parser, chunk);
      if (text === '') continue;
      yield text;
      text = '';
    }
    await ended(parser);
  } finally {
    parser.destroy();
  }
  if (text !== '') yield text;
}

/** Why a row is no person, or null. */
function problemOf(header: FeedHeader, cells: readonly string[]): string | null {
  if (cells.length !== header.width) return `number of cells is ${cells.length}, of the header ${header.width}`;
  for (const cell of cells) if (cell.includes('\0')) return cell.includes(notUtf8) ? 'bytes that are not UTF-8' : 'a NUL';
  const id = cells[header.idPosition] ?? '';
  if (id.trim() === '') return 'no id';
  return id.length * 3 > longestIdBytes && Buffer.byteLength(id) > longestIdBytes ? `an id longer than ${longestIdBytes} bytes` : null;
}

function rowWriter(header: FeedHeader): (rowNumber: number, cells: readonly string[]) => string {
  const columns = header.columns.map(({ position, name }) => ({ position, key: `${JSON.stringify(name)}:` }));
  const blank = header.kind === 'account' ? 'null' : null;
  return (rowNumber, cells) => {
    let json = '';
    for (const { position, key } of columns) {
      const cell = cells[position] ?? '';
      const value = cell.trim() === '' ? blank : JSON.stringify(cell);
      if (value !== null) json += `${json === '' ? '' : ','}${key}${value}`;
    }
    return `${rowNumber}\t${copyText(cells[header.idPosition] ?? '')}\t{${json.replaceAll('\\', '\\\\')}}\n`;
  };
}

const escapes: Readonly<Record<string, string>> = { '\\': '\\\\', '\t': '\\t', '\n': '\\n', '\r': '\\r' };

function copyText(text: string): string {
  return text.replace(/[\\\t\n\r]/g, (character) => escapes[character] ?? character);
}

/** Lines of the file from the parser's count, which takes a CRLF within quotes for two. */
function lineCounter() {
  let surplus = 0;
  let lastEnd = 0;
  let lastSpoilt = 0;
  return {
    record(cells: readonly string[], parserLine: number): number {
      let within = 0;
      for (const cell of cells) {
        if (!cell.includes('\n')) continue;
        within += cell.split('\n').length - 1;
        surplus += cell.split('\r\n').length - 1;
      }
      lastEnd = parserLine - surplus;
      return lastEnd - within;
    },
    /** Null for a further fault of the row that was reported. */
    spoilt(parserLine: number, code: string | undefined): number | null {
      const line = code === 'CSV_QUOTE_NOT_CLOSED' ? lastEnd + 1 : parserLine - surplus;
      if (line <= lastSpoilt) return null;
      lastSpoilt = line;
      return line;
    },
    next: () => lastEnd + 1,
  };
}

async function* bytesOf(file: string, chunkBytes: number): AsyncGenerator<Buffer> {
  try {
    yield* markedUtf8(createReadStream(file, { highWaterMark: chunkBytes }) as AsyncIterable<Buffer>);
  } catch (error) {
    const code = (error as NodeJS.ErrnoException).code;
    if ((error as NodeJS.ErrnoException).syscall === undefined || code === undefined) throw error;
    throw usageFailure(`${file} cannot be read (${code})`, 'check the path and its permissions');
  }
}

function isCsvError(error: unknown): error is CsvError {
  return error instanceof Error && 'code' in error && typeof error.code === 'string' && /^(CSV_|INVALID_)/.test(error.code);
}

async function write(parser: Parser, chunk: Buffer): Promise<void> {
  await settled(parser, (done) => parser.write(chunk, done));
}

async function ended(parser: Parser): Promise<void> {
  await settled(parser, (done) => parser.end(done));
}

/** The callback and the event tell of the same error; without a listener the event would end the process. */
async function settled(parser: Parser, start: (done: (error?: Error | null) => void) => void): Promise<void> {
  await new Promise<void>((resolve, reject) => {
    parser.once('error', reject);
    start((error) => {
      if (error) return;
      parser.off('error', reject);
      resolve();
    });
  });
}
