import type { OpenRun, RunRef } from '../ledger/runs.ts';
import type { PersonalizationSide } from '../personalization/port.ts';
import type { Database } from '../postgres/database.ts';
import type { Salesforce } from '../salesforce/side.ts';

export interface ApplyDependencies {
  readonly database: Database;
  readonly salesforce: Salesforce;
  readonly store: PersonalizationSide;
  /** Where a CSV of known length is written before it is uploaded. */
  readonly workDirectory: string;
}

export interface ApplyContext extends Pick<OpenRun, 'run' | 'attempt' | 'runNo' | 'shape' | 'decisionSeq'> {
  /** The open run that looks after this one, which is closed; absent: it is open itself. */
  readonly heldBy?: RunRef;
  /** The part that this attempt works on, as the so manieth to take it. */
  readonly holds?: { readonly part: number; readonly taken: number };
}

/** Called between calls of a side: tells the engine that the part is alive, and may throw to end it between two writes. */
export type Heartbeat = () => void;
