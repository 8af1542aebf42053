import type { ObjectType } from '../domain/objects.ts';
import type { Queryable } from '../postgres/database.ts';
import { sql } from '../postgres/sql.ts';

/** The newest run that has ended in which an object was matched, as far as the mirror remembers. */
export interface LastMatch {
  readonly object: ObjectType;
  readonly run: string;
  readonly runNo: number;
  /** Decisions after this one have not been seen by it. */
  readonly decisionSeq: number;
}

/** One for each object that was matched; leads only if the newest of these runs had them on (R16). */
export async function lastMatches(database: Queryable): Promise<readonly LastMatch[]> {
  const found = await database.query<LastMatch & { leads: boolean }>(sql`
    select distinct on (m.object) m.object, r.run, r.run_no as "runNo", r.decision_seq as "decisionSeq", r.leads
      from match_count m join run r on r.run_no = m.run_no
     where m.counts is not null and r.finished_at is not null order by m.object, m.run_no desc`);
  const newest = found.rows.toSorted((a, b) => b.runNo - a.runNo)[0];
  return found.rows.filter(({ object }) => object !== 'lead' || newest?.leads === true).map(({ leads: _leads, ...match }) => match);
}
