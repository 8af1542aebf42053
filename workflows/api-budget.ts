import { ApplicationFailure, sleep } from '@temporalio/workflow';
import { nowMs } from './clock.ts';

const defaultPauseMs = 15 * 60_000;

/** What a run does when it may make no more calls of Salesforce: nothing is lost either way. */
export interface ApiBudget {
  /**
   * Runs what calls Salesforce. Without calls left it pauses durably and tries again, if that is what the settings say; else it throws what came: `isBudgetSpent` tells it apart.
   * The body must be one that can be repeated.
   */
  within<T>(body: () => Promise<T>): Promise<T>;
  /** Until when the run pauses; null while it does not. */
  pausedUntilMs(): number | null;
  /** The setting, once the run is open; before it, only a refusal that says so pauses. */
  learn(whenSpent: 'partial' | 'pause'): void;
}

export function followBudget(pauseMs = defaultPauseMs, changed: () => void = () => undefined): ApiBudget {
  let whenSpent: 'partial' | 'pause' | undefined;
  let pausing = 0;
  let untilMs = 0;
  const pauses = (error: unknown): boolean => {
    const code = budgetCode(error);
    return code !== undefined && (whenSpent === 'pause' || (whenSpent === undefined && code === 'DAILY_REQUESTS_USED_UP'));
  };
  return {
    within: async (body) => {
      for (;;) {
        try {
          return await body();
        } catch (error) {
          if (!pauses(error)) throw error;
        }
        pausing += 1;
        untilMs = Math.max(untilMs, nowMs() + pauseMs);
        changed();
        try {
          await sleep(pauseMs);
        } finally {
          pausing -= 1;
          changed();
        }
      }
    },
    pausedUntilMs: () => (pausing > 0 ? untilMs : null),
    learn: (setting) => {
      whenSpent = setting;
    },
  };
}

const codes: readonly string[] = ['API_BUDGET_SPENT', 'DAILY_REQUESTS_USED_UP'];

/** Whether something failed because no calls are left, in a child as well. */
export function isBudgetSpent(error: unknown): boolean {
  return budgetCode(error) !== undefined;
}

function budgetCode(error: unknown): string | undefined {
  for (let current = error; current instanceof Error; current = current.cause)
    if (current instanceof ApplicationFailure && typeof current.type === 'string' && codes.includes(current.type)) return current.type;
  return undefined;
}
