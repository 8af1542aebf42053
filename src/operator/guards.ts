import type { PoolClient } from 'pg';
import type { ApprovalReason, GuardReading, PlanSummary } from '../domain/guards.ts';
import type { ObjectType } from '../domain/objects.ts';
import { listGoneOfLedger, personsGone, recordsGone } from '../ledger/gone.ts';
import type { Gone } from '../ledger/gone.ts';
import { changesNoLink, endLooseLinks } from '../ledger/links.ts';
import { everApplied } from '../ledger/runs.ts';
import type { OpenRun } from '../ledger/runs.ts';
import { sql } from '../postgres/sql.ts';

/** Runs whose writes tell what is usual. */
const runsOfMedian = 7;

export interface Planned {
  /** What this pass of the run matched and planned. */
  readonly objects: readonly ObjectType[];
  readonly withheld: number;
  readonly apiCalls: { readonly forecast: number; readonly left: number };
}

/**
 * What the finished plan would do, what its guards found, and why somebody is asked. Shares are each kind's or object's own, without a least number: one of three links is a third. Runs in the caller's
 * transaction and changes no link.
 */
export async function readPlan(tx: PoolClient, run: OpenRun, { objects, withheld, apiCalls }: Planned): Promise<PlanSummary> {
  const { approval, guards: allowed } = run.shape.settings;
  await listGoneOfLedger(tx, run);
  const writes = await plannedWrites(tx, run.runNo);
  const links = await linkCounts(tx, run, objects);
  const ended = await linksEnding(tx, run);
  const median = await medianOfWrites(tx, run.runNo);
  const total = writes.personalization + writes.salesforce;
  const guards = [
    ...shares('personsGone', await personsGone(tx, run), allowed.personsGone),
    ...shares('linksEnded', ended, allowed.linksEnded),
    ...shares('recordsGone', await recordsGone(tx, objects), allowed.recordsGone),
    ...(median === null
      ? []
      : [
          {
            guard: 'writes',
            of: 'all',
            found: total,
            known: median,
            allowed: allowed.writesFactor,
            trips: total > allowed.writesFactor * median,
          } as const,
        ]),
    ...settingsReading(await changedSettings(tx, run)),
  ].filter(({ found }) => found > 0);
  const asks: ApprovalReason[] = [];
  if (run.kind === 'night' && approval !== 'never') {
    if (approval === 'always') asks.push('always');
    if (approval === 'firstRun' && !(await everApplied(tx))) asks.push('firstRun');
    if (guards.some(({ trips }) => trips)) asks.push('guards');
  }
  return { links: { ...links, ended: ended.reduce((sum, { gone }) => sum + gone, 0) }, writes, withheld, apiCalls, guards, asks };
}

function shares(guard: 'personsGone' | 'linksEnded' | 'recordsGone', found: readonly Gone[], allowed: number): readonly GuardReading[] {
  return found.map(({ owner, gone, known }) => ({ guard, of: owner, found: gone, known, allowed, trips: gone > allowed * known }));
}

function settingsReading(changed: number): readonly GuardReading[] {
  return [{ guard: 'settings', of: 'all', found: changed, known: 0, allowed: 0, trips: changed > 0 }];
}

async function plannedWrites(tx: PoolClient, runNo: number): Promise<PlanSummary['writes']> {
  const { rows } = await tx.query<{ side: keyof PlanSummary['writes']; intents: number }>(sql`
    select side, sum(cardinality(mappings))::bigint as intents from intent_set where run_no = ${runNo} and outcome is null group by side`);
  const of = (side: keyof PlanSummary['writes']): number => rows.find((row) => row.side === side)?.intents ?? 0;
  return { personalization: of('personalization'), salesforce: of('salesforce') };
}

async function linkCounts(
  tx: PoolClient,
  { runNo }: OpenRun,
  objects: readonly ObjectType[],
): Promise<{ readonly new: number; readonly kept: number }> {
  const { rows } = await tx.query<{ new: number; kept: number }>(sql`
    select count(*) filter (where link_no is null) as new, count(*) filter (where link_no is not null) as kept
      from crm_outcome where run_no = ${runNo} and object = any(${objects}) and outcome = 'linked'`);
  return rows[0] ?? { new: 0, kept: 0 };
}

/** Links that would end and go on in no other record, by object: found by doing it and taking it back. Most nights none does, which is seen at once. */
async function linksEnding(tx: PoolClient, run: OpenRun): Promise<readonly Gone[]> {
  const loose = await tx.query(sql`
    select from link l join match_count m on m.run_no = ${run.runNo} and m.object = l.object and m.complete and m.counts is not null and not ${changesNoLink}
     where l.ended_run is null and not exists (select from crm_outcome o where o.run_no = ${run.runNo} and o.link_no = l.link_no) limit 1`);
  if (loose.rowCount === 0) return [];
  const { rows: open } = await tx.query<{ owner: string; known: number }>(sql`
    select object as owner, count(*) as known from link where ended_run is null group by object`);
  await tx.query('savepoint links');
  const before = await endedBy(tx, run, []);
  await endLooseLinks(tx, run);
  const ended = await endedBy(tx, run, before);
  await tx.query('rollback to savepoint links');
  return open
    .map(({ owner, known }) => ({ owner, known, gone: ended.filter(({ object }) => object === owner).length }))
    .filter(({ gone }) => gone > 0);
}

/** Links of earlier runs that this one ended, but for those that were there before and those whose person the run links on, to the master or the contact that the record became. */
async function endedBy(
  tx: PoolClient,
  run: OpenRun,
  but: readonly { readonly link_no: number }[],
): Promise<readonly { readonly object: string; readonly link_no: number }[]> {
  const { rows } = await tx.query<{ object: string; link_no: number }>(sql`
    select object, link_no from link l
     where ended_run = ${run.run} and entered_run is distinct from ${run.run} and link_no <> all(${but.map(({ link_no }) => link_no)}::bigint[])
       and not (ended_reason in ('merged', 'converted') and exists (
         select from pers_record p join crm_outcome o on o.run_no = ${run.runNo} and o.pers = p.rec and o.outcome = 'linked'
          where p.pers_id = l.pers_id and (p.kind = 'account') = (l.object = 'account') and o.object in (l.object, case l.object when 'lead' then 'contact' else l.object end)))`);
  return rows;
}

/** The median of what the last runs wrote, of those that wrote anything: a quiet night says nothing of how much is usual. Null before the first. */
async function medianOfWrites(tx: PoolClient, runNo: number): Promise<number | null> {
  const { rows } = await tx.query<{ median: number | null }>(sql`
    select percentile_cont(0.5) within group (order by applied) as median from (
      select applied from (
        select run_no, (report #>> '{intents,personalization,applied}')::bigint + (report #>> '{intents,salesforce,applied}')::bigint as applied
          from run where run_no < ${runNo} and links_committed_at is not null and report is not null) r
       where applied > 0 order by run_no desc limit ${runsOfMedian}) last`);
  return rows[0]?.median ?? null;
}

/** Objects whose matching or mapping is set otherwise than in the last run that became real; 0 if this one has become real in an earlier pass. */
async function changedSettings(tx: PoolClient, run: OpenRun): Promise<number> {
  const { rows } = await tx.query<{ changed: number }>(sql`
    select count(*) as changed
      from (select settings -> 'settings' as s from run where run = ${run.run} and links_committed_at is null) now,
           (select settings -> 'settings' as s from run where links_committed_at is not null and run <> ${run.run} order by run_no desc limit 1) before,
           unnest(array['account', 'contact', 'lead']) as o(object)
     where now.s -> 'ignoreValues' is distinct from before.s -> 'ignoreValues'
        or (now.s #> array['objects', o.object]) - 'enabled' is distinct from (before.s #> array['objects', o.object]) - 'enabled'`);
  return rows[0]?.changed ?? 0;
}
