import type { GuardReading } from './guards.ts';
import type { ObjectType } from './objects.ts';
import type { RunStatus, Step } from './progress.ts';

/** R26: exactly one for each CRM record in scope. */
export const outcomes = ['linked', 'unmatched', 'ambiguous', 'conflicting', 'suppressed', 'ineligible'] as const;
export type Outcome = (typeof outcomes)[number];

/** R26: exactly one for each write intent. */
export const intentOutcomes = ['applied', 'unchanged', 'rejected', 'deferred'] as const;
export type IntentOutcome = (typeof intentOutcomes)[number];

/** Sub-tiers under which links are counted: the ones that made them. */
export const linkingSubTiers = ['pin', 'id', 'converted', 'field', 'email', 'name', 'contacts'] as const;
export type LinkingSubTier = (typeof linkingSubTiers)[number];

/** What became of the records and persons of one object; the `objects` of report.json. */
export interface ObjectReport {
  /** Records in scope and persons that the mirror knew when matching began. */
  readonly fetched: { readonly salesforce: number; readonly personalization: number };
  readonly outcomes: Readonly<Record<Outcome, number>>;
  readonly linkedBy: Readonly<Record<LinkingSubTier, number>>;
  /** Of the linked: from an earlier night. */
  readonly kept: number;
  /** R14 */
  readonly drifted: number;
  /** R6 */
  readonly nearMisses: number;
  /** R8 */
  readonly malformedIds: number;
  readonly persons: { readonly linked: number; readonly unmatched: number; readonly stopped: number; readonly held: number };
}

export type IntentCounts = Readonly<Record<'personalization' | 'salesforce', Readonly<Record<IntentOutcome, number>>>>;

export interface StepReport {
  readonly step: Step;
  readonly object: string;
  readonly records: number;
  /** From the begin of the first part to the end of the last. */
  readonly ms: number;
  /** Of the fetch of an object of Salesforce: changes only, or everything and why; `missed` counts what a full read found that no window would have brought. */
  readonly read?: 'window' | 'full';
  readonly reason?: string;
  readonly missed?: number;
}

/** report.json. Counts and times only (no personal data). */
export interface Report {
  readonly run: string;
  readonly status: RunStatus;
  /** ISO instants. */
  readonly startedAt: string;
  readonly finishedAt: string;
  readonly leadsEnabled: boolean;
  readonly objects: Readonly<Record<ObjectType, ObjectReport>>;
  readonly intents: IntentCounts;
  /** `forecast`: what sending was expected to take, of the calls used. */
  readonly apiCalls: { readonly used: number; readonly budget: number; readonly forecast: number };
  /** Guards that tripped, whether or not somebody was asked. */
  readonly guards: readonly GuardReading[];
  readonly steps: readonly StepReport[];
  /** R27: objects that were not matched, because their read was not complete, with why. */
  readonly incomplete: readonly { readonly object: ObjectType; readonly code: string }[];
  readonly warnings: readonly string[];
}
