import { closeSync, mkdirSync, openSync } from 'node:fs';
import { join } from 'node:path';
import { DatabaseSync } from 'node:sqlite';
import type { StatementSync } from 'node:sqlite';
import { personAccountFlag, personContactId } from './fields.ts';
import type { CustomType, Field } from './fields.ts';
import { buildSchema, quoted, sqliteType } from './schema.ts';
import type { CustomFieldRow, ObjectType } from './schema.ts';
import { registerFunctions } from './sql-functions.ts';

const ddl = `
create table if not exists meta (key text primary key, value text not null);
create table if not exists custom_fields (object text not null, name text not null, type text not null, scale integer not null, primary key (object, name));
create table if not exists tokens (token text primary key, created_ms integer not null, expires_ms integer not null);
create table if not exists locators (id integer primary key, created_ms integer not null, job text not null, rows blob not null);
create table if not exists query_jobs (id text primary key, seq integer not null, job text not null);
create table if not exists ingest_jobs (id text primary key, seq integer not null, job text not null);
create table if not exists ingest_rows (job text not null, n integer not null, ok integer not null, created integer not null, record_id text, error text, line text not null, primary key (job, n)) without rowid;
create table if not exists writes (seq integer primary key, object text not null, id text not null, request text not null);
create index if not exists writes_id on writes (object, id);
`;

/**
 * The org's state: one SQLite database in the state directory. What was acknowledged to a client is in it: write-ahead log, synchronous=full.
 * One connection writes; readers of long results open their own and see the state of their first read.
 */
export class Store {
  readonly directory: string;
  readonly db: DatabaseSync;
  #statements = new Map<string, StatementSync>();
  #types: Map<string, ObjectType>;
  #transactionOpen = false;

  constructor(directory: string) {
    this.directory = directory;
    for (const name of ['results', 'uploads']) mkdirSync(join(directory, name), { recursive: true, mode: 0o700 });
    const file = join(directory, 'org.db');
    // It holds credentials; SQLite gives its log the mode of the database.
    closeSync(openSync(file, 'a', 0o600));
    this.db = new DatabaseSync(file, { timeout: 10_000 });
    this.db.exec('pragma journal_mode = wal; pragma synchronous = full; pragma wal_autocheckpoint = 16000; pragma cache_size = -65536; pragma temp_store = file;');
    registerFunctions(this.db);
    this.db.exec(ddl);
    this.#types = this.#readTypes();
    for (const type of this.#types.values()) this.#ensureTable(type);
  }

  close(): void {
    this.#statements.clear();
    this.db.close();
  }

  /** A read-only connection of its own; the caller closes it. */
  openReader(): DatabaseSync {
    const reader = new DatabaseSync(join(this.directory, 'org.db'), { readOnly: true, timeout: 10_000 });
    reader.exec('pragma cache_size = -16384');
    return reader;
  }

  /** A prepared statement, kept for the next call with the same text. */
  sql(text: string): StatementSync {
    let statement = this.#statements.get(text);
    if (statement === undefined) {
      if (this.#statements.size > 500) this.#statements.clear();
      statement = this.db.prepare(text);
      this.#statements.set(text, statement);
    }
    return statement;
  }

  /** Everything in `work`, which must not wait for anything, or nothing of it. */
  transaction<T>(work: () => T): T {
    if (this.#transactionOpen) return work();
    this.sql('begin immediate').run();
    this.#transactionOpen = true;
    try {
      const result = work();
      this.sql('commit').run();
      return result;
    } catch (error) {
      this.db.exec('rollback');
      throw error;
    } finally {
      this.#transactionOpen = false;
    }
  }

  meta(key: string): string | undefined {
    const row = this.sql('select value from meta where key = ?').get(key);
    return row === undefined ? undefined : String(row['value']);
  }

  setMeta(key: string, value: string): void {
    this.sql('insert into meta (key, value) values (?, ?) on conflict (key) do update set value = excluded.value').run(key, value);
  }

  /** The next number of a named counter, from 1, never given twice. */
  nextNumber(counter: string): number {
    const next = Number(this.meta(`counter:${counter}`) ?? 0) + 1;
    this.setMeta(`counter:${counter}`, String(next));
    return next;
  }

  types(): readonly ObjectType[] {
    return [...this.#types.values()];
  }

  /** By name in any case. */
  type(name: string): ObjectType | undefined {
    return this.#types.get(name.toLowerCase());
  }

  addCustomFields(rows: readonly CustomFieldRow[]): void {
    for (const row of rows) {
      this.sql('insert into custom_fields (object, name, type, scale) values (?, ?, ?, ?) on conflict do update set type = excluded.type, scale = max(scale, excluded.scale)')
        .run(row.object, row.name, row.type, row.scale);
    }
    this.#refreshTypes();
  }

  /** Every record and custom field away. */
  clearRecords(): void {
    this.transaction(() => {
      for (const type of this.types()) this.sql(`delete from ${quoted(type.name)}`).run();
      this.sql('delete from custom_fields').run();
    });
    this.#refreshTypes();
  }

  enablePersonAccounts(): void {
    this.setMeta('personAccounts', 'true');
    this.#refreshTypes();
  }

  #refreshTypes(): void {
    this.#types = this.#readTypes();
    for (const type of this.#types.values()) this.#ensureTable(type);
    this.#statements.clear();
  }

  #readTypes(): Map<string, ObjectType> {
    const rows = this.db.prepare('select object, name, type, scale from custom_fields order by rowid').all();
    const custom = rows.map((row): CustomFieldRow => ({
      object: String(row['object']), name: String(row['name']), type: String(row['type']) as CustomType, scale: Number(row['scale']),
    }));
    return buildSchema(custom, this.db.prepare(`select 1 from meta where key = 'personAccounts'`).get() !== undefined);
  }

  #ensureTable(type: ObjectType): void {
    const columns: Field[] = [...type.columns];
    if (type.writable && !type.byName.has('ispersonaccount')) columns.push(personAccountFlag);
    if (type.name === 'Account' && !type.byName.has('personcontactid')) columns.push(personContactId);
    const definition = (field: Field): string =>
      `${quoted(field.name)} ${sqliteType(field)}${field.type === 'boolean' ? ' not null default 0' : ''}`;
    const table = quoted(type.name);
    const present = new Set(this.db.prepare(`select name from pragma_table_info(?)`).all(type.name).map((row) => String(row['name'])));
    if (present.size === 0) {
      this.db.exec(`create table ${table} (_row integer primary key, ${columns.map((field) => (field.name === 'Id' ? '"Id" text not null unique' : definition(field))).join(', ')},
        _updates integer not null default 0, _deleted_at text);
        create index ${quoted(`${type.name}_stamp`)} on ${table} ("SystemModstamp");`);
      if (type.byName.has('accountid')) this.db.exec(`create index ${quoted(`${type.name}_account`)} on ${table} ("AccountId")`);
      return;
    }
    for (const field of columns) if (!present.has(field.name)) this.db.exec(`alter table ${table} add column ${definition(field)}`);
  }
}
