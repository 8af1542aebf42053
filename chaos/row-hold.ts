import { randomInt } from 'node:crypto';
import { setTimeout as delay } from 'node:timers/promises';
import pg from 'pg';
import { schemaNames } from '../src/config/settings.ts';
import type { Moment } from './drawn-kills.ts';
import type { World } from './world.ts';

const lookEveryMs = 70;

/** A run held just before it writes such a row, in the middle of its transaction. */
export interface RowHold {
  /** True once it stands there; false if it never does. */
  readonly reached: (signal: AbortSignal) => Promise<boolean>;
  readonly release: () => Promise<void>;
}

/** Holds by a lock that a trigger asks for. If the server dies the lock is gone with it, and nobody is held any more. */
export async function holdAtRow({ databaseUrl, name }: World, { table, event, when }: Extract<Moment, { kind: 'row' }>): Promise<RowHold> {
  const key = randomInt(1, 2 ** 31 - 1);
  const hold = `hold_${key}`;
  const schemas = schemaNames(name);
  const client = new pg.Client({
    connectionString: databaseUrl,
    options: `-c search_path=${schemas.ledger},${schemas.mirror}`,
    connectionTimeoutMillis: 5_000,
  });
  let broken = false;
  client.on('error', () => (broken = true));
  await client.connect();
  await client.query(`select pg_advisory_lock(${key})`);
  await client.query(
    `create function ${hold}() returns trigger language plpgsql as $$ begin perform pg_advisory_xact_lock_shared(${key}); return new; end $$`,
  );
  await client.query(`create trigger ${hold} before ${event} on ${table} for each row when (${when}) execute function ${hold}()`);
  return {
    reached: async (signal) => {
      while (!signal.aborted && !broken) {
        const found = await client
          .query(`select from pg_locks where locktype = 'advisory' and objid = ${key} and not granted`)
          .catch(() => undefined);
        if (found === undefined) return false;
        if (found.rows.length > 0) return true;
        await delay(lookEveryMs);
      }
      return false;
    },
    release: async () => {
      await client.query(`select pg_advisory_unlock(${key})`).catch(() => undefined);
      await client.end().catch(() => undefined);
    },
  };
}
