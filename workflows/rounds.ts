import { allHandlersFinished, condition, continueAsNew, workflowInfo } from '@temporalio/workflow';
import type { PlanSummary } from '../src/domain/guards.ts';
import { objectTypes } from '../src/domain/objects.ts';
import type { ObjectType } from '../src/domain/objects.ts';
import type { Progress, RunRequest, RunStatus, StepProgress } from '../src/domain/progress.ts';
import type { Gate } from './gate.ts';
import type { LeadsOfRun } from './lead-switch.ts';
import { fetchAll } from './fetch-all.ts';
import { applyAll, matchAll, planAll } from './night-steps.ts';
import type { Night } from './night-steps.ts';
import type { syncRun } from './sync-run.ts';

/** What a run carries over when it continues as new: the ledger knows the rest. */
export interface Carried {
  readonly steps: readonly StepProgress[];
  /** Counts the rounds: matching begins once, and once more whenever leads were switched meanwhile. */
  readonly round: number;
  /** What this round matches and plans. */
  readonly objects: readonly ObjectType[];
  /** Objects whose links are committed. */
  readonly applied: readonly ObjectType[];
  /** Of these, objects that are matched again: leads that came on later can change what contacts are linked to (R19). */
  readonly again: readonly ObjectType[];
}

export interface RoundsInput {
  readonly request: RunRequest;
  readonly carried: Carried;
  readonly night: Night;
  readonly leads: LeadsOfRun;
  readonly gate: Gate;
  /** Tells what the run does, and of which plan. */
  readonly say: (status: Progress['status'], plan?: { readonly digest: string; readonly plan: PlanSummary }) => void;
}

type Decision = 'apply' | 'again' | 'preview' | 'rejected';

/**
 * Fetch, match, plan, the gate, apply: in one round, unless the lead switch is turned (R16). Before the links are committed everything belongs to the
 * run, and the round begins anew with the switch as it is; after it, leads are a round of their own, in which everything is matched again if there are converted ones, and those
 * that are off get no more parts. Then settle, and once more if leads came on in the last moment.
 */
export async function runRounds({ request, carried, night, leads, gate, say }: RoundsInput): Promise<RunStatus> {
  const { ref, table, mirror, short } = night;
  let { round, objects, applied, again } = carried;
  let leadsRefused = false;

  const due = (): readonly ObjectType[] =>
    objectTypes.filter((object) => !applied.includes(object) && (object !== 'lead' || (leads.enabled() && !leadsRefused)));
  const forgetRound = async (): Promise<'again'> => {
    await mirror.forgetRound(ref, round, objects);
    table.forget(['match', 'plan'], objects);
    round += 1;
    return 'again';
  };
  const continueIfLong = async (): Promise<void> => {
    // Not before a step was done here: what cannot get on within the server's suggestion would continue for ever.
    if (workflowInfo().continueAsNewSuggested && table.gotOn() && allHandlersFinished())
      await continueAsNew<typeof syncRun>(request, { steps: table.rows(), round, objects, applied, again });
  };

  const decide = async (): Promise<Decision> => {
    objects = due();
    leads.settled();
    await fetchAll(night, objects, request);
    if (leads.turned()) return 'again';
    const unsettled = await short.beginRound(ref, round, { leads: [...applied, ...objects].includes('lead'), applied });
    if (unsettled.length > 0) {
      again = unsettled;
      applied = applied.filter((object) => !again.includes(object));
      objects = due();
      table.forget(['match', 'plan'], again);
    }
    await continueIfLong();
    await matchAll(night, objects, leads.turned);
    await continueIfLong();
    await planAll(night, objects, leads.turned);
    if (leads.turned()) return forgetRound();
    const plan = await mirror.finishPlan(ref, objects, round);
    say('running', plan);
    await continueIfLong();
    if (leads.turned()) return forgetRound();
    if (request.kind === 'preview') return 'preview';
    // What is as it was when it was approved is not asked for again.
    if (plan.plan.asks.length === 0 || objects.every((object) => again.includes(object))) return 'apply';
    if (request.atGate === 'end') return 'preview';
    say('awaitingApproval');
    const answer = await gate.wait(plan.digest, plan.approvalExpiresAtMs, leads.turned);
    say('running');
    if (answer === 'approved') return 'apply';
    if (answer === 'interrupted') return forgetRound();
    if (applied.length === 0 && again.length === 0) return 'rejected';
    // What the first round applied stays; leads take no part in this run.
    leadsRefused = true;
    return forgetRound();
  };

  if (leads.turned() && objects.length > 0) await forgetRound();
  for (;;) {
    let ended: 'preview' | 'rejected' | null = null;
    let withheldParts = 0;
    let budgetSpent = false;
    while (ended === null && due().length > 0) {
      const decision = await decide();
      if (decision === 'apply') {
        applied = [...applied, ...objects];
        const left = await applyAll(night, round, (object) => object === 'lead' && !leads.enabled());
        withheldParts += left.parts;
        budgetSpent ||= left.budgetSpent;
        round += 1;
      } else if (decision !== 'again') ended = decision;
    }
    const rest = ended ?? (budgetSpent ? 'apiBudget' : withheldParts > 0 ? 'leadsOff' : null);
    let status: RunStatus = 'failed';
    await table.run('settle', 'all', async () => {
      const settled = await mirror.settleRun(ref, ended, rest);
      leads.learn(settled.leads);
      status = settled.status;
    });
    await condition(allHandlersFinished);
    // No wait between this look and the end of the run: the server refuses an end that has not seen a new signal.
    if (ended === null ? due().length === 0 : ended === 'rejected' || !leads.turned()) return status;
    await short.reopenRun(ref);
    if (ended === 'preview') await forgetRound();
  }
}
