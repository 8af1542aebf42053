import type { Readable } from 'node:stream';
import Table from 'cli-table3';
import type { Command } from 'commander';
import { parse } from 'csv-parse';
import type { Database } from '../postgres/database.ts';
import { findRun, keepsWhatItFound } from '../operator/runs.ts';
import { connect } from './connections.ts';
import { addExamples, addPlaceOptions, wholeNumber } from './options.ts';
import type { PlaceOptions } from './options.ts';
import { count, note, print, printPart } from './output.ts';

export interface ListOptions extends PlaceOptions {
  readonly csv?: boolean;
  readonly json?: boolean;
  readonly limit: number;
}

/** A list of one run: everything as CSV or JSON, the first rows as a table. */
export interface RunList {
  readonly name: string;
  readonly content: (database: Database, runNo: number) => Readable;
  /** Columns of the table; the CSV has more. */
  readonly shown: readonly string[];
}

export function defineList(command: Command, list: RunList): void {
  command.argument('[run]', 'key of a run, or the beginning of one (default: the newest that has ended)');
  addListOptions(command);
  addPlaceOptions(command).action((run: string | undefined, options: ListOptions) => showList(list, run, options));
  addExamples(command, `${list.name} --csv > ${list.name}.csv`, `${list.name} 20260930T020000Z --limit 100`);
}

export function addListOptions(command: Command): void {
  command
    .option('--csv', 'all rows and columns as CSV')
    .option('--json', 'all rows and columns as one JSON document')
    .option('--limit <n>', 'rows of the table', wholeNumber(1, 100_000), 40);
}

async function showList({ name, content, shown }: RunList, named: string | undefined, options: ListOptions): Promise<void> {
  await using sync = await connect(options);
  const database = await sync.ledger();
  const { run, runNo } = await findRun(database, named);
  if (!(await keepsWhatItFound(database, runNo)))
    note(
      `run ${run} has no ${name}: it ended before it found any, is older than retention.intentsDays, or the mirror was made anew since; crm-sync report ${run} shows its counts`,
    );
  await showCsv(content(database, runNo), shown, options, `${name} of run ${run}`);
}

/** A list as it was asked for: all of it as CSV or JSON, or its first rows as a table. */
export async function showCsv(csv: Readable, shown: readonly string[], options: ListOptions, title: string): Promise<void> {
  if (options.csv === true) for await (const part of csv) await printPart(part as string | Uint8Array);
  else if (options.json === true) await printRowsAsJson(csv);
  else await printTable(csv, shown, options.limit, title);
}

type Row = Readonly<Record<string, string>>;

async function* rowsOf(csv: Readable): AsyncGenerator<Row> {
  const parser = csv.pipe(parse({ columns: true }));
  csv.once('error', (error) => parser.destroy(error));
  try {
    yield* parser as AsyncIterable<Row>;
  } finally {
    // Whoever stops reading lets the database go as well.
    csv.destroy();
  }
}

async function printRowsAsJson(csv: Readable): Promise<void> {
  let before = '[\n';
  for await (const row of rowsOf(csv)) {
    await printPart(`${before}${JSON.stringify(row)}`);
    before = ',\n';
  }
  await printPart(before === '[\n' ? '[]\n' : '\n]\n');
}

const longestCell = 40;

/** One line a cell, control characters made visible: values come from outside. */
function cell(text: string): string {
  const plain = text.replaceAll(/[\p{Cc}\p{Cf}]/gu, (character) => JSON.stringify(character).slice(1, -1));
  return plain.length > longestCell ? `${plain.slice(0, longestCell - 1)}…` : plain;
}

async function printTable(csv: Readable, shown: readonly string[], limit: number, title: string): Promise<void> {
  const table = new Table({ head: [...shown], style: { head: [], border: [], compact: true } });
  let rows = 0;
  for await (const row of rowsOf(csv)) {
    rows += 1;
    if (rows <= limit) table.push(shown.map((column) => cell(row[column] ?? '')));
  }
  if (rows > 0) print(table.toString());
  note(`${title}: ${count(rows)}${rows > limit ? `, the first ${count(limit)} shown; --csv gives all of them` : ''}`);
}
