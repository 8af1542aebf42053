import type { ObjectType } from '../src/domain/objects.ts';
import type { RunRequest } from '../src/domain/progress.ts';
import { everApplied, setRunStatus } from '../src/ledger/runs.ts';
import type { RunRef } from '../src/ledger/runs.ts';
import { approvalDeadlineMs } from '../src/config/night.ts';
import { planDigest } from '../src/mirror/plan/digest.ts';
import { planPart } from '../src/mirror/plan/plan.ts';
import { once } from '../src/mirror/step-ledger.ts';
import { sql } from '../src/postgres/sql.ts';
import type { Dependencies } from './dependencies.ts';
import { activity, cancellation } from './edge.ts';

/** Linked pairs that one part of the plan compares. */
const pairsPerPart = 250_000;

interface FinishedPlan {
  readonly digest: string;
  readonly needsApproval: boolean;
  readonly approvalExpiresAtMs: number;
}

export function planActivities({ database }: Dependencies) {
  return {
    beginPlan: activity(async (ref: RunRef, object: ObjectType): Promise<{ readonly parts: number }> => {
      const begun = await once(database, ref, { step: 'plan.begin', object, part: 0 }, async (tx, run) => {
        const linked = await tx.query<{ pairs: number }>(sql`
          select count(*) as pairs from crm_outcome where run_no = ${run.runNo} and object = ${object} and outcome = 'linked'`);
        return { records: 0, parts: Math.max(1, Math.ceil((linked.rows[0]?.pairs ?? 0) / pairsPerPart)) };
      });
      return { parts: begun.parts };
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
          async (tx, run) => ({ records: (await planPart(tx, run, object, part, parts)).intents }),
          cancellation(),
        );
        return { records: planned.records };
      },
    ),

    /** The plan's digest, and whether somebody must approve it before anything is written. */
    finishPlan: activity(async (ref: RunRef, { kind }: RunRequest, pass: number): Promise<FinishedPlan> => {
      const first = !(await everApplied(database));
      const finished = await once(database, ref, { step: 'plan.finish', object: 'all', part: pass }, async (tx, run) => {
        const { approval, schedule } = run.shape.settings;
        const digest = await planDigest(tx, run.runNo);
        const needsApproval = kind === 'night' && (approval === 'always' || (approval === 'firstRun' && first));
        await setRunStatus(tx, ref, needsApproval ? 'awaitingApproval' : 'running', digest);
        return { records: 0, digest, needsApproval, approvalExpiresAtMs: approvalDeadlineMs(schedule, Date.now()) };
      });
      const { digest, needsApproval, approvalExpiresAtMs } = finished;
      return { digest, needsApproval, approvalExpiresAtMs };
    }),
  };
}
