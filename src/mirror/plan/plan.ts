import pg from 'pg';
import type { PoolClient } from 'pg';
import { objectFacts } from '../../domain/objects.ts';
import type { ObjectType } from '../../domain/objects.ts';
import { raw, sql } from '../../postgres/sql.ts';
import { withHashJoins } from '../hash-joins.ts';
import type { RunShape } from '../run-shape.ts';
import { comparisonSql } from './comparison.ts';
import { collectDue } from './due.ts';
import { mappingsOf } from './mappings.ts';
import type { PlannedMapping, WriteSide } from './mappings.ts';
import { targetSql } from './targets.ts';

/** What the plan needs of a run; an OpenRun is one. */
export interface PlanContext {
  readonly runNo: number;
  readonly shape: RunShape;
}

/** Persons whose writes are sent to the store in one batch. */
const personsPerChunk = 5_000;
/** Chunks of one part of the plan: their numbers lie between the part's and the next one's. */
const chunksPerPart = 10_000;
/** Chunks of one pass: a run that makes its links real a second time plans what it did not plan before (R16). */
const chunksPerPass = 10_000_000;

/**
 * Plans one part, in both directions: every pair that the run links (a slice of them by record), every mapping, each for itself (R24). Only what differs becomes
 * an intent. Values are those of the read, whatever the other direction writes. `since`: only the pairs that are due since that run's plan was applied (`due.ts`); null: all. Runs in the
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
  if (since !== null && (await collectDue(tx, ctx, object, since)) === 0) {
    await tx.query('drop table due');
    return { intents: 0 };
  }
  const firstChunk = await firstChunkNow(tx, ctx.runNo);
  let intents = 0;
  for (const side of ['personalization', 'salesforce'] as const) {
    const mappings = mappingsOf(ctx.shape, object, side);
    if (mappings.length === 0) continue;
    const collect = (): Promise<void> => collectPairs(tx, ctx, { object, side, part, parts, onlyDue: since !== null }, mappings);
    // Few pairs are looked up one by one.
    await (since === null ? withHashJoins(tx, collect) : collect());
    intents += await compare(tx, ctx, { object, side, part, parts }, mappings, firstChunk);
    await tx.query('drop table pair');
  }
  if (since !== null) await tx.query('drop table due');
  return { intents };
}

/** Forgets what a run planned of some objects since it last made links real; nothing of it was sent. */
export async function forgetPlan(tx: PoolClient, runNo: number, objects: readonly ObjectType[]): Promise<void> {
  const first = await firstChunkNow(tx, runNo);
  await tx.query(sql`
    delete from intent where run_no = ${runNo} and object = any(${objects}) and part >= ${first} and part < ${first + chunksPerPass}`);
}

async function firstChunkNow(tx: PoolClient, runNo: number): Promise<number> {
  const { rows } = await tx.query<{ passes: number }>(sql`
    select count(*) as passes from step_ledger where run_no = ${runNo} and step = 'apply.links'`);
  return (rows[0]?.passes ?? 0) * chunksPerPass;
}

interface Slice {
  readonly object: ObjectType;
  readonly side: WriteSide;
  readonly part: number;
  readonly parts: number;
}

interface SliceOfPairs extends Slice {
  /** Only the pairs of the table `due`. */
  readonly onlyDue: boolean;
}

/** The slice's linked pairs with any mapping whose texts differ, with those texts: `s0`, `b0`, `s1`, ... Numbered, so that chunks hold whole pairs. */
async function collectPairs(tx: PoolClient, ctx: PlanContext, slice: SliceOfPairs, mappings: readonly PlannedMapping[]): Promise<void> {
  const { object, part, parts, onlyDue } = slice;
  const values = mappings.map(({ source, before }, at) => `${source} as s${at}, ${before} as b${at}`).join(', ');
  const differs = mappings.map(
    ({ onNull, source, before }) => `${onNull === 'keep' ? `${source} is not null and ` : ''}${source} is distinct from ${before}`,
  );
  await tx.query(sql`
    create temp table pair on commit drop as
    select row_number() over () - 1 as n, o.rec as crm, o.pers, c.crm_id, c.account_id, c.person_account, p.pers_id, ${raw(values)}
      from crm_outcome o
      join crm_record c on c.object = ${raw(pg.escapeLiteral(object))} and c.rec = o.rec
      join pers_record p on p.kind = ${raw(pg.escapeLiteral(objectFacts[object].personKind))} and p.rec = o.pers
     where o.run_no = ${raw(String(ctx.runNo))} and o.object = ${raw(pg.escapeLiteral(object))} and o.outcome = 'linked'
       and o.rec % ${raw(String(parts))} = ${raw(String(part))} ${raw(onlyDue ? 'and exists (select from due d where d.crm = o.rec and d.pers = o.pers)' : '')}
       and (${raw(differs.map((each) => `(${each})`).join(' or '))})`);
  await tx.query('analyze pair');
}

/** The typed comparison, mapping by mapping, and R25: what the org made of the same value is not written again. */
async function compare(
  tx: PoolClient,
  ctx: PlanContext,
  { object, side, part }: Slice,
  mappings: readonly PlannedMapping[],
  firstChunk: number,
): Promise<number> {
  const compared = mappings.map((mapping, at) => comparisonSql(mapping, at, targetSql(object, mapping))).join('\nunion all\n');
  const written = raw(
    side === 'personalization'
      ? 'false'
      : `exists (
      select from written w
       where w.side = 'salesforce' and w.object = m.target_object and w.rec_id = m.target_id and w.field = m.field and w.seen_known
         and w.sent is not distinct from m.after
         and comparable(m.target_type, m.scale, w.seen) is not distinct from comparable(m.target_type, m.scale, m.before))`,
  );
  const inserted = await tx.query(sql`
    insert into intent (run_no, side, object, crm, pers, target_id, target_object, field, position, target_type, scale, before, after, rule, outcome, code, reason, part)
    select ${ctx.runNo}::bigint, ${side}, ${object}, crm, pers, target_id, target_object, field, position, target_type, scale, before, after, rule,
      case when code is not null then 'rejected' when by_org then 'unchanged' end, code, case when code is not null then refusal when by_org then 'changedByOrg' end,
      ${firstChunk + part * chunksPerPart} + (n / ${personsPerChunk})::integer
      from (select m.*, m.code is null and ${written} as by_org from (${raw(compared)}) m) planned
     where ${raw(firstChunk === 0 ? 'true' : plannedNowOnly(ctx.runNo, side))}`);
  return inserted.rowCount ?? 0;
}

/** What an earlier pass of the run planned is not planned again. */
function plannedNowOnly(runNo: number, side: WriteSide): string {
  return `not exists (
    select from intent e where e.run_no = ${runNo} and e.side = '${side}' and e.target_object = planned.target_object and e.target_id = planned.target_id
       and e.field = planned.field and e.after is not distinct from planned.after)`;
}
