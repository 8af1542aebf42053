import { callsLeft } from '../domain/api-budget.ts';
import type { BudgetState } from '../domain/api-budget.ts';
import { Failure } from '../domain/failure.ts';
import type { RunRef } from '../ledger/runs.ts';
import type { Database } from '../postgres/database.ts';
import { sql } from '../postgres/sql.ts';
import type { Salesforce } from '../salesforce/side.ts';

interface BudgetDependencies {
  readonly database: Database;
  readonly salesforce: Salesforce;
  readonly accountCalls: (ref: RunRef) => Promise<void>;
}

/** Calls kept back for the end of a run: the look for orphaned jobs. */
const callsOfSettle = 2;

/** Calls that the run may still make: its own share, and what the org has left above the reserve (`Sforce-Limit-Info` of the newest answer). Asks the org if it has said nothing yet, or nothing good. */
export async function callsLeftTo({ database, salesforce, accountCalls }: BudgetDependencies, ref: RunRef): Promise<number> {
  await accountCalls(ref);
  const state = async (): Promise<BudgetState> => {
    const { rows } = await database.query<Omit<BudgetState, 'org'>>(sql`
      select api_budget as "perRun", api_reserve as reserve, api_calls as used, (extract(epoch from now() - started_at) * 1000)::bigint as "elapsedMs"
        from run where run = ${ref.run}`);
    const row = rows[0];
    if (row === undefined) throw new Failure(`run ${ref.run} is not in the ledger`, { kind: 'permanent', code: 'RUN_UNKNOWN' });
    return { ...row, org: salesforce.usage() };
  };
  const known = await state();
  const ownLeft = callsLeft({ ...known, org: null });
  if (ownLeft === 0 || (known.org !== null && callsLeft(known) > 0)) return callsLeft(known);
  try {
    await salesforce.limits();
  } catch (error) {
    if (isBudgetSpent(error)) return 0;
    throw error;
  }
  return callsLeft(await state());
}

/** Calls that a plan may take: what is left but for the run's end. */
export async function callsForWriting(deps: BudgetDependencies, ref: RunRef): Promise<number> {
  return Math.max(0, (await callsLeftTo(deps, ref)) - callsOfSettle);
}

/**
 * Before a part that calls Salesforce: throws `API_BUDGET_SPENT` if nothing is left. What is returned throws the same once this process has used what was left, or others have used the org's calls down to
 * the reserve; called between two calls, so that nothing is cut short.
 */
export async function requireCalls(deps: BudgetDependencies, ref: RunRef): Promise<() => void> {
  const left = await callsLeftTo(deps, ref);
  const { rows } = await deps.database.query<{ reserve: number }>(sql`select api_reserve as reserve from run where run = ${ref.run}`);
  const reserve = rows[0]?.reserve ?? 0;
  const from = deps.salesforce.apiCalls();
  const check = (): void => {
    const org = deps.salesforce.usage();
    if (deps.salesforce.apiCalls() - from >= left || (org !== null && org.max - org.used <= reserve)) throw budgetSpent();
  };
  if (left === 0) throw budgetSpent();
  return check;
}

/** Whether an error means that there are no calls left, by the run's own budget or by the org's limit. */
export function isBudgetSpent(error: unknown): error is Failure {
  return error instanceof Failure && (error.code === 'API_BUDGET_SPENT' || error.code === 'DAILY_REQUESTS_USED_UP');
}

export function budgetSpent(): Failure {
  return new Failure('the Salesforce calls that this run may make are used up (salesforce.apiBudget)', {
    kind: 'permanent',
    code: 'API_BUDGET_SPENT',
    remedy: 'the next run goes on from here; salesforce.apiBudget says how much a run may use, and salesforce.apiBudget.whenSpent whether it waits',
  });
}
