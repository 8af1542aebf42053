import type { PoolClient } from 'pg';

/** Of one statement, besides its own process. */
const mostWorkers = 2;

/**
 * Lets statements of a step that has no parts read with several processes, where PostgreSQL finds that worth while: it can so far as they only read, or fill a table that they create. Sessions keep to
 * one process otherwise (`src/postgres/database.ts`).
 */
export async function withParallelQuery<T>(tx: PoolClient, body: () => Promise<T>): Promise<T> {
  await tx.query(`set local max_parallel_workers_per_gather = ${mostWorkers}`);
  const result = await body();
  await tx.query('set local max_parallel_workers_per_gather to default');
  return result;
}
