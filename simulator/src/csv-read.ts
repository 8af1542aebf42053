import { createReadStream } from 'node:fs';
import { parse } from 'csv-parse';
import { StartError } from './errors.ts';

/** A row of a file: its cells, and the line of the file where it ends; or why it could not be read. */
export type CsvRow = { readonly line: number; readonly cells: readonly string[] } | { readonly line: number; readonly problem: string };

/** The bytes as they are, checked to be UTF-8. @throws {StartError} naming file and line */
async function* checkedUtf8(file: string): AsyncGenerator<Buffer> {
  const decoder = new TextDecoder('utf-8', { fatal: true });
  let line = 1;
  for await (const chunk of createReadStream(file, { highWaterMark: 1 << 18 }) as AsyncIterable<Buffer>) {
    try {
      decoder.decode(chunk, { stream: true });
    } catch (error) {
      if (!(error instanceof TypeError)) throw error;
      throw new StartError(`${file}: not UTF-8 near line ${lineOfFault(chunk, line)}; save the file as UTF-8`, 2);
    }
    for (let at = chunk.indexOf(10); at !== -1; at = chunk.indexOf(10, at + 1)) line += 1;
    yield chunk;
  }
}

function lineOfFault(chunk: Buffer, firstLine: number): number {
  let line = firstLine;
  for (let start = 0; start < chunk.length; line += 1) {
    const end = chunk.indexOf(10, start);
    const part = chunk.subarray(start, end === -1 ? chunk.length : end);
    if (part.toString('utf8').includes('\ufffd')) return line;
    if (end === -1) break;
    start = end + 1;
  }
  return line;
}

/** The rows of an RFC 4180 file, the header first; a BOM, CRLF and quoted line ends are understood, empty lines are none. @throws {StartError} not UTF-8 */
export async function* readCsv(file: string): AsyncGenerator<CsvRow> {
  const problems: CsvRow[] = [];
  const parser = parse({
    bom: true,
    info: true,
    relax_column_count: true,
    skip_empty_lines: true,
    skip_records_with_error: true,
    relax_quotes: true,
    record_delimiter: ['\r\n', '\n'],
    on_skip: (error) => {
      problems.push({ line: Number(error?.lines ?? 0), problem: 'a quote that is never closed' });
      return undefined;
    },
  });
  const source = checkedUtf8(file);
  const feed = (async (): Promise<void> => {
    try {
      for await (const chunk of source) if (!parser.write(chunk)) await new Promise((resolve) => parser.once('drain', resolve));
      parser.end();
    } catch (error) {
      parser.destroy(error instanceof Error ? error : new Error(String(error)));
    }
  })();
  for await (const each of parser as AsyncIterable<{ info: { lines: number }; record: string[] }>) {
    // The parser is some rows ahead: what it skipped is told in its place.
    while ((problems[0]?.line ?? Infinity) < each.info.lines) yield* problems.splice(0, 1);
    yield { line: each.info.lines, cells: each.record };
  }
  yield* problems.splice(0);
  await feed;
}
