import type { Shape } from './schema.ts';

/** On a save that names `when`, the org sets `set` to `to`: what a trigger or a flow does. Fields by API name. */
export type Trigger = { readonly object: string; readonly when: string; readonly set: string; readonly to: string | number | boolean | null };
/** A save that gives `field` a value in which the regular expression `refuses` is found is FIELD_CUSTOM_VALIDATION_EXCEPTION; a blank is the empty text. */
export type ValidationRule = { readonly object: string; readonly field: string; readonly refuses: string; readonly message: string };
/** A formula field of type text: the value at `source` (`Title`, or `Account.Name` through a reference) after `prefix`. */
export type Formula = Shape['formulas'][number];

/** What can be set at the start and while the org runs; everything has the default of `defaultSettings`. */
export type Settings = {
  readonly keepEmailCase: boolean;
  /** How long an access token lives from its issue; tokens that are out already too. */
  readonly tokenLifetimeMs: number;
  /** API requests a day, as `DailyApiRequests`. */
  readonly dailyApiRequests: number;
  /** Rows of a Bulk result page when the client names no `maxRecords`. */
  readonly bulkPageRows: number;
  /** Bytes of one Bulk ingest upload. */
  readonly uploadLimitBytes: number;
  /** The org's clock is this much ahead of the machine's: `Date`, stamps, windows, tokens. */
  readonly clockOffsetMs: number;
  /** How long after its SystemModstamp a saved row becomes visible. */
  readonly commitDelaySeconds: number;
  /** Ids that `updated` and `deleted` answer at most. */
  readonly replicationIdLimit: number;
  /** Fields that the integration user cannot see (`Contact.Title`): not in the describe, INVALID_FIELD in SOQL and on saving. */
  readonly hiddenFields: readonly string[];
  /** Fields that it can see and not change: INVALID_FIELD_FOR_INSERT_UPDATE. */
  readonly readOnlyFields: readonly string[];
  readonly triggers: readonly Trigger[];
  readonly formulas: readonly Formula[];
  readonly validationRules: readonly ValidationRule[];
  /** Under which name row writes and trigger runs are counted from now on. */
  readonly run: string;
  /** What a save or delete of a person account's contact row does: INSUFFICIENT_ACCESS_OR_READONLY, or as with any contact. */
  readonly personContactUpdates: 'refused' | 'allowed';
  /** Whether the children that a merge gives another parent get a new SystemModstamp. */
  readonly mergeStampsChildren: boolean;
  /** Whether `deleted` still names a record after it was undeleted. */
  readonly undeletedStayInLog: boolean;
};

export const defaultSettings: Settings = {
  keepEmailCase: false,
  tokenLifetimeMs: 2 * 3600_000,
  dailyApiRequests: 100_000,
  bulkPageRows: 50_000,
  uploadLimitBytes: 150 * 1024 * 1024,
  clockOffsetMs: 0,
  commitDelaySeconds: 0,
  replicationIdLimit: 600_000,
  hiddenFields: [],
  readOnlyFields: [],
  triggers: [],
  formulas: [],
  validationRules: [],
  run: '',
  personContactUpdates: 'refused',
  mergeStampsChildren: false,
  undeletedStayInLog: true,
};

export const settingNames = Object.keys(defaultSettings) as (keyof Settings)[];
