import { resolveSettings } from '../src/config/sides.ts';
import { settingsHash, redact } from '../src/config/digest.ts';
import type { CallBudget } from '../src/config/settings.ts';
import { Failure } from '../src/domain/failure.ts';
import type { FieldFacts } from '../src/domain/fields.ts';
import { objectFacts, objectTypes } from '../src/domain/objects.ts';
import type { ObjectType } from '../src/domain/objects.ts';
import type { LeadSwitch, RunRequest, RunStatus } from '../src/domain/progress.ts';
import { bind } from '../src/ledger/binding.ts';
import { loadLeadSwitch } from '../src/ledger/lead-switch.ts';
import { closedAs, closeRun, fence, openRun, reopenRun, setLeads, stillOpen, takeUpAgain } from '../src/ledger/runs.ts';
import type { OpenRun, RunRef } from '../src/ledger/runs.ts';
import { moveWatermarks } from '../src/mirror/reads.ts';
import { leftUndone, noteWaiting, withheldByCaps } from '../src/ledger/waiting.ts';
import { refuseMirrorAhead } from '../src/mirror/ahead.ts';
import { runShape } from '../src/mirror/field-set.ts';
import type { RunShape } from '../src/mirror/run-shape.ts';
import { contactsMissConversions } from '../src/mirror/match/aliases.ts';
import { forgetMatch } from '../src/mirror/match/begin.ts';
import { forgetOldRuns, openRunPartitions } from '../src/mirror/match/partitions.ts';
import { forgetPlan } from '../src/mirror/plan/plan.ts';
import { forgetSteps, once } from '../src/mirror/step-ledger.ts';
import { isBudgetSpent } from '../src/apply/api-budget.ts';
import { settleAbandoned } from '../src/apply/abandoned.ts';
import { abortOpenJobs } from '../src/apply/bulk-open.ts';
import { deferRest } from '../src/apply/defer.ts';
import { sweepOpenJobs } from '../src/apply/open-jobs.ts';
import { stoppedBy } from '../src/apply/stop.ts';
import { buildReport, statusOf } from '../src/operator/build-report.ts';
import type { Dependencies } from './dependencies.ts';
import { activity, heartbeat, opener } from './edge.ts';

interface Opened {
  readonly attempt: number;
  /** What the run does without API calls left. */
  readonly whenSpent: 'partial' | 'pause';
  readonly leads: LeadSwitch;
  readonly searchable: boolean;
  /** R15 */
  readonly accountFromContacts: boolean;
}

export function runActivities(dependencies: Dependencies) {
  const { database, searchable, accountCalls } = dependencies;
  const switchOf = (shape: RunShape): Promise<LeadSwitch> => loadLeadSwitch(database, shape.settings.objects.lead.enabled);
  return {
    /**
     * Opens the run. A repeat takes it up again as a newer attempt, with the settings of the first time. Runs before it that ended without their settling are
     * looked after.
     */
    openRun: activity(async (request: RunRequest, workflowId: string): Promise<Opened> => {
      const run =
        (await database.transaction((tx) => takeUpAgain(tx, request.run, opener()))) ??
        (await openNewRun(dependencies, request, workflowId).catch((error: unknown) => refuseIfSpent(dependencies, error)));
      await settleAbandoned(dependencies, run, heartbeat());
      await forgetOldRuns(database, run.shape.settings.retention.intentsDays);
      await accountCalls(run);
      const { salesforce, objects } = run.shape.settings;
      return {
        attempt: run.attempt,
        whenSpent: salesforce.apiBudget.whenSpent,
        leads: await switchOf(run.shape),
        searchable,
        accountFromContacts: objects.account.accountFromContacts,
      };
    }),

    /**
     * Matching begins: from here on the run has leads in scope, or not. Answers which of the objects whose links are real are to be matched again: all of them, if contacts were matched without
     * leads and there are converted ones now (R16, R19). What was found of those is forgotten; what was sent stays.
     */
    beginRound: activity(
      async (
        ref: RunRef,
        round: number,
        { leads, applied }: { readonly leads: boolean; readonly applied: readonly ObjectType[] },
      ): Promise<readonly ObjectType[]> => {
        await database.transaction(async (tx) => {
          await fence(tx, ref);
          await setLeads(tx, ref, leads);
        });
        const begun = await once(database, ref, { step: 'round.begin', object: 'all', part: round }, async (tx, run) => {
          const again = leads && (await contactsMissConversions(tx, run.runNo)) ? applied : [];
          for (const object of again) await forgetMatch(tx, run, object);
          await forgetSteps(tx, run.runNo, ['match', 'plan'], again);
          return { records: 0, again };
        });
        return applied.filter((object) => begun.again.includes(object));
      },
    ),

    /** What a round matched and planned is as if it had not been (R16). Nothing of it is committed. */
    forgetRound: activity(async (ref: RunRef, round: number, objects: readonly ObjectType[]): Promise<void> => {
      const step = { step: 'plan.forget', object: objects[0] ?? 'all', part: round } as const;
      await once(database, ref, step, async (tx, run) => {
        await forgetPlan(tx, run.runNo, objects);
        for (const object of objects) await forgetMatch(tx, run, object);
        await forgetSteps(tx, run.runNo, ['match', 'plan'], objects);
        await setLeads(tx, ref, run.leads && !objects.includes('lead'));
        return { records: 0 };
      });
    }),

    /**
     * Checks the sums (R26), builds the report and closes the run. `ended` says why it ended before apply, null that it went through; `rest` why intents were
     * not sent, null that all were. A repeat answers what the first one did. Answers with the lead switch as it is once the run is closed.
     */
    settleRun: activity(
      async (ref: RunRef, ended: RunStatus | null, rest: string | null): Promise<{ readonly status: RunStatus; readonly leads: LeadSwitch }> => {
        const answer = async (): Promise<{ readonly status: RunStatus; readonly leads: LeadSwitch } | undefined> => {
          const closed = await closedAs(database, ref);
          return closed === undefined ? undefined : { status: closed.status, leads: await switchOf(closed.shape) };
        };
        const before = await answer();
        if (before !== undefined) return before;
        try {
          const { status, shape } = await settle(dependencies, ref, ended, rest);
          return { status, leads: await switchOf(shape) };
        } catch (error) {
          // A repeat of an attempt that was only paused: that one closed the run meanwhile.
          const after = error instanceof Failure && error.code === 'RUN_CLOSED' ? await answer() : undefined;
          if (after === undefined) throw error;
          return after;
        }
      },
    ),

    reopenRun: activity(async (ref: RunRef): Promise<void> => reopenRun(database, ref)),

    /**
     * Ends a run that was cancelled or failed: Bulk jobs that were not handed over are aborted, what was not sent is deferred, the report says what was done. A closed
     * run stays as it is.
     */
    abandonRun: activity(async (ref: RunRef, status: 'cancelled' | 'failed', code: string): Promise<void> => {
      const run = await stillOpen(database, ref);
      if (run === undefined) return;
      await abortOpenJobs(dependencies, run);
      await database.transaction(async (tx) => {
        await fence(tx, ref);
        await deferRest(tx, run, status);
      });
      // A run that failed because its sums do not add up has none.
      const report = await buildReport(database, run).catch((error: unknown) => nullIfSums(error));
      await closeRun(database, ref.run, status, report === null ? null : { ...report, status, error: status === 'failed' ? code : null });
    }),
  };
}

/** Settles an open run and closes it. @throws {Failure} RUN_CLOSED */
async function settle(
  dependencies: Dependencies,
  ref: RunRef,
  ended: RunStatus | null,
  rest: string | null,
): Promise<{ readonly status: RunStatus; readonly shape: RunShape }> {
  const { database, accountCalls } = dependencies;
  const run = await database.transaction(async (tx) => {
    const opened = await fence(tx, ref);
    if (rest !== null) await deferRest(tx, opened, rest);
    return opened;
  });
  await sweepIfPossible(dependencies);
  await accountCalls(run);
  const report = await buildReport(database, run);
  // R27: also where all that is left may have been sent, so that no cap is its reason.
  const capped = rest === 'apiBudget' || (await withheldByCaps(database, run.runNo)).length > 0;
  const stopped = (await stoppedBy(database, run.runNo)) !== null;
  const undone = (await leftUndone(database, run.runNo)).length > 0;
  const status = ended ?? (capped || stopped || undone ? 'partial' : statusOf(report, run.shape.settings.guards.rejected));
  await database.transaction(async (tx) => {
    await fence(tx, ref);
    if (ended === null) {
      await noteWaiting(tx, run);
      await moveWatermarks(tx, run.runNo);
    }
    await closeRun(tx, ref.run, status, { ...report, status });
  });
  return { status, shape: run.shape };
}

/** Reads the settings anew, checks them against both sides, checks the binding, opens the run in the ledger. */
async function openNewRun(dependencies: Dependencies, request: RunRequest, workflowId: string): Promise<OpenRun> {
  const { database, salesforce, store, readSettings } = dependencies;
  const loaded = readSettings();
  const describes = await describeAll(dependencies, loaded.settings.objects.lead.enabled);
  const attributes = await store.describe();
  const settings = resolveSettings(loaded, { describes, userAttributes: attributes.user, accountAttributes: attributes.account });
  const { organizationId } = await salesforce.identity();
  const { max, remaining } = (await salesforce.limits()).dailyApiRequests;
  const { perRun, reserve, whenSpent } = settings.salesforce.apiBudget;
  const apiReserve = callsOf(reserve, max);
  const storeId = await store.identity();
  return database.transaction(async (tx) => {
    await bind(tx, 'salesforce', organizationId);
    await bind(tx, 'personalization', storeId);
    const opened = await openRun(tx, {
      run: request.run,
      kind: request.kind,
      workflowId,
      opener: opener(),
      shape: runShape(redact(settings), { describes, attributes }),
      settingsHash: settingsHash(settings),
      leads: false,
      // A run that pauses gets its share later, whatever the org has now.
      apiBudget: whenSpent === 'pause' ? callsOf(perRun, max) : Math.max(0, Math.min(callsOf(perRun, max), remaining - apiReserve)),
      apiReserve,
    });
    await refuseMirrorAhead(tx, opened.runNo);
    await openRunPartitions(tx, opened.runNo);
    return opened;
  });
}

/** An org without calls left cannot even be asked for its fields: a run that is not to wait is refused. */
function refuseIfSpent({ readSettings }: Dependencies, error: unknown): never {
  if (!isBudgetSpent(error) || readSettings().settings.salesforce.apiBudget.whenSpent === 'pause') throw error;
  throw new Failure("the org's API requests of the last 24 hours are used up: nothing was read or written", {
    kind: 'permanent',
    code: 'API_BUDGET_SPENT',
    remedy: 'Run again when there are some (Setup, System Overview), or let runs wait for them: salesforce.apiBudget.whenSpent: pause.',
    cause: error,
  });
}

async function describeAll({ salesforce }: Dependencies, leadsRequired: boolean): Promise<Partial<Record<ObjectType, readonly FieldFacts[]>>> {
  const describes: Partial<Record<ObjectType, readonly FieldFacts[]>> = {};
  for (const object of objectTypes) {
    try {
      describes[object] = (await salesforce.describe(objectFacts[object].crmName)).fields;
    } catch (error) {
      // An org may have no leads, or not show them to the sync's user.
      if (object === 'lead' && !leadsRequired && error instanceof Failure && error.code === 'NOT_FOUND') continue;
      throw error;
    }
  }
  return describes;
}

/** Jobs that nobody knows do no harm before the next night: a run without calls left ends all the same. */
async function sweepIfPossible(dependencies: Dependencies): Promise<void> {
  try {
    await sweepOpenJobs(dependencies, Date.now());
  } catch (error) {
    if (!isBudgetSpent(error)) throw error;
  }
}

function callsOf(budget: CallBudget, dailyMax: number): number {
  return budget.kind === 'calls' ? budget.calls : Math.floor(budget.share * dailyMax);
}

function nullIfSums(error: unknown): null {
  if (error instanceof Failure && (error.code === 'SUMS' || error.code === 'INTENTS_OPEN')) return null;
  throw error;
}
