import {
  allHandlersFinished,
  ApplicationFailure,
  CancellationScope,
  condition,
  continueAsNew,
  getExternalWorkflowHandle,
  isCancellation,
  setCurrentDetails,
  setDefaultSignalHandler,
  setHandler,
  upsertSearchAttributes,
  workflowInfo,
} from '@temporalio/workflow';
import { runKindKey, runStatusKey } from './search-attributes.ts';
import type { ObjectType } from '../src/domain/objects.ts';
import type { LeadSwitch, Progress, RunRequest, RunResult, RunStatus, StepProgress } from '../src/domain/progress.ts';
import { short, sides, syncName } from './activity-proxies.ts';
import { nowMs } from './clock.ts';
import { detailsOf } from './details.ts';
import { approve, disableLeads, enableLeads, leadsSwitched, progress, reject } from './messages.ts';
import { applyAll, fetchAll, matchAll, planAll } from './night-steps.ts';
import type { Ref } from './night-steps.ts';
import { StepTable } from './step-table.ts';

/** What a run carries over when it continues as new: the ledger knows the rest. */
interface Carried {
  readonly steps: readonly StepProgress[];
  readonly leadsDone: boolean;
  readonly linksCommitted: boolean;
}

/** One night, or a preview of one: fetch, match, plan, apply, settle. Its fixed id is the lock (R5). */
export async function syncRun(request: RunRequest, carried?: Carried): Promise<RunResult> {
  let leads: LeadSwitch = { enabled: false, revision: -1 };
  let status: Progress['status'] = 'running';
  let planDigest: string | null = null;
  let expiresAtMs: number | null = null;
  let answer: 'approved' | 'rejected' | null = null;
  const ignored: string[] = [];
  const answerOf = (): 'approved' | 'rejected' | null => answer;

  const table = new StepTable(carried?.steps ?? [], () => setCurrentDetails(detailsOf(progressNow(), ignored)));
  const progressNow = (): Progress => ({
    run: request.run,
    kind: request.kind,
    status,
    leads: leads.enabled,
    planDigest,
    approvalExpiresAt: expiresAtMs === null ? null : isoOf(expiresAtMs),
    steps: table.rows(),
  });
  const say = (next: Progress['status']): void => {
    status = next;
    setCurrentDetails(detailsOf(progressNow(), ignored));
    if (searchable) upsertSearchAttributes([{ key: runStatusKey, value: next }, { key: runKindKey, value: request.kind }]);
  };
  let searchable = false;

  // Handlers first, the stored switch second, the higher revision wins: no signal is lost, whenever it comes.
  const newer = (next: LeadSwitch): void => {
    if (next.revision > leads.revision) leads = next;
  };
  const control = getExternalWorkflowHandle(syncName());
  const forward = (signal: typeof enableLeads) => (): Promise<void> => control.signal(signal).catch(() => void ignored.push(`${signal.name} (${syncName()} is not running)`));
  setHandler(leadsSwitched, newer, { description: 'From the control workflow: the switch as it was saved' });
  setHandler(enableLeads, forward(enableLeads), { description: 'Leads take part, in this run and in later ones' });
  setHandler(disableLeads, forward(disableLeads), { description: 'Leads take no part any more' });
  setHandler(progress, progressNow, { description: 'Steps, counts and status' });
  setHandler(approve, () => void (answer = 'approved'), {
    description: 'Approves the plan that was shown, by its digest',
    validator: (digest) => {
      if (status !== 'awaitingApproval') throw new Error(`the run does not wait for approval: it is ${status}`);
      if (digest !== planDigest) throw new Error(`the plan that waits is ${planDigest}, not ${digest}`);
    },
  });
  setHandler(reject, () => void (answer = 'rejected'), {
    description: 'Rejects the plan: nothing is written',
    validator: () => {
      if (status !== 'awaitingApproval') throw new Error(`the run does not wait for approval: it is ${status}`);
    },
  });
  setDefaultSignalHandler((name) => {
    ignored.push(name);
    setCurrentDetails(detailsOf(progressNow(), ignored));
  });

  const opened = await sides(syncName()).openRun(request, workflowInfo().workflowId);
  newer(opened.leads);
  searchable = opened.searchable;
  const ref: Ref = { run: request.run, attempt: opened.attempt };
  let linksCommitted = carried?.linksCommitted ?? false;
  let leadsDone = carried?.leadsDone ?? false;
  let pass = leadsDone ? 1 : 0;
  let objects: readonly ObjectType[] = ['account', 'contact'];
  say('running');

  const continueIfLong = async (): Promise<void> => {
    if (!workflowInfo().continueAsNewSuggested || !allHandlersFinished()) return;
    await continueAsNew<typeof syncRun>(request, { steps: table.rows(), leadsDone, linksCommitted });
  };

  /** Fetch, match and plan for the objects that are due, then the gate, then apply. Returns how the run ends, or null to go on. */
  const onePass = async (): Promise<RunStatus | null> => {
    await fetchAll(ref, objects, table);
    // The last moment in which leads join the first pass: contacts and leads are then matched together.
    if (pass === 0 && leads.enabled && !objects.includes('lead')) {
      objects = [...objects, 'lead'];
      await fetchAll(ref, ['lead'], table);
    }
    if (objects.includes('lead')) {
      if (leads.enabled) {
        await short.leadsTakePart(ref);
        leadsDone = true;
      } else objects = objects.filter((object) => object !== 'lead');
    }
    await continueIfLong();
    await matchAll(ref, objects, table);
    await continueIfLong();
    await planAll(ref, objects, table);
    const plan = await short.finishPlan(ref, request, pass);
    planDigest = plan.digest;
    if (request.kind === 'preview') return 'preview';
    if (plan.needsApproval) {
      if (request.atGate === 'end') return 'preview';
      expiresAtMs = plan.approvalExpiresAtMs;
      say('awaitingApproval');
      const answered = await condition(() => answerOf() !== null, Math.max(1_000, plan.approvalExpiresAtMs - nowMs()));
      if (!answered || answerOf() === 'rejected') return 'rejected';
      answer = null;
      say('running');
    }
    linksCommitted = true;
    await applyAll(ref, pass, table, (object) => object === 'lead' && !leads.enabled);
    return null;
  };
  const leadsDue = (): boolean => leads.enabled && !leadsDone;

  try {
    if (leads.enabled) objects = ['account', 'contact', 'lead'];
    let ended: RunStatus | null = null;
    for (;;) {
      if (pass === 0 || leadsDue()) ended = await onePass();
      if (ended === null && leadsDue()) {
        pass += 1;
        objects = ['lead'];
        table.again('apply', 'all');
        continue;
      }
      const status_ = await settle(ref, ended, table);
      await condition(allHandlersFinished);
      // No await between this look and the return: the server refuses a completion that has not seen a new signal.
      if (ended === null && leadsDue()) {
        await short.reopenRun(ref);
        table.again('settle', 'all');
        continue;
      }
      say(status_);
      return { run: request.run, status: status_ };
    }
  } catch (error) {
    const cancelled = isCancellation(error);
    await CancellationScope.nonCancellable(() => short.abandonRun(ref, cancelled ? 'cancelled' : 'failed', failureCode(error)));
    say(cancelled ? 'cancelled' : 'failed');
    throw error;
  }
}

async function settle(ref: Ref, ended: RunStatus | null, table: StepTable): Promise<RunStatus> {
  let status: RunStatus = 'failed';
  await table.run('settle', 'all', async () => {
    const settled = await short.settleRun(ref, ended);
    status = settled.status;
  });
  if (status === 'failed') throw ApplicationFailure.nonRetryable('the sums of the run do not add up', 'SUMS');
  return status;
}

function failureCode(error: unknown): string {
  let current: unknown = error;
  while (current instanceof Error) {
    if (current instanceof ApplicationFailure && typeof current.type === 'string') return current.type;
    current = current.cause;
  }
  return 'UNEXPECTED';
}

function isoOf(ms: number): string {
  // oxlint-disable-next-line no-restricted-globals -- a pure conversion
  return new Date(ms).toISOString();
}
