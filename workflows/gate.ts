import { condition, setHandler } from '@temporalio/workflow';
import { nowMs } from './clock.ts';
import { approve, reject } from './messages.ts';

export type Answer = 'approved' | 'rejected' | 'interrupted';

/** The durable wait between plan and apply. */
export interface Gate {
  /** The plan that waits; null while none does. */
  waiting(): { readonly digest: string; readonly expiresAtMs: number } | null;
  /** Until somebody answers, the time is over (`rejected`), or the plan is overtaken (`interrupted`). */
  wait(digest: string, expiresAtMs: number, interrupted: () => boolean): Promise<Answer>;
}

const shortestWaitMs = 1_000;

/** `state` says what the run does, for whoever answers a run that does not wait. */
export function openGate(state: () => string): Gate {
  let plan: { readonly digest: string; readonly expiresAtMs: number } | null = null;
  let answer: Exclude<Answer, 'interrupted'> | null = null;
  const answerOf = (): typeof answer => answer;
  const waits = (): string => {
    if (plan === null) throw new Error(`the run does not wait for approval: it is ${state()}`);
    if (answer !== null) throw new Error(`the plan was ${answer} a moment ago`);
    return plan.digest;
  };
  setHandler(approve, () => void (answer = 'approved'), {
    description: 'Approves the plan that was shown, by its digest',
    validator: (digest) => {
      if (digest !== waits()) throw new Error(`the plan that waits is ${waits()}, not ${digest}`);
    },
  });
  setHandler(reject, () => void (answer = 'rejected'), { description: 'Rejects the plan: nothing is written', validator: () => void waits() });
  return {
    waiting: () => plan,
    wait: async (digest, expiresAtMs, interrupted) => {
      answer = null;
      plan = { digest, expiresAtMs };
      await condition(() => answerOf() !== null || interrupted(), Math.max(shortestWaitMs, expiresAtMs - nowMs()));
      plan = null;
      return answerOf() ?? (interrupted() ? 'interrupted' : 'rejected');
    },
  };
}
