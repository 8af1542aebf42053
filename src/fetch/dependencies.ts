import type { Database } from '../postgres/database.ts';
import type { Salesforce } from '../salesforce/side.ts';

/** What reading from Salesforce into the mirror needs. */
export interface FetchDependencies {
  readonly database: Database;
  readonly salesforce: Salesforce;
}
