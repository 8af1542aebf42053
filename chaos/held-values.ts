import { existsSync, readdirSync, readFileSync } from 'node:fs';
import path from 'node:path';
import { parse } from 'csv-parse/sync';
import pg from 'pg';

/** Shorter ones are found in any text by chance. */
const shortestValue = 6;

/** Values of both sides, but numbers (any count may be one) and the words of the settings, which histories may hold. */
export class HeldValues {
  readonly values = new Set<string>();
  readonly #settings: string;

  constructor(settings: string) {
    this.#settings = settings;
  }

  add(text: string | null): void {
    const value = text?.trim() ?? '';
    if (value.length >= shortestValue && !/^[\d.-]+$/.test(value) && !this.#settings.includes(value)) this.values.add(value);
  }

  /** Every cell of a CSV but its header. */
  addCsv(csv: string | Buffer): void {
    const rows = parse(csv, { bom: true, relax_column_count: true, relax_quotes: true }) as string[][];
    for (const cell of rows.slice(1).flat()) this.add(cell);
  }

  /** What every mirror of a server holds: ids and values of both sides, and what was written. */
  async addMirrors(adminUrl: string): Promise<void> {
    for (const database of await column(adminUrl, `select datname from pg_database where not datistemplate`)) {
      const url = new URL(adminUrl);
      url.pathname = `/${database ?? ''}`;
      const schemas = await column(url.href, `select nspname from pg_namespace where nspname like '%\\_mirror'`);
      for (const schema of schemas) for (const text of await column(url.href, valuesOfMirror, schema ?? '')) this.add(text);
    }
  }
}

const valuesOfMirror = `
  select crm_id from crm_record union select account_id from crm_record union select unnest(field_values) from crm_record
  union select pers_id from pers_record union select unnest(field_values) from pers_record
  union select before from intent union select after from intent`;

async function column(url: string, statement: string, schema = 'public'): Promise<readonly (string | null)[]> {
  const client = new pg.Client({ connectionString: url, options: `-c search_path=${schema}` });
  await client.connect();
  try {
    const { rows } = await client.query<[string | null]>({ text: statement, rowMode: 'array' });
    return rows.map(([value]) => value);
  } finally {
    await client.end();
  }
}

/** The values of a data directory. */
export function valuesOfDirectory(directory: string): HeldValues {
  const settings = path.join(directory, 'crm-sync.yaml');
  const held = new HeldValues(existsSync(settings) ? readFileSync(settings, 'utf8') : '');
  for (const file of readdirSync(directory).filter((name) => name.endsWith('.csv'))) held.addCsv(readFileSync(path.join(directory, file)));
  return held;
}
