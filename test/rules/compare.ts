import { parse } from 'csv-parse/sync';

/** A cell of an expectation that takes any value: where the rules leave something open. */
export const anyValue = '*';

interface Comparison {
  /** Columns that name a row; rows must be sorted by them, by code point. */
  readonly key: readonly string[];
  readonly ignore?: readonly string[];
}

type Row = Readonly<Record<string, string>>;

interface Table {
  readonly header: readonly string[];
  readonly rows: ReadonlyMap<string, Row>;
  readonly order: readonly string[];
}

const shown = (text: string): string => JSON.stringify(text);

function read(text: string, key: readonly string[], name: string, problems: string[]): Table {
  const [header = [], ...lines] = parse(text, { bom: true, relax_column_count: false }) as string[][];
  const rows = new Map<string, Row>();
  const order: string[] = [];
  for (const line of lines) {
    const row: Row = Object.fromEntries(header.map((column, place) => [column, line[place] ?? '']));
    const id = key.map((column) => row[column] ?? '').join(' ');
    if (rows.has(id)) problems.push(`${name} has two rows for ${id}`);
    rows.set(id, row);
    order.push(id);
  }
  return { header, rows, order };
}

/** By code point, as `sort` by UTF-8 bytes does. */
const before = (left: string, right: string): number => Buffer.compare(Buffer.from(left), Buffer.from(right));

function sortedByKey(table: Table, key: readonly string[]): string | undefined {
  let last: Row | undefined;
  for (const row of table.rows.values()) {
    const previous = last;
    if (previous !== undefined) {
      const order = key.map((column) => before(previous[column] ?? '', row[column] ?? '')).find((each) => each !== 0) ?? 0;
      if (order > 0) return key.map((column) => row[column]).join(' ');
    }
    last = row;
  }
  return undefined;
}

/**
 * What differs between two CSV files, a line for each difference, the empty list if nothing does. An expected cell `*` takes any value.
 * Text that is no CSV with one width is a difference too.
 */
export function compareCsv(expectedText: string, actualText: string, { key, ignore = [] }: Comparison): string[] {
  const problems: string[] = [];
  let expected: Table;
  let actual: Table;
  try {
    expected = read(expectedText, key, 'the expectation', problems);
    actual = read(actualText, key, 'the result', problems);
  } catch (error) {
    return [`not readable as CSV: ${error instanceof Error ? error.message : String(error)}`];
  }
  if (expected.header.join(',') !== actual.header.join(','))
    problems.push(`header: expected ${expected.header.join(',')}, got ${actual.header.join(',')}`);
  const unsorted = sortedByKey(actual, key);
  if (unsorted !== undefined) problems.push(`not sorted by ${key.join(', ')}: ${unsorted} comes too late`);
  for (const [id, row] of expected.rows) {
    const found = actual.rows.get(id);
    if (found === undefined) {
      problems.push(`missing: ${id} ${shown(summary(row, key))}`);
      continue;
    }
    for (const column of expected.header) {
      const want = row[column] ?? '';
      const got = found[column] ?? '';
      if (want !== got && want !== anyValue && !ignore.includes(column)) problems.push(`${id}: ${column} expected ${shown(want)}, got ${shown(got)}`);
    }
  }
  for (const [id, row] of actual.rows) if (!expected.rows.has(id)) problems.push(`not expected: ${id} ${shown(summary(row, key))}`);
  return problems;
}

const summary = (row: Row, key: readonly string[]): string =>
  Object.entries(row)
    .filter(([column, cell]) => cell !== '' && !key.includes(column))
    .map(([column, cell]) => `${column}=${cell}`)
    .join(' ');

/** records.csv, to the letter. */
export const compareRecords = (expected: string, actual: string): string[] => compareCsv(expected, actual, { key: ['object', 'salesforceId'] });

/** intents.csv but for its reasons, whose words the rules leave to the sync. */
export const compareIntents = (expected: string, actual: string): string[] =>
  compareCsv(expected, actual, { key: ['side', 'object', 'id', 'field'], ignore: ['reason'] });

/** report.json: everything that the expectation names must be there and the same; it may hold more. */
export function compareReport(expected: unknown, actual: unknown, path = 'report'): string[] {
  if (typeof expected === 'object' && expected !== null) {
    if (typeof actual !== 'object' || actual === null) return [`${path}: expected an object, got ${JSON.stringify(actual)}`];
    return Object.entries(expected).flatMap(([name, value]) => compareReport(value, (actual as Record<string, unknown>)[name], `${path}.${name}`));
  }
  return expected === actual ? [] : [`${path}: expected ${JSON.stringify(expected)}, got ${JSON.stringify(actual)}`];
}
