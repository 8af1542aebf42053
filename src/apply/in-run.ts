import type { PoolClient } from 'pg';
import { fence } from '../ledger/runs.ts';
import type { Database } from '../postgres/database.ts';
import type { ApplyContext } from './dependencies.ts';

/** One commit of a run that is still the open one, or of the run that looks after an abandoned one. */
export async function inRun<T>(database: Database, ctx: ApplyContext, body: (tx: PoolClient) => Promise<T>): Promise<T> {
  return database.transaction(async (tx) => {
    await fence(tx, ctx.heldBy ?? ctx);
    return body(tx);
  });
}
