import type { LoadedSettings } from '../src/config/load.ts';
import type { RunRef } from '../src/ledger/runs.ts';
import type { PersonalizationSide } from '../src/personalization/port.ts';
import type { Database } from '../src/postgres/database.ts';
import type { Salesforce } from '../src/salesforce/side.ts';

/** What the composition root gives to the activities. */
export interface Dependencies {
  readonly database: Database;
  readonly salesforce: Salesforce;
  readonly store: PersonalizationSide;
  /** Reads the settings anew: each run does so once. */
  readonly readSettings: () => LoadedSettings;
  /** Where files of known length are written before they are uploaded. */
  readonly workDirectory: string;
  /** Whether the server knows the search attributes of a run. */
  readonly searchable: boolean;
  /** Adds the API calls since the last time to the run's account. */
  readonly accountCalls: (ref: RunRef) => Promise<void>;
}
