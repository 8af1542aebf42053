import type { PoolClient, QueryConfig } from 'pg';

/** How many intents are in the sets that a statement returns, the number of each as `intents`. */
export async function countIntents(tx: PoolClient, statement: QueryConfig): Promise<number> {
  const { rows } = await tx.query<{ intents: number }>(statement);
  return rows.reduce((sum, { intents }) => sum + intents, 0);
}
