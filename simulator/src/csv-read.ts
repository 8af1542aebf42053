import { isUtf8 } from 'node:buffer';
import { createReadStream } from 'node:fs';
import { parse } from 'csv-parse';

/** A row of a file: its cells, and the line of the file where it ends; or why it could not be read. */
export type CsvRow = { readonly line: number; readonly cells: readonly string[] } | { readonly line: number; readonly problem: string };

/** Stands where bytes are no UTF-8: a row that holds it is refused, as one with a NUL is, and costs the others nothing. */
export const notUtf8 = '\0\uFFFD';

const lineEnd = 10;

/** The file in pieces of whole lines; what is no UTF-8 in a line is replaced by `notUtf8`. */
async function* markedUtf8(file: string): AsyncGenerator<Buffer> {
  let rest: Buffer[] = [];
  for await (const chunk of createReadStream(file, { highWaterMark: 1 << 18 }) as AsyncIterable<Buffer>) {
    const end = chunk.lastIndexOf(lineEnd) + 1;
    if (end === 0) {
      rest.push(chunk);
      continue;
    }
    yield marked(Buffer.concat([...rest, chunk.subarray(0, end)]));
    rest = [chunk.subarray(end)];
  }
  yield marked(Buffer.concat(rest));
}

function marked(lines: Buffer): Buffer {
  if (isUtf8(lines)) return lines;
  const parts: Buffer[] = [];
  for (let start = 0; start < lines.length;) {
    const end = lines.indexOf(lineEnd, start) + 1 || lines.length;
    const line = lines.subarray(start, end);
    parts.push(isUtf8(line) ? line : Buffer.from(line.toString('utf8').replaceAll('\uFFFD', notUtf8)));
    start = end;
  }
  return Buffer.concat(parts);
}

/** The rows of an RFC 4180 file, the header first; a BOM, CRLF and quoted line ends are understood, empty lines are none. */
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
  const source = markedUtf8(file);
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
