import type { PoolClient } from 'pg';
import { objectFacts } from '../../domain/objects.ts';
import type { ObjectType } from '../../domain/objects.ts';
import { identifier, sql } from '../../postgres/sql.ts';
import { partitionName, runTables } from './context.ts';
import type { MatchContext } from './context.ts';
import { markDrifted } from './drift.ts';
import { countNearMisses } from './near-misses.ts';

/** What a match came to; all numbers of records unless said otherwise. */
export interface FinishedMatch {
  readonly records: number;
  readonly persons: number;
  readonly unmatched: number;
  /** Links that stay although what made them no longer speaks for them (R14). */
  readonly drifted: number;
  /** R6 */
  readonly nearMisses: number;
  /** Of persons (R8). */
  readonly malformedIds: number;
  readonly [name: string]: number;
}

/**
 * Ends the match of one object: everything else is `unmatched` (R26), near misses are counted, drifted links marked. The primary keys made here prove that each record has
 * exactly one outcome and each person at most one; the unique index, that no person is linked twice (R9).
 */
export async function finishMatch(tx: PoolClient, ctx: MatchContext, object: ObjectType): Promise<FinishedMatch> {
  const t = runTables(ctx, object);
  const repeated = await repeatedCounts(tx, ctx, object);
  if (repeated !== null) {
    await proveOnce(tx, ctx, object);
    return repeated;
  }
  const unmatched = await tx.query(sql`
    insert into ${t.crmOutcome} (run_no, object, rec, outcome)
    select ${ctx.runNo}::bigint, ${object}, rec, 'unmatched' from ${t.crmRecord} r
     where not exists (select from ${t.crmOutcome} o where o.rec = r.rec)`);
  await proveOnce(tx, ctx, object);
  const complete = await overCompleteRead(tx, ctx, object);
  const drifted = complete ? await markDrifted(tx, ctx, object) : 0;
  const nearMisses = complete ? await countNearMisses(tx, ctx, object) : 0;
  // Counted on the records and persons themselves, not on what this match wrote of them: the sums are to prove something (R26).
  const known = await tx.query<{ records: number; persons: number; malformedIds: number }>(sql`
    select (select count(*) from ${t.crmRecord}) as records,
           (select count(*) from ${identifier(`pers_record_${objectFacts[object].personKind}`)}) as persons,
           coalesce((select malformed_ids from key_state where object = ${object} and side = 'pers'), 0) as "malformedIds"`);
  const { records, persons, malformedIds } = known.rows[0] ?? { records: 0, persons: 0, malformedIds: 0 };
  const counts = { records, persons, unmatched: unmatched.rowCount ?? 0, drifted, nearMisses, malformedIds };
  await tx.query(sql`update match_count set counts = ${JSON.stringify(counts)} where run_no = ${ctx.runNo} and object = ${object}`);
  return counts;
}

/** R27: of an object that was not reconsidered nothing is compared. */
async function overCompleteRead(tx: PoolClient, ctx: MatchContext, object: ObjectType): Promise<boolean> {
  const found = await tx.query(sql`select from match_count where run_no = ${ctx.runNo} and object = ${object} and complete`);
  return found.rowCount !== 0;
}

/** Of a match for which an earlier one's outcomes were taken over (`repeat.ts`): what that one came to. Null of any other. */
async function repeatedCounts(tx: PoolClient, { runNo }: MatchContext, object: ObjectType): Promise<FinishedMatch | null> {
  const found = await tx.query<{ counts: FinishedMatch | null; malformedIds: number }>(sql`
    select m.counts, coalesce(k.malformed_ids, 0) as "malformedIds" from match_count m left join key_state k on k.object = m.object and k.side = 'pers'
     where m.run_no = ${runNo} and m.object = ${object}`);
  const row = found.rows[0];
  if (row === undefined || row.counts === null) return null;
  // A malformed id makes no key, whatever it is changed to: those are counted as of tonight.
  const counts = { ...row.counts, malformedIds: row.malformedIds };
  await tx.query(sql`update match_count set counts = ${JSON.stringify(counts)} where run_no = ${runNo} and object = ${object}`);
  return counts;
}

async function proveOnce(tx: PoolClient, { runNo }: MatchContext, object: ObjectType): Promise<void> {
  for (const table of ['crm_outcome', 'pers_outcome'] as const) {
    const name = partitionName(table, runNo, object);
    await tx.query(sql`alter table ${identifier(name)} add constraint ${identifier(`${name}_once`)} primary key (rec)`);
  }
  const outcomes = partitionName('crm_outcome', runNo, object);
  await tx.query(sql`create unique index ${identifier(`${outcomes}_person`)} on ${identifier(outcomes)} (pers) where pers is not null`);
  await tx.query(sql`analyze ${identifier(outcomes)} (rec, outcome, pers, link_no)`);
  await tx.query(sql`analyze ${identifier(partitionName('pers_outcome', runNo, object))}`);
}
