import type { FailureKind } from '../domain/failure.ts';

/**
 * What is done about an error, one word each:
 * `transient` tried again soon; `throttled` after a pause; `budget` the day's calls are used up, the run pauses for long; `auth` the session is renewed once;
 * `limited` tried again three times; `fatal` somebody must change something; `reshape` the same question in smaller parts; `restart` a new job or query;
 * `resync` a full read; of rows: `lock` again in smaller chunks, at most five times; `rowGone` the row is followed or marked deleted; `reroute` the row is another one now;
 * `defer` the next night; `collateral` sent again without the culprit; `conflict` read again; `rowTerminal` refused, reported; `stop` no more writing.
 */
export type ErrorClass =
  | 'transient'
  | 'throttled'
  | 'budget'
  | 'auth'
  | 'limited'
  | 'fatal'
  | 'reshape'
  | 'restart'
  | 'resync'
  | 'lock'
  | 'rowGone'
  | 'reroute'
  | 'defer'
  | 'collateral'
  | 'conflict'
  | 'rowTerminal'
  | 'stop';

export const kindOfClass = {
  transient: 'transient',
  limited: 'transient',
  lock: 'transient',
  conflict: 'transient',
  collateral: 'transient',
  throttled: 'throttled',
  budget: 'throttled',
  auth: 'permanent',
  fatal: 'permanent',
  reshape: 'permanent',
  restart: 'permanent',
  resync: 'permanent',
  rowGone: 'permanent',
  reroute: 'permanent',
  defer: 'permanent',
  rowTerminal: 'permanent',
  stop: 'permanent',
} as const satisfies Record<ErrorClass, FailureKind>;

export interface ErrorRule {
  readonly class: ErrorClass;
  /** What went wrong, as the second half of a sentence or as the message of a row. */
  readonly says: string;
  /** What an operator does; absent where nothing is to be done. */
  readonly remedy?: string;
  readonly retryAfterMs?: number;
  /** Given up after so many tries in a row, those that ended otherwise not counted; absent: for as long as an activity may take. */
  readonly mostTries?: number;
}

const budgetPauseMs = 30 * 60_000;
const throttlePauseMs = 10_000;
const limitedPauseMs = 3_000;

/** The retry classification, by Salesforce's code or, in the first part, by one of ours where Salesforce gives none. */
export const errorTable = {
  UNREACHABLE: { class: 'transient', says: 'the server cannot be reached', remedy: 'Check salesforce.loginUrl, DNS, proxy and firewall.' },
  CONNECTION_LOST: { class: 'transient', says: 'the connection broke before the answer was complete' },
  TIMED_OUT: { class: 'transient', says: 'the server did not answer in time' },
  CERTIFICATE_REFUSED: {
    class: 'fatal',
    says: "the server's certificate is not trusted",
    remedy: "Check salesforce.loginUrl and the machine's clock; behind a proxy with a certificate of its own, name its CA by NODE_EXTRA_CA_CERTS.",
  },
  ANSWER_TOO_LARGE: { class: 'reshape', says: 'the answer is larger than any that the API gives' },
  NOT_JSON: {
    class: 'transient',
    says: "the answer is not the API's (a web page or a proxy's)",
    remedy: "Check that salesforce.loginUrl is the org's address and that the org is up.",
  },
  REDIRECTED: {
    class: 'fatal',
    says: 'the server points elsewhere',
    remedy: "Set salesforce.loginUrl to the org's My Domain address (https://NAME.my.salesforce.com).",
  },
  LOCATOR_MISSING: { class: 'transient', says: 'a result page does not say which page is next (Sforce-Locator)' },
  LOCATOR_REPEATED: { class: 'transient', says: 'a result page names itself as the next one (Sforce-Locator)' },
  ROW_COUNT_MISSING: { class: 'transient', says: 'a result page does not say how many rows it has (Sforce-NumberOfRecords)' },
  BAD_ANSWER: { class: 'transient', says: 'the answer does not have the form it should have' },
  BAD_CSV: { class: 'transient', says: 'a result file is no well-formed CSV' },
  SERVER_UNAVAILABLE: { class: 'transient', says: 'Salesforce is not available', remedy: 'See status.salesforce.com; the run goes on by itself.' },
  TOO_MANY_REQUESTS: { class: 'throttled', says: 'Salesforce asks for a pause', retryAfterMs: throttlePauseMs },
  DAILY_REQUESTS_USED_UP: {
    class: 'budget',
    says: "the org's requests of the last 24 hours are used up",
    retryAfterMs: budgetPauseMs,
    remedy: 'The run goes on when requests are free again; see who uses them under Setup, System Overview.',
  },
  TOO_MANY_CONCURRENT: { class: 'throttled', says: 'too many long requests at once', retryAfterMs: throttlePauseMs },
  KEY_UNREADABLE: {
    class: 'fatal',
    says: 'the private key cannot be read',
    remedy: 'Point salesforce.auth.privateKeyFile to a readable RSA private key in PEM form.',
  },
  FILE_UNREADABLE: {
    class: 'fatal',
    says: 'a file to upload cannot be read',
    remedy: 'Check the disk and the permissions of the working directory.',
  },
  UNKNOWN_FIELD: {
    class: 'fatal',
    says: 'a field does not exist or cannot be seen',
    remedy: "Check the field's name and the field-level security of the integration user.",
  },
  // Two sessions can end one after the other, as when the org restarts or an administrator ends them.
  SESSION_REFUSED: {
    class: 'limited',
    says: 'the org refuses a session that was just renewed',
    remedy: 'Check that the integration user is active and has the permission API Enabled, and the IP ranges of the app.',
    retryAfterMs: limitedPauseMs,
    mostTries: 2,
  },
  LOGIN_REFUSED: {
    class: 'fatal',
    says: 'the org refuses the login',
    remedy: 'Check salesforce.auth, and in the org: the app, its policies, the user it runs as.',
  },
  JOB_FAILED: { class: 'restart', says: 'Salesforce gave the job up', remedy: 'See Setup, Bulk Data Load Jobs.' },
  JOB_ABORTED: {
    class: 'fatal',
    says: 'somebody aborted the job in Salesforce',
    remedy: 'Find out who (Setup, Bulk Data Load Jobs), then start the run again.',
  },
  JOB_GONE: { class: 'restart', says: 'the job does not exist any more' },
  API_VERSION_MISMATCH: {
    class: 'fatal',
    says: 'the job was made with another API version',
    remedy: 'Let runs finish before salesforce.apiVersion changes.',
  },
  QUERY_TOO_LARGE: { class: 'reshape', says: 'the query takes too long as a whole', remedy: 'It is asked again in smaller parts.' },

  invalid_client: {
    class: 'fatal',
    says: 'the org does not know this client id or secret',
    remedy: 'Check salesforce.auth.clientId and salesforce.auth.clientSecret.',
  },
  invalid_client_id: {
    class: 'fatal',
    says: 'the org does not know this client id',
    remedy: 'Check salesforce.auth.clientId, and that salesforce.loginUrl is the right org.',
  },
  invalid_grant: {
    class: 'fatal',
    says: 'the org does not accept these credentials',
    remedy:
      "Check salesforce.auth. JWT: certificate, pre-authorised user, username, the machine's clock. Client credentials: the app's run-as user. Refresh token: it may be revoked.",
  },
  invalid_app_access: { class: 'fatal', says: 'the user may not use the app', remedy: "Pre-authorise the user in the app's policies." },
  inactive_user: { class: 'fatal', says: 'the user is inactive', remedy: 'Activate the integration user.' },
  unknown_error: { class: 'transient', says: 'the login server had an error of its own' },
  INVALID_SESSION_ID: { class: 'auth', says: 'the session has expired' },

  REQUEST_LIMIT_EXCEEDED: { class: 'budget', says: 'a request limit of the org is reached', retryAfterMs: budgetPauseMs },
  API_DISABLED_FOR_ORG: { class: 'fatal', says: 'the API is not enabled', remedy: 'Enable the API for the org and the integration user.' },
  API_CURRENTLY_DISABLED: { class: 'fatal', says: 'the API is disabled', remedy: 'Enable the API for the org and the integration user.' },
  INSUFFICIENT_ACCESS: { class: 'fatal', says: 'the user may not do this', remedy: 'Give the integration user access to the object.' },
  FUNCTIONALITY_NOT_ENABLED: {
    class: 'fatal',
    says: 'the org does not have this function',
    remedy: "Check the org's edition and the user's permissions.",
  },
  UNKNOWN_EXCEPTION: {
    class: 'limited',
    says: 'Salesforce had an error of its own',
    remedy: 'The next run tries again; if it stays, open a case with Salesforce support.',
    retryAfterMs: limitedPauseMs,
    mostTries: 3,
  },
  QUERY_TIMEOUT: { class: 'reshape', says: 'the query takes too long' },
  OPERATION_TOO_LARGE: { class: 'reshape', says: 'the query reads too much' },
  INVALID_QUERY_LOCATOR: { class: 'restart', says: 'the place in the query has expired' },
  EXCEEDED_ID_LIMIT: { class: 'reshape', says: 'too many changes for one window' },
  INVALID_REPLICATION_DATE: { class: 'resync', says: 'the log of deletions does not reach back so far' },
  MALFORMED_QUERY: { class: 'fatal', says: 'Salesforce does not understand the query', remedy: 'Check the fields named in the settings.' },
  INVALID_FIELD: {
    class: 'fatal',
    says: 'a field does not exist or the user cannot see it',
    remedy: 'Check the fields named in the settings and their field-level security.',
  },
  INVALID_TYPE: {
    class: 'fatal',
    says: 'the object does not exist or the user cannot see it',
    remedy: 'Give the integration user access to the object.',
  },
  JSON_PARSER_ERROR: {
    class: 'fatal',
    says: 'Salesforce does not understand the request',
    remedy: 'Check salesforce.apiVersion; if the org has it, this is a fault of crm-sync: report it with this line.',
  },
  PRECONDITION_FAILED: { class: 'conflict', says: 'the row was changed meanwhile' },
  MULTIPLE_CHOICES: { class: 'rowTerminal', says: 'more than one record has this external id' },

  UNABLE_TO_LOCK_ROW: { class: 'lock', says: 'the record or its parent is locked by another transaction' },
  ALL_OR_NONE_OPERATION_ROLLED_BACK: { class: 'collateral', says: 'rolled back because of another row' },
  ENTITY_IS_DELETED: { class: 'rowGone', says: 'the record is deleted' },
  INVALID_CROSS_REFERENCE_KEY: { class: 'rowGone', says: 'the record, or one it refers to, does not exist or cannot be seen' },
  NOT_FOUND: { class: 'rowGone', says: 'there is no such record', remedy: 'If every call ends like this, check salesforce.apiVersion.' },
  CANNOT_UPDATE_CONVERTED_LEAD: { class: 'reroute', says: 'the lead is converted; its contact is the record now' },
  ENTITY_IS_LOCKED: { class: 'defer', says: 'the record waits for an approval' },
  DUPLICATE_VALUE: { class: 'rowTerminal', says: 'another record has this value, and it must be unique' },
  DUPLICATES_DETECTED: { class: 'rowTerminal', says: 'a duplicate rule of the org refuses the record' },
  FIELD_CUSTOM_VALIDATION_EXCEPTION: { class: 'rowTerminal', says: 'a validation rule of the org refuses the record' },
  CANNOT_INSERT_UPDATE_ACTIVATE_ENTITY: { class: 'rowTerminal', says: 'a trigger or flow of the org refuses the record' },
  CANNOT_EXECUTE_FLOW_TRIGGER: { class: 'rowTerminal', says: 'a flow of the org fails on the record' },
  REQUIRED_FIELD_MISSING: { class: 'rowTerminal', says: 'a required field would be empty' },
  STRING_TOO_LONG: { class: 'rowTerminal', says: 'the text is longer than the field' },
  NUMBER_OUTSIDE_VALID_RANGE: { class: 'rowTerminal', says: 'the number does not fit the field' },
  INVALID_EMAIL_ADDRESS: { class: 'rowTerminal', says: 'Salesforce does not take this as an e-mail address' },
  INVALID_OR_NULL_FOR_RESTRICTED_PICKLIST: { class: 'rowTerminal', says: 'the value is not on the restricted picklist' },
  FIELD_INTEGRITY_EXCEPTION: { class: 'rowTerminal', says: 'the value does not fit another field of the record' },
  INVALID_TYPE_ON_FIELD_IN_RECORD: { class: 'rowTerminal', says: "the value is not of the field's type" },
  INVALID_FIELD_FOR_INSERT_UPDATE: { class: 'rowTerminal', says: 'the field cannot be written' },
  INSUFFICIENT_ACCESS_OR_READONLY: { class: 'rowTerminal', says: 'the user may not change the record' },
  INSUFFICIENT_ACCESS_ON_CROSS_REFERENCE_ENTITY: { class: 'rowTerminal', says: 'the user may not change a record this one belongs to' },
  MALFORMED_ID: { class: 'rowTerminal', says: 'the id is none' },
  STORAGE_LIMIT_EXCEEDED: { class: 'stop', says: "the org's storage is full", remedy: 'Free storage in the org (Setup, Storage Usage).' },
} as const satisfies Record<string, ErrorRule>;

export type ErrorCode = keyof typeof errorTable;

/** What an operator does about a failure that ends something and has no remedy of its own. */
export const generalRemedy =
  'The next run tries again; if it stays, look the code up in the Salesforce API documentation and report it with this line.';

const otherCode: ErrorRule = { class: 'rowTerminal', says: 'Salesforce refuses it with this code' };

/** Table row of a code; a code that is not in the table is terminal for its row (R26: it is reported and counted). */
export function ruleOf(code: string): ErrorRule {
  return Object.hasOwn(errorTable, code) ? errorTable[code as ErrorCode] : otherCode;
}
