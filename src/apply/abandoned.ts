import type { OpenRun } from '../ledger/runs.ts';
import { jobsLeftBehind, noteEnded, submittedJobs } from '../ledger/write-jobs.ts';
import type { JobCounts, WriteJob } from '../ledger/write-jobs.ts';
import type { RunShape } from '../mirror/run-shape.ts';
import { sql } from '../postgres/sql.ts';
import { abortOpenJobs } from './bulk-open.ts';
import { readBack } from './confirm.ts';
import { deferRest } from './defer.ts';
import type { ApplyContext, ApplyDependencies, Heartbeat } from './dependencies.ts';
import { inRun } from './in-run.ts';
import { lookAgain } from './look-again.ts';
import { abortJob } from './open-jobs.ts';
import { loadPart } from './parts.ts';
import type { ApplyPart } from './parts.ts';

/**
 * Looks after runs that ended without their settling (terminated, the server lost): before the new run does anything else, what they may have sent is looked at and becomes `applied` or `deferred`, jobs that still
 * run are aborted, the rest is deferred as `abandoned`. A repeat goes on; a second time finds nothing. Returns the runs.
 */
export async function settleAbandoned(deps: ApplyDependencies, by: OpenRun, heartbeat: Heartbeat): Promise<number> {
  const { rows } = await deps.database.query<{ run: string; attempt: number; runNo: number; shape: RunShape; decisionSeq: number }>(sql`
    select run, attempt, run_no as "runNo", settings as shape, decision_seq as "decisionSeq" from run r
     where finished_at is not null and report is null and status = 'failed'
       and not exists (select from step_ledger s where s.run_no = r.run_no and s.step = 'apply.abandoned')
     order by run_no`);
  for (const row of rows) {
    const ctx: ApplyContext = { ...row, heldBy: by };
    await abortOpenJobs(deps, ctx);
    await markSubmitted(deps, ctx);
    for (const part of await partsInFlight(deps, ctx)) {
      await lookAgain(deps, ctx, part, 'inDoubt', heartbeat, 'abandoned');
      await readBack(deps, ctx, part, heartbeat);
    }
    await inRun(deps.database, ctx, async (tx) => {
      await deferRest(tx, ctx, 'abandoned');
      await tx.query(
        sql`insert into step_ledger (run_no, step, object, part, counts) values (${ctx.runNo}, 'apply.abandoned', 'all', 0, '{"records": 0}')`,
      );
    });
  }
  for (const job of await jobsLeftBehind(deps.database)) {
    if (job.sfJobId !== null) await abortJob(deps, job.sfJobId);
    await inRun(deps.database, by, (tx) => noteEnded(tx, job, 'abandoned', unknownCounts(job)));
  }
  return rows.length;
}

/** Records of jobs that Salesforce may have processed count as sent. A job that still runs is aborted, so that nothing of it comes later. */
async function markSubmitted(deps: ApplyDependencies, ctx: ApplyContext): Promise<void> {
  for (const job of await submittedJobs(deps.database, ctx.run)) {
    const part = await loadPart(deps.database, ctx.runNo, job.part);
    if (job.sfJobId !== null) await abortJob(deps, job.sfJobId);
    await inRun(deps.database, ctx, async (tx) => {
      await tx.query(sql`
        update intent_set set sending = true
         where run_no = ${ctx.runNo} and side = 'salesforce' and object = ${part.object} and part = ${part.chunk} and outcome is null`);
      await noteEnded(tx, job, 'abandoned', unknownCounts(job));
    });
  }
}

const unknownCounts = ({ rowsSent }: WriteJob): JobCounts => ({ ok: 0, failed: 0, unprocessed: 0, missing: rowsSent });

async function partsInFlight({ database }: ApplyDependencies, ctx: ApplyContext): Promise<readonly ApplyPart[]> {
  const { rows } = await database.query<{ part: number }>(sql`
    select part from apply_part a
     where run_no = ${ctx.runNo} and side = 'salesforce' and exists (
       select from intent_set i where i.run_no = a.run_no and i.side = a.side and i.object = a.object and i.part = a.chunk
          and (i.sending or i.outcome = 'applied'))
     order by part`);
  return Promise.all(rows.map(({ part }) => loadPart(database, ctx.runNo, part)));
}
