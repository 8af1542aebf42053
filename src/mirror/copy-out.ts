import { Readable } from 'node:stream';
import { to as copyTo } from 'pg-copy-streams';
import { databaseFailure } from '../postgres/database.ts';
import type { Database } from '../postgres/database.ts';

/** A query's rows as CSV, made by PostgreSQL (RFC 4180, LF, a header row). `rows()`: how many there were, once the stream has ended. */
export interface CopiedCsv {
  readonly csv: Readable;
  readonly rows: () => number;
}

/**
 * Streams a query that holds no value from outside as CSV, on a connection of its own. A reader that stops early ends the connection: a COPY that nobody reads to its end would block it for ever.
 * `quoted`: every value is quoted, a null is an empty cell without quotes.
 */
export function copyCsv(database: Database, query: string, options: { readonly quoted: boolean }): CopiedCsv {
  let rows = 0;
  async function* bytes(): AsyncGenerator<Uint8Array> {
    const client = await database.pool.connect();
    let finished = false;
    // A connection that breaks is told by the stream.
    const broken = (error: Error): void => void error;
    client.on('error', broken);
    try {
      const copy = client.query(copyTo(`copy (${query}) to stdout (format csv, header${options.quoted ? ', force_quote *' : ''})`));
      for await (const chunk of copy) yield chunk as Uint8Array;
      // The count comes after the last byte: an answered statement behind it says that it is there.
      await client.query('select');
      rows = copy.rowCount;
      finished = true;
    } finally {
      client.off('error', broken);
      client.release(!finished);
    }
  }
  async function* named(): AsyncGenerator<Uint8Array> {
    try {
      yield* bytes();
    } catch (error) {
      throw databaseFailure(error, 'ledger.url');
    }
  }
  return { csv: Readable.from(named(), { objectMode: false }), rows: () => rows };
}
