import type { Pool, PoolClient } from 'pg';
import type { CopyToStreamQuery } from 'pg-copy-streams';
import { databaseFailure } from '../postgres/database.ts';

/** A database to copy from, and its name in messages. */
export interface CopySource {
  readonly pool: Pool;
  readonly place: string;
}

export interface CopiedOut {
  readonly csv: AsyncIterable<Uint8Array>;
  /** Rows that the server says it sent; resolves at the end of `csv`, rejects if it broke off. */
  readonly rows: Promise<number>;
}

/** Runs a COPY ... TO STDOUT when its bytes are first asked for, on a connection of its own. A reader that stops early ends the connection, and with it the COPY. */
export function copyOut(source: CopySource, start: (client: PoolClient) => CopyToStreamQuery): CopiedOut {
  const counted = Promise.withResolvers<number>();
  // Whoever reads only the bytes learns of the end there.
  counted.promise.catch(() => undefined);
  return { csv: stream(source, start, counted), rows: counted.promise };
}

async function* stream(
  source: CopySource,
  start: (client: PoolClient) => CopyToStreamQuery,
  counted: PromiseWithResolvers<number>,
): AsyncGenerator<Uint8Array> {
  const client = await connect(source, counted);
  let finished = false;
  const lost = Promise.withResolvers<never>();
  // While rows come a lost connection breaks their stream off, and is told there: this is for the statement after them.
  lost.promise.catch(() => undefined);
  client.on('error', lost.reject);
  try {
    const copy = start(client);
    for await (const chunk of copy) yield chunk as Uint8Array;
    // The count comes after the last byte: an answered statement behind it says that it is there.
    await Promise.race([client.query('select'), lost.promise]);
    finished = true;
    counted.resolve(copy.rowCount);
  } catch (error) {
    const failure = databaseFailure(error, source.place);
    counted.reject(failure);
    throw failure;
  } finally {
    if (!finished) counted.reject(new Error('the page was not read to its end'));
    client.off('error', lost.reject);
    client.release(!finished);
  }
}

async function connect(source: CopySource, counted: PromiseWithResolvers<number>): Promise<PoolClient> {
  try {
    return await source.pool.connect();
  } catch (error) {
    const failure = databaseFailure(error, source.place);
    counted.reject(failure);
    throw failure;
  }
}
