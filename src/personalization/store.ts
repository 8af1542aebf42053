import path from 'node:path';
import pg from 'pg';
import { to as copyTo } from 'pg-copy-streams';
import { Failure } from '../domain/failure.ts';
import type { PersonKind } from '../domain/objects.ts';
import { Database, placeOf } from '../postgres/database.ts';
import { migrate } from '../postgres/migrate.ts';
import { sql } from '../postgres/sql.ts';
import { writeBatch } from './batch.ts';
import type {
  Attribute,
  AttributeType,
  AttributeTypes,
  Cursor,
  Person,
  PersonalizationSide,
  PersonPage,
  PersonWrite,
  ReadRequest,
  WriteResult,
} from './port.ts';
import { copyOut } from './copy-out.ts';
import { personTables } from './tables.ts';

export interface StoreOptions {
  readonly personsPerPage?: number;
  readonly maxConnections?: number;
}

const mostIdsPerRead = 10_000;
/** A batch is repeated within its run; no run lasts that long. */
const batchDays = 30;

/** Opens the profile store of a database, and makes or updates its tables. Safe to call by several processes at once. */
export async function openStore(url: string, schema = 'personalization', options: StoreOptions = {}): Promise<PersonalizationStore> {
  const database = new Database({
    url,
    searchPath: [schema],
    ...(options.maxConnections === undefined ? {} : { maxConnections: options.maxConnections }),
  });
  try {
    await migrateStore(database, schema);
    await database.query(sql`delete from crm_sync_batch where at < now() - make_interval(days => ${batchDays})`);
  } catch (error) {
    await database.close();
    throw error;
  }
  return new PersonalizationStore(database, placeOf(url), options.personsPerPage ?? 200_000);
}

/** Brings the store's tables to the newest version; returns how many steps were made. */
export async function migrateStore(database: Database, schema: string): Promise<number> {
  return migrate(database, schema, path.join(import.meta.dirname, 'migrations'));
}

/** The PostgreSQL adapter of the Personalization port: users and accounts with typed attributes, read in full every night. */
export class PersonalizationStore implements PersonalizationSide {
  readonly capabilities = { conditionalWrite: true, batchKey: true, changes: 'full' } as const;
  readonly database: Database;
  /** Host, port and database, for messages. */
  readonly place: string;
  readonly #personsPerPage: number;

  constructor(database: Database, place: string, personsPerPage: number) {
    this.database = database;
    this.place = place;
    this.#personsPerPage = personsPerPage;
  }

  async identity(): Promise<string> {
    const { rows } = await this.database.query<{ identity: string }>(sql`select identity::text from store`);
    const row = rows[0];
    if (row === undefined)
      throw new Failure('the profile store has lost its identity', {
        kind: 'permanent',
        code: 'STORE_IDENTITY',
        remedy: 'restore the table store from a backup',
      });
    return row.identity;
  }

  async describe(): Promise<AttributeTypes> {
    const { rows } = await this.database.query<{ kind: PersonKind; name: string; type: AttributeType }>(
      sql`select kind, name, type from attribute order by kind, name`,
    );
    const of = (kind: PersonKind): readonly Attribute[] => rows.filter((row) => row.kind === kind).map(({ name, type }) => ({ name, type }));
    return { user: of('user'), account: of('account') };
  }

  /**
   * Pages are ranges of `person_no`, the cursor the last number of the page before. An attribute that the store does not know is null
   * for everybody. The rows of a page are one snapshot; persons made while a read goes on may be missing from it.
   */
  async readPage(request: ReadRequest, from: Cursor | 'start'): Promise<PersonPage> {
    const { table, id, accountId } = personTables[request.kind];
    const after = from === 'start' ? 0 : cursorNumber(from);
    const upper = await this.#lastOfPage(table, after);
    const values = request.attributes.map((name, position) => `attributes ->> ${pg.escapeLiteral(name)} as a${position}`);
    const columns = [`${id.fragment} as id`, `${accountId.fragment} as "accountId"`, ...values].join(', ');
    const range = `person_no > ${after}${upper === null ? '' : ` and person_no <= ${upper}`}`;
    const { csv, rows } = copyOut({ pool: this.database.pool, place: this.place }, (client) =>
      client.query(copyTo(`copy (select ${columns} from ${table.fragment} where ${range} order by person_no) to stdout (format csv, header)`)),
    );
    return { csv, rows, next: upper === null ? null : String(upper) };
  }

  /** The number of the last person of the page behind `after`; null: it is the last page. */
  async #lastOfPage(table: (typeof personTables)[PersonKind]['table'], after: number): Promise<number | null> {
    const { rows: ends } = await this.database.query<{ last: number | null }>(sql`select max(person_no) as last from ${table}`);
    // No number comes twice.
    if ((ends[0]?.last ?? 0) - after <= this.#personsPerPage) return null;
    const { rows } = await this.database.query<{ upper: number }>(
      sql`select person_no as upper from ${table} where person_no > ${after} order by person_no offset ${this.#personsPerPage - 1} limit 2`,
    );
    // Two rows: the page's last one, and one after it.
    return rows.length === 2 ? (rows[0]?.upper ?? null) : null;
  }

  async readByIds(kind: PersonKind, ids: readonly string[], attributes: readonly string[]): Promise<readonly Person[]> {
    if (ids.length > mostIdsPerRead) throw new RangeError(`${ids.length} ids in one read, at most ${mostIdsPerRead}`);
    const { table, id, accountId } = personTables[kind];
    const storable = ids.filter((text) => !text.includes('\0'));
    const { rows } = await this.database.query<{ id: string; account_id: string | null; texts: readonly (string | null)[] }>(sql`
      select ${id} as id, ${accountId} as account_id,
        array(select p.attributes ->> a.name from unnest(${attributes}::text[]) with ordinality as a(name, position) order by a.position) as texts
      from ${table} as p where ${id} = any(${storable}::text[])`);
    return rows.map((row) => ({
      id: row.id,
      accountId: row.account_id,
      values: Object.fromEntries(attributes.map((name, position) => [name, row.texts[position] ?? null])),
    }));
  }

  async write(kind: PersonKind, batchKey: string, writes: readonly PersonWrite[]): Promise<readonly WriteResult[]> {
    return this.database.transaction((tx) => writeBatch(tx, kind, batchKey, writes));
  }

  /** Whether there is neither a user nor an account. */
  async isEmpty(): Promise<boolean> {
    const { rows } = await this.database.query<{ empty: boolean }>(
      sql`select not exists (select from profile_user) and not exists (select from profile_account) as empty`,
    );
    return rows[0]?.empty ?? true;
  }

  /** Deletes persons with all their values; returns how many there were. The one way in which the store loses somebody. */
  async deletePersons(kind: PersonKind, ids: readonly string[]): Promise<number> {
    const { table, id } = personTables[kind];
    const storable = ids.filter((text) => !text.includes('\0'));
    const { rowCount } = await this.database.query(
      sql`delete from ${table} where person_no in (select person_no from ${table} where ${id} = any(${storable}::text[]) order by ${id} for update)`,
    );
    return rowCount ?? 0;
  }

  async close(): Promise<void> {
    await this.database.close();
  }
}

function cursorNumber(cursor: Cursor): number {
  if (!/^\d{1,15}$/.test(cursor)) throw new TypeError('not a cursor of this store');
  return Number(cursor);
}
