import { closeSync, mkdirSync, openSync } from 'node:fs';
import { join } from 'node:path';
import { DatabaseSync } from 'node:sqlite';
import type { StatementSync } from 'node:sqlite';
import { personAccountFlag, personContactId } from './fields.ts';
import type { CustomType, Field } from './fields.ts';
import { buildSchema, quoted, sqliteType } from './schema.ts';
import type { CustomFieldRow, ObjectType, Shape } from './schema.ts';
import { registerFunctions } from './sql-functions.ts';
import { toSecond } from './values.ts';

const ddl = `
create table if not exists meta (key text primary key, value text not null);
create table if not exists custom_fields (object text not null, name text not null, type text not null, scale integer not null, primary key (object, name));
create table if not exists tokens (token text primary key, created_ms integer not null, expires_ms integer not null);
create table if not exists locators (id integer primary key, created_ms integer not null, job text not null, rows blob not null);
create table if not exists query_jobs (id text primary key, seq integer not null, job text not null);
create table if not exists ingest_jobs (id text primary key, seq integer not null, job text not null);
create table if not exists ingest_rows (job text not null, n integer not null, ok integer not null, created integer not null, record_id text, error text, line text not null, primary key (job, n)) without rowid;
create table if not exists delete_log (object text not null, id text not null, deleted_at text not null);
create index if not exists delete_log_when on delete_log (object, deleted_at);
create table if not exists open_rows (object text not null, id text not null, started_at text not null, visible_ms integer not null, primary key (object, id)) without rowid;
create table if not exists writes (seq integer primary key, object text not null, id text not null, request text not null, run text not null default '');
create index if not exists writes_id on writes (object, id);
create table if not exists trigger_runs (seq integer primary key, object text not null, id text not null, name text not null, request text not null, run text not null);
create index if not exists trigger_runs_id on trigger_runs (object, id);
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
  #shape: Omit<Shape, 'personAccounts'> = { hiddenFields: [], readOnlyFields: [], formulas: [] };
  #transactionOpen = false;
  readonly #columnNames = new Map<string, readonly string[]>();

  constructor(directory: string) {
    this.directory = directory;
    for (const name of ['results', 'uploads']) mkdirSync(join(directory, name), { recursive: true, mode: 0o700 });
    const file = join(directory, 'org.db');
    // It holds credentials; SQLite gives its log the mode of the database.
    closeSync(openSync(file, 'a', 0o600));
    this.db = new DatabaseSync(file, { timeout: 10_000 });
    this.db.exec(
      'pragma journal_mode = wal; pragma synchronous = full; pragma wal_autocheckpoint = 16000; pragma cache_size = -65536; pragma temp_store = file;',
    );
    registerFunctions(this.db);
    this.db.exec(ddl);
    if (this.db.prepare(`select 1 from pragma_table_info('writes') where name = 'run'`).get() === undefined)
      this.db.exec(`alter table writes add column run text not null default ''`);
    this.#types = this.#readTypes();
    for (const type of this.#types.values()) this.#ensureTable(type);
    this.#adoptEarlierState();
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
      this.sql(
        'insert into custom_fields (object, name, type, scale) values (?, ?, ?, ?) on conflict do update set type = excluded.type, scale = max(scale, excluded.scale)',
      ).run(row.object, row.name, row.type, row.scale);
    }
    this.#refreshTypes();
  }

  /** Every record and custom field away. */
  clearRecords(): void {
    this.transaction(() => {
      for (const type of this.types()) this.sql(`delete from ${quoted(type.name)}`).run();
      for (const table of ['custom_fields', 'delete_log', 'open_rows']) this.sql(`delete from ${table}`).run();
    });
    this.#refreshTypes();
  }

  enablePersonAccounts(): void {
    this.setMeta('personAccounts', 'true');
    this.#refreshTypes();
  }

  hasPersonAccounts(): boolean {
    return this.meta('personAccounts') !== undefined;
  }

  /** Which fields are hidden, read-only or formulas from now on. */
  setShape(shape: Omit<Shape, 'personAccounts'>): void {
    this.#shape = shape;
    this.#refreshTypes();
  }

  /** The names of all columns of an object's table, those of the simulator's own (`_...`) included. */
  columnNames(object: string): readonly string[] {
    return this.#columnNames.get(object) ?? [];
  }

  #refreshTypes(): void {
    this.#types = this.#readTypes();
    for (const type of this.#types.values()) this.#ensureTable(type);
    this.#statements.clear();
  }

  #readTypes(): Map<string, ObjectType> {
    const rows = this.db.prepare('select object, name, type, scale from custom_fields order by rowid').all();
    const custom = rows.map((row): CustomFieldRow => ({
      object: String(row['object']),
      name: String(row['name']),
      type: String(row['type']) as CustomType,
      scale: Number(row['scale']),
    }));
    const personAccounts = this.db.prepare(`select 1 from meta where key = 'personAccounts'`).get() !== undefined;
    return buildSchema(custom, { personAccounts, ...this.#shape });
  }

  /** The table of the records and, for those that can be saved, `~before`: rows as they were before a transaction that is not committed yet. */
  #ensureTable(type: ObjectType): void {
    const columns: Field[] = [...type.columns];
    if (type.writable && !type.allByName.has('ispersonaccount')) columns.push(personAccountFlag);
    if (type.name === 'Account' && !type.allByName.has('personcontactid')) columns.push(personContactId);
    const definition = (field: Field): string => `${quoted(field.name)} ${sqliteType(field)}${field.type === 'boolean' ? ' not null default 0' : ''}`;
    const names = [...columns.map((field) => field.name), '_row', '_updates', '_deleted_at', '_deleted_with'];
    this.#columnNames.set(type.name, names);
    for (const name of type.writable ? [type.name, `${type.name}~before`] : [type.name]) {
      const table = quoted(name);
      const present = new Set(
        this.db
          .prepare(`select name from pragma_table_info(?)`)
          .all(name)
          .map((row) => String(row['name'])),
      );
      if (present.size === 0) {
        this.db
          .exec(`create table ${table} (_row integer primary key, ${columns.map((field) => (field.name === 'Id' ? '"Id" text not null unique' : definition(field))).join(', ')},
          _updates integer not null default 0, _deleted_at text, _deleted_with text);`);
      } else {
        for (const field of columns) if (!present.has(field.name)) this.db.exec(`alter table ${table} add column ${definition(field)}`);
        if (!present.has('_deleted_with')) this.db.exec(`alter table ${table} add column _deleted_with text`);
      }
    }
    const index = (suffix: string, on: string): void =>
      this.db.exec(`create index if not exists ${quoted(`${type.name}_${suffix}`)} on ${quoted(type.name)} ${on}`);
    index('stamp', '("SystemModstamp")');
    if (type.writable) index('deleted', '(_deleted_at) where _deleted_at is not null');
    if (type.writable) index('deleted_with', '(_deleted_with) where _deleted_with is not null');
    if (type.allByName.has('accountid')) index('account', '("AccountId")');
  }

  /** A state directory from before there was a delete log: its deleted rows are in the log at their time, and in the recycle bin from now on. */
  #adoptEarlierState(): void {
    if (this.meta('deleteLog') !== undefined) return;
    this.transaction(() => {
      for (const type of this.types()) {
        if (!type.writable) continue;
        this.sql(
          `insert into delete_log (object, id, deleted_at) select ?, "Id", _deleted_at from ${quoted(type.name)} where _deleted_at is not null`,
        ).run(type.name);
        this.sql(`update ${quoted(type.name)} set _deleted_at = ? where _deleted_at is not null`).run(toSecond(new Date().toISOString()));
      }
      this.setMeta('deleteLog', 'kept');
    });
  }
}
