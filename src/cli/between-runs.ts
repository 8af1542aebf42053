import type { PoolClient } from 'pg';
import { keepRunsOut, runInProgress, runOpen } from '../ledger/between-runs.ts';
import type { SyncConnection } from './connections.ts';
import { findOpenNight } from './night.ts';

/**
 * Does what must not overlap with a run, in one transaction during which none can begin (R5). Temporal holds the lock of runs: one that is open in the ledger alone was terminated.
 * @throws Failure `RUN_OPEN`
 */
export async function betweenRuns<T>(sync: SyncConnection, what: string, body: (tx: PoolClient) => Promise<T>): Promise<T> {
  const database = await sync.ledger();
  const open = await runInProgress(database);
  if ((await findOpenNight(await sync.client(), sync.name)) !== undefined) throw runOpen(open?.run, what);
  return database.transaction(async (tx) => {
    await keepRunsOut(tx, what, open?.run);
    return body(tx);
  });
}
