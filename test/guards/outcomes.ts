import type { World } from '../night/world.ts';

/** Intents of a run by side, outcome and reason. */
export async function outcomes(world: World, run: string): Promise<Readonly<Record<string, number>>> {
  const { rows } = await world.database.query<{ what: string; intents: number }>(
    `select concat_ws(' ', side, outcome, reason) as what, count(*) as intents from intent join run using (run_no) where run = '${run}' group by 1 order by 1`,
  );
  return Object.fromEntries(rows.map(({ what, intents }) => [what, intents]));
}
