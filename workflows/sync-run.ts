import {
  allHandlersFinished,
  ApplicationFailure,
  CancellationScope,
  condition,
  ContinueAsNew,
  isCancellation,
  setCurrentDetails,
  setDefaultSignalHandler,
  setHandler,
  upsertSearchAttributes,
  workflowInfo,
} from '@temporalio/workflow';
import type { PlanSummary } from '../src/domain/guards.ts';
import type { Progress, RunRequest, RunResult } from '../src/domain/progress.ts';
import type { RunRef } from '../src/ledger/runs.ts';
import { proxies } from './activity-proxies.ts';
import { followBudget } from './api-budget.ts';
import { isoOf } from './clock.ts';
import { detailsOf } from './details.ts';
import { openGate } from './gate.ts';
import { followLeads } from './lead-switch.ts';
import { progress } from './messages.ts';
import { runRounds } from './rounds.ts';
import type { Carried } from './rounds.ts';
import { runKindKey, runStatusKey } from './search-attributes.ts';
import { StepTable } from './step-table.ts';

/** One night, or a preview of one: fetch, match, plan, apply, settle. Its fixed id is the lock (R5). */
export async function syncRun(
  request: RunRequest,
  carried: Carried = { steps: [], round: 0, objects: [], applied: [], again: [] },
): Promise<RunResult> {
  const { run, kind, heartbeatTimeoutMs, budgetPauseMs } = request;
  let status: Progress['status'] = 'running';
  let planned: { readonly digest: string; readonly plan: PlanSummary } | null = null;
  let searchable = false;
  const ignored: string[] = [];

  const show = (): void => setCurrentDetails(detailsOf(progressNow(), ignored));
  const ignore = (line: string): void => {
    ignored.push(line);
    show();
  };
  const say = (next: Progress['status'], plan = planned): void => {
    status = next;
    planned = plan;
    show();
    if (searchable)
      upsertSearchAttributes([
        { key: runStatusKey, value: next },
        { key: runKindKey, value: kind },
      ]);
  };
  const table = new StepTable(carried.steps, show);
  const leads = followLeads([...carried.objects, ...carried.applied].includes('lead'), ignore);
  const gate = openGate(() => status);
  const budget = followBudget(budgetPauseMs, show);
  const progressNow = (): Progress => {
    const waiting = gate.waiting();
    const pausedUntilMs = budget.pausedUntilMs();
    return {
      run,
      kind,
      status: pausedUntilMs === null ? status : 'paused',
      leads: leads.enabled(),
      planDigest: planned?.digest ?? null,
      approvalExpiresAt: waiting === null ? null : isoOf(waiting.expiresAtMs),
      plan: planned?.plan ?? null,
      pausedUntil: pausedUntilMs === null ? null : isoOf(pausedUntilMs),
      steps: table.rows(),
    };
  };
  setHandler(progress, progressNow, { description: 'Steps, counts and status' });
  setDefaultSignalHandler((name) => ignore(name));

  const activities = proxies(heartbeatTimeoutMs);
  let ref: RunRef | undefined;
  try {
    const opened = await budget.within(() => activities.salesforce.openRun(request, workflowInfo().workflowId));
    budget.learn(opened.whenSpent);
    ref = { run, attempt: opened.attempt };
    searchable = opened.searchable;
    leads.learn(opened.leads);
    say('running');
    const ended = await runRounds({
      request,
      carried,
      night: { ...activities, ref, table, budget, heartbeatTimeoutMs, accountFromContacts: opened.accountFromContacts },
      leads,
      gate,
      say,
    });
    say(ended);
    return { run, status: ended };
  } catch (error) {
    if (error instanceof ContinueAsNew) throw error;
    const ended = isCancellation(error) ? 'cancelled' : 'failed';
    await CancellationScope.nonCancellable(async () => {
      // What was opened is closed; if that fails too, the next run closes it.
      if (ref !== undefined) await activities.mirror.abandonRun(ref, ended, failureCode(error)).catch(() => ignore('the run could not be closed'));
      await condition(allHandlersFinished);
    });
    say(ended);
    throw error;
  }
}

/** The code of the failure that an activity anticipated; the first one in the chain of causes. */
function failureCode(error: unknown): string {
  let current: unknown = error;
  while (current instanceof Error) {
    if (current instanceof ApplicationFailure && typeof current.type === 'string') return current.type;
    current = current.cause;
  }
  return 'UNEXPECTED';
}
