import type { Database } from '../../src/postgres/database.ts';
import { sql } from '../../src/postgres/sql.ts';
import { load } from '../config/failure.ts';
import { testShape } from '../match/match-fixture.ts';
import { freshNights } from '../match/nights.ts';
import type { Night, Nights } from '../match/nights.ts';

/** Nights whose runs stand in the ledger as well, ended, so that operators can ask about them. */
export interface OperatorNights {
  readonly nights: Nights;
  /** Answers with the key of its run. */
  readonly night: (world: Night) => Promise<string>;
}

export async function operatorNights(database: Database, yaml = ''): Promise<OperatorNights> {
  const nights = await freshNights(database, yaml);
  await database.query('truncate run, match_count, written, binding');
  return {
    nights,
    night: async (world) => {
      await nights.night(world);
      const { rows } = await database.query<{ run: string }>(sql`
        insert into run (run, run_no, kind, status, workflow_id, settings, settings_hash, decision_seq, leads, finished_at) overriding system value
        select 'run-' || m.run_no, m.run_no, 'night', 'success', 'w', ${JSON.stringify(testShape(load(yaml)))}, 'h', coalesce((select max(seq) from decision), 0),
          ${world.leads !== undefined && world.leads !== false}, now()
          from (select max(run_no) as run_no from match_count) m
        returning run`);
      return rows[0]?.run ?? '';
    },
  };
}
