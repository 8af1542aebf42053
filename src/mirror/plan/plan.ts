import pg from 'pg';
import type { PoolClient } from 'pg';
import { objectFacts } from '../../domain/objects.ts';
import type { ObjectType } from '../../domain/objects.ts';
import { raw, sql } from '../../postgres/sql.ts';
import { withHashJoins } from '../hash-joins.ts';
import type { RunShape } from '../run-shape.ts';
import { comparisonSql, sourcesSql } from './comparison.ts';
import type { Direction } from './comparison.ts';
import { collectDue } from './due.ts';
import { keepIntents } from './keep-intents.ts';
import { mappingsOf } from './mappings.ts';

/** What the plan needs of a run; an OpenRun is one. */
export interface PlanContext {
  readonly runNo: number;
  readonly shape: RunShape;
}

export interface Slice {
  readonly object: ObjectType;
  readonly part: number;
  readonly parts: number;
  /** Only the pairs of the table `due`. */
  readonly onlyDue: boolean;
}

/** Persons whose writes are sent to the store in one batch. */
const personsPerChunk = 2_500;
/** Chunks of one part of the plan: their numbers lie between the part's and the next one's. */
const chunksPerPart = 10_000;
/** Chunks of one pass: a run that makes its links real a second time plans what it did not plan before (R16). */
const chunksPerPass = 10_000_000;

/**
 * Plans one part, in both directions: every pair that the run links (a slice of them by record), every mapping, each for itself (R24). Only what differs becomes
 * an intent, by the numbers of `noteMappings`, which comes before. Values are those of the read, whatever the other direction writes. `since`: only the pairs that are due since that run's plan was applied (`due.ts`); null: all. Runs in the
 * caller's transaction; it must not run twice for one part.
 */
export async function planPart(
  tx: PoolClient,
  ctx: PlanContext,
  object: ObjectType,
  part: number,
  parts: number,
  since: number | null = null,
): Promise<{ readonly intents: number }> {
  if (since !== null) await collectDue(tx, ctx, object, since);
  return planSlice(tx, ctx, { object, part, parts, onlyDue: since !== null });
}

/** The same, with the table `due` at hand if only those pairs are planned (`collectDue`); drops it. */
export async function planSlice(tx: PoolClient, ctx: PlanContext, slice: Slice): Promise<{ readonly intents: number }> {
  const { object, part, onlyDue } = slice;
  const firstChunk = await firstChunkNow(tx, ctx.runNo);
  const directions = (['personalization', 'salesforce'] as const)
    .map((side): Direction => ({ side, mappings: mappingsOf(ctx.shape, object, side) }))
    .filter(({ mappings }) => mappings.length > 0);
  let intents = 0;
  if (directions.length > 0) {
    const compare = (): Promise<void> => comparePairs(tx, ctx, slice, directions);
    // Few pairs are looked up one by one.
    await (onlyDue ? compare() : withHashJoins(tx, compare));
    const chunk = firstChunk + part * chunksPerPart;
    for (const { side } of directions) intents += await keepIntents(tx, ctx, { object, side, chunk, personsPerChunk, again: firstChunk > 0 });
    await tx.query('drop table compared');
  }
  if (onlyDue) await tx.query('drop table due');
  return { intents };
}

/** Forgets what a run planned of some objects since it last made links real; nothing of it was sent. */
export async function forgetPlan(tx: PoolClient, runNo: number, objects: readonly ObjectType[]): Promise<void> {
  const first = await firstChunkNow(tx, runNo);
  await tx.query(sql`
    delete from intent_set where run_no = ${runNo} and object = any(${objects}) and part >= ${first} and part < ${first + chunksPerPass}`);
}

async function firstChunkNow(tx: PoolClient, runNo: number): Promise<number> {
  const { rows } = await tx.query<{ passes: number }>(sql`
    select count(*) as passes from step_ledger where run_no = ${runNo} and step = 'apply.links'`);
  return (rows[0]?.passes ?? 0) * chunksPerPass;
}

/**
 * `compared`: the slice's linked pairs, in all directions at once, as one reading of both sides serves them. Only pairs with any mapping whose texts differ are looked at; they are numbered,
 * so that chunks hold whole pairs.
 */
async function comparePairs(tx: PoolClient, ctx: PlanContext, slice: Slice, directions: readonly Direction[]): Promise<void> {
  const { object, part, parts, onlyDue } = slice;
  const differs = directions
    .flatMap(({ mappings }) => mappings)
    .map(({ onNull, source, before }) => `${onNull === 'keep' ? `${source} is not null and ` : ''}${source} is distinct from ${before}`);
  const pairs = `
    select row_number() over () - 1 as n, o.rec as crm, o.pers, c.crm_id, c.account_id, c.person_account, p.pers_id, ${sourcesSql(directions)}
      from crm_outcome o
      join crm_record c on c.object = ${pg.escapeLiteral(object)} and c.rec = o.rec
      join pers_record p on p.kind = ${pg.escapeLiteral(objectFacts[object].personKind)} and p.rec = o.pers
     where o.run_no = ${ctx.runNo} and o.object = ${pg.escapeLiteral(object)} and o.outcome = 'linked'
       and o.rec % ${parts} = ${part} and c.rec % ${parts} = ${part}
       ${onlyDue ? 'and exists (select from due d where d.crm = o.rec and d.pers = o.pers)' : ''}
       and (${differs.map((each) => `(${each})`).join(' or ')})`;
  await tx.query(sql`create temp table compared on commit drop as ${raw(comparisonSql(object, directions, pairs))}`);
}
