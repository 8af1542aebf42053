import { randomInt } from 'node:crypto';
import { setTimeout as delay } from 'node:timers/promises';
import type { World } from './world.ts';

/** A night held in the middle of a transaction, and let go; `await using` lets it go when a test fails, so that the worker can end. */
export interface Hold extends AsyncDisposable {
  /** Until the night stands there. */
  reached(): Promise<void>;
  release(): Promise<void>;
}

/** Where a night can be held: just before it writes such a row. `when` is a condition on `new` (and `old`). */
export interface Place {
  readonly table: 'step_ledger' | 'run' | 'write_job' | 'personalization.crm_sync_batch';
  readonly event: 'insert' | 'update';
  readonly when: string;
}

/** Just before an activity commits that it did its part of the step. */
export function atStep(step: string, object?: string): Place {
  return { table: 'step_ledger', event: 'insert', when: `new.step = '${step}'${object === undefined ? '' : ` and new.object = '${object}'`}` };
}

/** Just before the ledger knows that the content of a Bulk job was uploaded; it is handed over after that. */
export const atSubmitted: Place = { table: 'write_job', event: 'update', when: "new.state = 'submitted' and old.state <> 'submitted'" };

/** Just before the run is closed. */
export const atClose: Place = { table: 'run', event: 'update', when: 'old.finished_at is null and new.finished_at is not null' };

const lookEveryMs = 20;
const patienceMs = 90_000;

/** Holds the night by a lock that a trigger asks for. Everybody who comes there waits until it is released. */
export async function holdAt({ database }: Pick<World, 'database'>, { table, event, when }: Place): Promise<Hold> {
  const key = randomInt(1, 2 ** 31 - 1);
  const name = `hold_${key}`;
  const client = await database.pool.connect();
  await client.query(`select pg_advisory_lock(${key})`);
  await client.query(
    `create function ${name}() returns trigger language plpgsql as $$ begin perform pg_advisory_xact_lock_shared(${key}); return new; end $$`,
  );
  await client.query(`create trigger ${name} before ${event} on ${table} for each row when (${when}) execute function ${name}()`);
  let held = true;
  const release = async (): Promise<void> => {
    if (!held) return;
    held = false;
    await client.query(`select pg_advisory_unlock(${key})`);
    client.release();
  };
  return {
    reached: async () => {
      const deadline = Date.now() + patienceMs;
      for (;;) {
        const { rows } = await client.query(`select from pg_locks where locktype = 'advisory' and objid = ${key} and not granted`);
        if (rows.length > 0) return;
        if (Date.now() > deadline) throw new Error(`the night never came to ${table} (${when})`);
        await delay(lookEveryMs);
      }
    },
    release,
    [Symbol.asyncDispose]: release,
  };
}
