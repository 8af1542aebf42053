import type { PoolClient } from 'pg';
import { callsForWriting } from '../src/apply/api-budget.ts';
import type { PlanSummary } from '../src/domain/guards.ts';
import type { ObjectType } from '../src/domain/objects.ts';
import { loadRun, setRunStatus } from '../src/ledger/runs.ts';
import type { OpenRun, RunRef } from '../src/ledger/runs.ts';
import { approvalDeadlineMs } from '../src/config/night.ts';
import { withParallelQuery } from '../src/mirror/parallel-query.ts';
import { planDigest } from '../src/mirror/plan/digest.ts';
import { collectDue, lastApplied } from '../src/mirror/plan/due.ts';
import { noteMappings } from '../src/mirror/plan/intent-fields.ts';
import { planPart, planSlice } from '../src/mirror/plan/plan.ts';
import { withhold } from '../src/mirror/plan/withhold.ts';
import { arrangedAs } from '../src/mirror/arrangement.ts';
import { once } from '../src/mirror/step-ledger.ts';
import type { StepCounts } from '../src/mirror/step-ledger.ts';
import { readPlan } from '../src/operator/guards.ts';
import { sql } from '../src/postgres/sql.ts';
import type { Dependencies } from './dependencies.ts';
import { activity, cancellation } from './edge.ts';

/** Pairs that one part of the plan compares, at most and at least: each part reads both sides, and a few parts use as many processors. */
const mostPairsOfPart = 250_000;
const leastPairsOfPart = 20_000;
const partsWorthwhile = 4;

function partsFor(pairs: number): number {
  return Math.max(Math.ceil(pairs / mostPairsOfPart), Math.min(partsWorthwhile, Math.ceil(pairs / leastPairsOfPart)));
}

async function linkedPairs(tx: PoolClient, { runNo }: OpenRun, object: ObjectType): Promise<number> {
  const found = await tx.query<{ pairs: number }>(sql`
    select count(*) as pairs from crm_outcome where run_no = ${runNo} and object = ${object} and outcome = 'linked'`);
  return found.rows[0]?.pairs ?? 0;
}

interface BegunCounts extends StepCounts {
  readonly parts: number;
}

interface FinishedPlan {
  readonly digest: string;
  /** Somebody is asked if it has a reason. */
  readonly plan: PlanSummary;
  readonly approvalExpiresAtMs: number;
}

export function planActivities(dependencies: Dependencies) {
  const { database } = dependencies;
  return {
    /** Few pairs are planned at once: then there are no parts. */
    beginPlan: activity(async (ref: RunRef, object: ObjectType): Promise<{ readonly parts: number; readonly records: number }> => {
      const begun = await once<BegunCounts>(database, ref, { step: 'plan.begin', object, part: 0 }, async (tx, run) => {
        // The rows of a side that could not be read anew stand in another order than this run's positions mean (R27).
        if (!(await arrangedAs(tx, run.shape, object))) return { records: 0, parts: 0 };
        await noteMappings(tx, run, object);
        const since = await lastApplied(tx, run, object);
        const pairs = since === null ? await linkedPairs(tx, run, object) : await collectDue(tx, run, object, since);
        const atOnce = since !== null && pairs <= leastPairsOfPart;
        const planned = atOnce ? await planSlice(tx, run, { object, part: 0, parts: 1, onlyDue: true }) : { intents: 0 };
        return { records: planned.intents, parts: atOnce ? 0 : partsFor(pairs), compared: true, since };
      });
      return { parts: begun.parts, records: begun.records };
    }),

    planPart: activity(
      async (
        ref: RunRef,
        { object, part, parts }: { readonly object: ObjectType; readonly part: number; readonly parts: number },
      ): Promise<{ readonly records: number }> => {
        const planned = await once(
          database,
          ref,
          { step: 'plan.part', object, part },
          async (tx, run) => ({ records: (await planPart(tx, run, object, part, parts, await lastApplied(tx, run, object))).intents }),
          cancellation(),
        );
        return { records: planned.records };
      },
    ),

    /**
     * The plan's digest, what it would do, and whether somebody must approve it before anything is written. What the run will not send (`limitWrites`, caps, API budget) is withheld
     * from here on.
     */
    finishPlan: activity(async (ref: RunRef, objects: readonly ObjectType[], pass: number): Promise<FinishedPlan> => {
      const { whenSpent } = (await loadRun(database, ref)).shape.settings.salesforce.apiBudget;
      const left = await callsForWriting(dependencies, ref);
      const finished = await once(database, ref, { step: 'plan.finish', object: 'all', part: pass }, async (tx, run) => {
        const { intents: withheld, forecast } = await withhold(tx, run, whenSpent === 'partial' ? left : null);
        const plan = await readPlan(tx, run, { objects, withheld, apiCalls: { forecast, left } });
        const digest = await withParallelQuery(tx, () => planDigest(tx, run.runNo));
        await setRunStatus(tx, ref, plan.asks.length > 0 ? 'awaitingApproval' : 'running', digest);
        return { records: 0, digest, plan: JSON.stringify(plan), approvalExpiresAtMs: approvalDeadlineMs(run.shape.settings.schedule, Date.now()) };
      });
      const { digest, plan, approvalExpiresAtMs } = finished;
      return { digest, plan: JSON.parse(plan) as PlanSummary, approvalExpiresAtMs };
    }),
  };
}
