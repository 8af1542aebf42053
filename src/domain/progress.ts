import type { PlanSummary } from './guards.ts';
import type { ObjectType } from './objects.ts';

/** The five steps of a night, in order. */
export const steps = ['fetch', 'match', 'plan', 'apply', 'settle'] as const;
export type Step = (typeof steps)[number];

export type RunKind = 'night' | 'preview';

/** How a run ended: the `status` of report.json. */
export type RunStatus = 'success' | 'partial' | 'failed' | 'preview' | 'rejected' | 'cancelled' | 'skipped';

/** One row of the table of steps: a step over one object, or over all of them. */
export interface StepProgress {
  readonly step: Step;
  readonly object: ObjectType | 'all';
  readonly state: 'waiting' | 'running' | 'done' | 'failed';
  /** Records done so far, and in all where that is known before the end. */
  readonly records: number;
  readonly total: number | null;
  /** Milliseconds from the step's begin to its end, or to the last change while it runs. */
  readonly ms: number;
}

/** The answer to the query `progress`. References, counts and times only (no personal data). */
export interface Progress {
  readonly run: string;
  readonly kind: RunKind;
  readonly status: RunStatus | 'running' | 'awaitingApproval' | 'paused';
  readonly leads: boolean;
  /** What `approve` must name. */
  readonly planDigest: string | null;
  readonly approvalExpiresAt: string | null;
  /** What would be done, once it is planned. */
  readonly plan: PlanSummary | null;
  /** The API budget is used up: when the run looks again. */
  readonly pausedUntil: string | null;
  readonly steps: readonly StepProgress[];
}

/** The lead switch (R16); of two states the one with the higher revision is newer. */
export interface LeadSwitch {
  readonly enabled: boolean;
  readonly revision: number;
}

/** How a run is asked for. The run key is made by who starts it and outlives continue-as-new and reset. */
export interface RunRequest {
  readonly run: string;
  readonly kind: RunKind;
  /** Compares all ids with the org as well (`run --full`). */
  readonly full: boolean;
  /** When the Schedule meant the run to begin: an ISO instant; absent by hand. */
  readonly nominalAt?: string;
  /** Where approval is asked for: wait for an answer, or end there with status `preview`. */
  readonly atGate: 'wait' | 'end';
  /** After so long without a sign of life an activity is begun again elsewhere; 25 s unless given. */
  readonly heartbeatTimeoutMs?: number;
  /** How long a run without API budget pauses before it looks again; 15 minutes unless given. */
  readonly budgetPauseMs?: number;
}

/** What a run returns, and `run --wait` turns into an exit code. */
export interface RunResult {
  readonly run: string;
  readonly status: RunStatus;
}
