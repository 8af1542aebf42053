import { objectFacts } from '../domain/objects.ts';
import type { ObjectType } from '../domain/objects.ts';
import * as kinds from './kinds.ts';
import type { Kind } from './kinds.ts';

/** One value of the settings. `V` includes undefined if there is no default. */
export interface ScalarRow<V> {
  readonly shape: 'scalar';
  /** Dotted. */
  readonly key: string;
  readonly kind: Kind<NonNullable<V> | V>;
  /** As it is written in YAML. */
  readonly default: string | undefined;
  /** What the template writes, commented out, where there is no default. */
  readonly example: string | undefined;
  readonly unit: string | undefined;
  readonly sentence: string;
  /** Its value stands in no message, log or report. */
  readonly secret: boolean;
}

/** One column of the entries of a list. */
export interface Column<V> {
  readonly kind: Kind<V>;
  /** Undefined: every entry must have it. */
  readonly default: string | undefined;
  /** A list of values; a single one may be given without brackets. */
  readonly many: boolean;
}

export interface ListRow {
  readonly shape: 'list';
  readonly key: string;
  /** Undefined: a list of plain texts. */
  readonly columns: Readonly<Record<string, Column<unknown>>> | undefined;
  readonly default: string;
  readonly example: readonly string[];
  readonly sentence: string;
}

export type Row = ScalarRow<unknown> | ListRow;

interface Extras {
  readonly unit?: string;
  readonly secret?: boolean;
}

function setting<V>(key: string, kind: Kind<V>, standard: string, sentence: string, extras: Extras = {}): ScalarRow<V> {
  return { shape: 'scalar', key, kind, default: standard, example: undefined, unit: extras.unit, sentence, secret: extras.secret ?? false };
}

function optional<V>(key: string, kind: Kind<V>, example: string, sentence: string, extras: Extras = {}): ScalarRow<V | undefined> {
  return { shape: 'scalar', key, kind, default: undefined, example, unit: extras.unit, sentence, secret: extras.secret ?? false };
}

const database = kinds.address(['postgres:', 'postgresql:'], 'postgres://user@host:5432/database');

/** R7 */
export const defaultIgnoreValues = ['n/a', 'none', 'null', 'unknown', 'undefined', '-', 'test@test.com', 'noemail@noemail.com'] as const;

export const flows = ['jwtBearer', 'clientCredentials', 'refreshToken'] as const;

/** The settings that are no object's. Order, defaults and sentences are those of every listing. */
export const rows = {
  name: setting(
    'name',
    kinds.syncName,
    'crm-sync',
    'Workflow ids, task queues and schemas begin with it: several syncs share one Temporal and one database.',
  ),
  loginUrl: optional(
    'salesforce.loginUrl',
    kinds.address(['https:', 'http:'], 'https://example.my.salesforce.com'),
    'https://example.my.salesforce.com',
    'The address of the org.',
  ),
  flow: optional('salesforce.auth.flow', kinds.oneOf(flows), 'jwtBearer', 'How the sync logs in to the org.'),
  clientId: optional(
    'salesforce.auth.clientId',
    kinds.text,
    '${SALESFORCE_CLIENT_ID}',
    'The consumer key of the external client app; for every flow.',
  ),
  clientSecret: optional(
    'salesforce.auth.clientSecret',
    kinds.text,
    '${SALESFORCE_CLIENT_SECRET}',
    'Its secret; for clientCredentials, and for refreshToken if the app asks for it.',
    { secret: true },
  ),
  username: optional('salesforce.auth.username', kinds.text, 'integration@example.com', 'The user that the sync acts for; for jwtBearer.'),
  privateKeyFile: optional(
    'salesforce.auth.privateKeyFile',
    kinds.text,
    './salesforce.key',
    'PEM file with the private key, from the folder of this file; for jwtBearer.',
  ),
  refreshToken: optional('salesforce.auth.refreshToken', kinds.text, '${SALESFORCE_REFRESH_TOKEN}', 'For refreshToken.', { secret: true }),
  apiVersion: setting('salesforce.apiVersion', kinds.apiVersion, '66.0', 'The version of the Salesforce API.'),
  budgetPerRun: setting('salesforce.apiBudget.perRun', kinds.callBudget, '20%', "What one run may use of the org's daily requests.", {
    unit: 'share, or calls',
  }),
  budgetReserve: setting('salesforce.apiBudget.reserve', kinds.callBudget, '10%', "What every run leaves of the org's daily requests.", {
    unit: 'share, or calls',
  }),
  budgetWhenSpent: setting(
    'salesforce.apiBudget.whenSpent',
    kinds.oneOf(['partial', 'pause']),
    'partial',
    'Without calls left a run ends as partial and the next one goes on, or it pauses until there are some again.',
  ),
  store: setting('personalization.store', kinds.oneOf(['postgres']), 'postgres', 'The kind of the profile store.'),
  storeUrl: optional('personalization.url', database, '${PERSONALIZATION_URL}', 'The address of the profile store.', { secret: true }),
  ledgerUrl: optional('ledger.url', database, '${CRM_SYNC_LEDGER_URL}', 'The database of ledger and mirror.', { secret: true }),
  encryptionKeys: optional(
    'encryption.keys',
    kinds.payloadKeys,
    '${CRM_SYNC_PAYLOAD_KEYS}',
    'Keys for what Temporal keeps: the first encrypts, all decrypt; without keys nothing is encrypted.',
    { secret: true },
  ),
  encryptionKeyFile: optional(
    'encryption.keyFile',
    kinds.text,
    './payload.keys',
    'A file with such keys, one a line, from the folder of this file; they come after those of encryption.keys.',
  ),
  cron: setting('schedule.cron', kinds.cron, '0 2 * * *', 'When the night begins.'),
  timezone: setting('schedule.timezone', kinds.timeZone, 'UTC', 'The time zone that the hours are meant in.'),
  jitterMs: setting('schedule.jitter', kinds.durationBelowADay, '5m', 'The night begins up to this much later, by chance.', { unit: 'ms, s, m, h' }),
  approval: setting(
    'approval',
    kinds.oneOf(['firstRun', 'guards', 'always', 'never']),
    'firstRun',
    'When a run waits for a yes between plan and apply: the first run and guards, guards alone, every run, no run.',
  ),
  rejected: setting('guards.rejected', kinds.percentage, '5%', 'More rejected intents than this make a run partial.', { unit: 'of the intents' }),
  personsGone: setting('guards.personsGone', kinds.percentage, '5%', 'More persons gone at once wait for approval (R23).', {
    unit: 'of the persons',
  }),
  linksEnded: setting('guards.linksEnded', kinds.percentage, '1%', 'More links ended at once wait for approval.', { unit: 'of the links' }),
  recordsGone: setting('guards.recordsGone', kinds.percentage, '20%', 'More records gone at once wait for approval.', { unit: 'of the records' }),
  writesFactor: setting('guards.writesFactor', kinds.factor, '3', 'More writes than this wait for approval.', {
    unit: 'times the median of the last seven runs',
  }),
  limitWrites: setting('limitWrites', kinds.optionalCount(0), 'none', 'A canary: only the first n linked pairs by id are written.', {
    unit: 'pairs',
  }),
  pullRecords: setting('caps.pullRecords', kinds.count(1), '4500000', 'A run stops after as many records pulled (R27).', { unit: 'records' }),
  pushRecords: setting('caps.pushRecords', kinds.count(1), '750000', 'A run stops after as many records pushed (R27).', { unit: 'records' }),
  intentsDays: setting('retention.intentsDays', kinds.count(1), '30', 'Intents, candidates and rejects of older runs are dropped; the counts stay.', {
    unit: 'days',
  }),
} as const;

export const ignoreValuesRow: ListRow = {
  shape: 'list',
  key: 'ignoreValues',
  columns: undefined,
  default: JSON.stringify(defaultIgnoreValues),
  example: [],
  sentence: 'Values that match nothing (R7); replaces the list. Case and outer white space are ignored.',
};

const onNull = { kind: kinds.oneOf(['keep', 'clear']), default: 'keep', many: false } as const;

const matchFieldColumns = {
  salesforce: { kind: kinds.fieldName, default: undefined, many: false },
  personalization: { kind: kinds.attributeName, default: undefined, many: true },
  ignoreCase: { kind: kinds.yesNo, default: 'false', many: false },
} as const satisfies Record<string, Column<unknown>>;

const pullColumns = {
  from: { kind: kinds.fieldName, default: undefined, many: false },
  to: { kind: kinds.attributeName, default: undefined, many: false },
  rule: { kind: kinds.oneOf(['crm', 'fillBlank']), default: 'crm', many: false },
  onNull,
} as const satisfies Record<string, Column<unknown>>;

const pushColumns = {
  from: { kind: kinds.attributeName, default: undefined, many: false },
  to: { kind: kinds.fieldName, default: undefined, many: false },
  rule: { kind: kinds.oneOf(['personalization', 'fillBlank']), default: 'personalization', many: false },
  onNull,
} as const satisfies Record<string, Column<unknown>>;

function list<C extends Readonly<Record<string, Column<unknown>>>>(key: string, columns: C, example: readonly string[], sentence: string) {
  return { shape: 'list', key, columns, default: '[]', example, sentence } as const;
}

/** The settings of one object. */
export function objectRows(object: ObjectType) {
  const key = (name: string) => `objects.${object}.${name}`;
  const account = object === 'account';
  return {
    idAttribute: setting(
      key('idAttribute'),
      kinds.attributeName,
      objectFacts[object].defaultIdAttribute,
      'The attribute that holds the Salesforce id.',
    ),
    matchFields: list(
      key('matchFields'),
      matchFieldColumns,
      [
        `{ salesforce: ${account ? 'AccountNumber, personalization: [customerNumber]' : 'Phone, personalization: [phone, mobile]'}, ignoreCase: false }`,
      ],
      'CRM fields and the attributes each is compared with (R10); userId and accountId name the ids themselves.',
    ),
    matchFieldOrder: setting(
      key('matchFieldOrder'),
      kinds.oneOf(['any', 'ordered']),
      'any',
      'All match fields at once, or one after the other (R10).',
    ),
    onlyDesignatedMatchFields: setting(
      key('onlyDesignatedMatchFields'),
      kinds.yesNo,
      'false',
      'No match by e-mail or name if match fields are given (R11).',
    ),
    pull: list(
      key('pull'),
      pullColumns,
      [`{ from: ${account ? 'Industry, to: industry' : `Title, to: ${object}Title`}, rule: crm, onNull: keep }`],
      'CRM fields that flow into attributes (R24); rule crm or fillBlank, onNull keep or clear.',
    ),
    push: list(
      key('push'),
      pushColumns,
      ['{ from: engagementScore, to: EngagementScore__c, rule: personalization, onNull: keep }'],
      'Attributes that flow into CRM fields (R24); rule personalization or fillBlank, onNull keep or clear.',
    ),
    directionPull: setting(key('directions.pull'), kinds.yesNo, 'true', 'Switched off: nothing is planned into Personalization.'),
    directionPush: setting(key('directions.push'), kinds.yesNo, 'true', 'Switched off: nothing is planned into the CRM.'),
  } as const;
}

export const accountFromContactsRow = setting(
  'objects.account.accountFromContacts',
  kinds.yesNo,
  'false',
  'An account that matches nothing takes the account of the contacts of its users (R15).',
);
export const leadsEnabledRow = setting(
  'objects.lead.enabled',
  kinds.yesNo,
  'false',
  'Leads are matched until the first switch says otherwise (R16).',
);

/** Every setting, in the order of the template. */
export const settingsTable: readonly Row[] = [
  ...Object.values(rows).slice(0, -1),
  ignoreValuesRow,
  ...Object.values(objectRows('account')),
  accountFromContactsRow,
  ...Object.values(objectRows('contact')),
  ...Object.values(objectRows('lead')),
  leadsEnabledRow,
  rows.intentsDays,
];
