import pg from 'pg';
import type { PoolClient, QueryConfig, QueryResult, QueryResultRow } from 'pg';
import { Failure } from '../domain/failure.ts';

/** 8-byte integers are counts and row numbers here: far below 2^53. */
pg.types.setTypeParser(pg.types.builtins.INT8, Number);
/** Instants cross borders as ISO text. */
for (const type of [pg.types.builtins.TIMESTAMPTZ, pg.types.builtins.DATE]) pg.types.setTypeParser(type, (text) => text);

/** What runs statements: the pool itself, or one transaction. */
export interface Queryable {
  query<R extends QueryResultRow>(statement: QueryConfig | string): Promise<QueryResult<R>>;
}

export interface DatabaseOptions {
  readonly url: string;
  /** Schemas in which unqualified names are looked up. */
  readonly searchPath: readonly string[];
  readonly maxConnections?: number;
  readonly statementTimeoutMs?: number;
}

/** Settings of a session that works on sets: the parts of a step are the parallelism, so a statement takes one process. */
const sessionSettings = [
  "work_mem='64MB'",
  'hash_mem_multiplier=2',
  'jit=off',
  'max_parallel_workers_per_gather=0',
  "timezone='UTC'",
  "datestyle='ISO'",
  'client_min_messages=warning',
  // A process that is frozen between two statements (a paused machine) must not keep its locks for ever: the next run waits for them. Longer than any call of Salesforce, a few of which are made within a transaction.
  'idle_in_transaction_session_timeout=5min',
];

export class Database implements Queryable {
  readonly pool: pg.Pool;
  readonly #where: string;

  constructor(options: DatabaseOptions) {
    this.#where = placeOf(options.url);
    const settings = [...sessionSettings, `search_path=${options.searchPath.join(',')}`];
    if (options.statementTimeoutMs !== undefined) settings.push(`statement_timeout=${options.statementTimeoutMs}`);
    this.pool = new pg.Pool({
      connectionString: options.url,
      max: options.maxConnections ?? 8,
      connectionTimeoutMillis: 10_000,
      keepAlive: true,
      application_name: 'crm-sync',
      options: settings.map((setting) => `-c ${setting.replaceAll("'", '')}`).join(' '),
    });
    // An idle connection that breaks is replaced at the next query, which then reports what is wrong.
    this.pool.on('error', (error) => void error);
  }

  async query<R extends QueryResultRow>(statement: QueryConfig | string): Promise<QueryResult<R>> {
    try {
      return await this.pool.query<R>(statement as QueryConfig);
    } catch (error) {
      throw databaseFailure(error, this.#where);
    }
  }

  /** Runs the body in one transaction; anything it throws rolls back everything. The signal cancels the running statement. */
  async transaction<T>(body: (tx: PoolClient) => Promise<T>, signal?: AbortSignal): Promise<T> {
    let client: PoolClient;
    try {
      client = await this.pool.connect();
    } catch (error) {
      throw databaseFailure(error, this.#where);
    }
    const cancel = () => void this.#cancel(client);
    let broken: Error | undefined;
    const onError = (error: Error) => void (broken = error);
    client.on('error', onError);
    signal?.addEventListener('abort', cancel, { once: true });
    try {
      signal?.throwIfAborted();
      await client.query('begin');
      const result = await body(client);
      await client.query('commit');
      return result;
    } catch (error) {
      // Of a session that was lost the statements say only that it is gone.
      const cause = error instanceof Failure ? error : (broken ?? error);
      await client.query('rollback').catch((rollbackError: Error) => void (broken = rollbackError));
      throw databaseFailure(cause, this.#where);
    } finally {
      signal?.removeEventListener('abort', cancel);
      client.off('error', onError);
      client.release(broken);
    }
  }

  async #cancel(client: PoolClient): Promise<void> {
    const pid = (client as PoolClient & { processID?: number }).processID;
    if (pid === undefined) return;
    // The statement may have ended by itself: a cancel that comes too late does nothing.
    await this.pool.query('select pg_cancel_backend($1)', [pid]).catch((error: Error) => void error);
  }

  async close(): Promise<void> {
    await this.pool.end();
  }
}

/** Host, port and database of an address, without user and password. */
export function placeOf(url: string): string {
  try {
    const parsed = new URL(url);
    return `${parsed.hostname}:${parsed.port || '5432'}${parsed.pathname}`;
  } catch {
    throw new Failure('the database address is not a URL', {
      kind: 'permanent',
      code: 'DATABASE_URL',
      exitCode: 2,
      remedy: 'write it as postgres://user:password@host:5432/database',
    });
  }
}

const unreachable = new Set([
  'ECONNREFUSED',
  'ENOTFOUND',
  'ETIMEDOUT',
  'ECONNRESET',
  'EPIPE',
  '25P03',
  '57P01',
  '57P02',
  '57P03',
  '08006',
  '08001',
  '08003',
]);
/** What passes by itself, or with an operator's help: what is said of it, and what to do. */
const passing: ReadonlyMap<string, readonly [says: string, remedy?: string]> = new Map([
  ['53100', ['has no room left on its disk', 'free some, or give it more: it goes on by itself']],
  ['53200', ['is out of memory', 'give it more, or less to do at the same time: it goes on by itself']],
  ['53300', ['has no free connection', 'end some that others hold, or raise max_connections: it goes on by itself']],
  ['53400', ['has reached a limit of its configuration', 'see its log']],
  ['40001', ['could not bring two transactions together']],
  ['40P01', ['ended a deadlock']],
  ['55P03', ['has locked what is wanted']],
  ['57014', ['has ended a statement that took too long, or that somebody cancelled']],
]);

/** Turns a driver's error into a Failure without the row values that PostgreSQL puts into `detail`. */
export function databaseFailure(error: unknown, where: string): unknown {
  if (error instanceof Failure || !(error instanceof Error)) return error;
  if (error.name === 'AbortError') return error;
  const code = 'code' in error && typeof error.code === 'string' ? error.code : undefined;
  const lost = code === undefined && /terminat|timeout exceeded when trying to connect|Connection ended/i.test(error.message);
  if (lost || (code !== undefined && unreachable.has(code)))
    return new Failure(`no answer from the database at ${where} (${code ?? 'connection lost'})`, {
      kind: 'transient',
      code: 'DATABASE_UNREACHABLE',
      remedy: 'check that PostgreSQL is up and the address is right',
    });
  if (code === '28P01' || code === '28000' || code === '3D000')
    return new Failure(`the database at ${where} refused the connection (${code})`, {
      kind: 'permanent',
      code: 'DATABASE_REFUSED',
      remedy: 'check user, password and database name in the address',
    });
  const [says, remedy] = passing.get(code ?? '') ?? [];
  if (code !== undefined && says !== undefined)
    return new Failure(`the database at ${where} ${says} (${code})`, {
      kind: 'transient',
      code: `DATABASE_${code}`,
      ...(remedy === undefined ? {} : { remedy }),
      cause: stripped(error),
    });
  if (code !== undefined && /^[0-9A-Z]{5}$/.test(code))
    return new Failure(`the database at ${where} refused a statement (${code})`, {
      kind: 'permanent',
      code: `DATABASE_${code}`,
      cause: stripped(error),
    });
  return error;
}

/** The driver's error less `detail`, `where` and parameters, which can hold personal data. */
function stripped(error: Error): Error {
  const copy = new Error(redactQuoted(error.message));
  if (error.stack !== undefined) copy.stack = redactQuoted(error.stack);
  return copy;
}

function redactQuoted(text: string): string {
  return text.replaceAll(/: ".*"/gs, ': "…"');
}
