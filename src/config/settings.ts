/** A share of a whole or an absolute number of API calls. */
export type CallBudget = { readonly kind: 'share'; readonly share: number } | { readonly kind: 'calls'; readonly calls: number };

/** How the org is logged in to; which values there are follows from the flow. */
export type SalesforceAuth =
  | { readonly flow: 'jwtBearer'; readonly clientId: string; readonly username: string; readonly privateKeyFile: string }
  | { readonly flow: 'clientCredentials'; readonly clientId: string; readonly clientSecret: string }
  | { readonly flow: 'refreshToken'; readonly clientId: string; readonly clientSecret: string | undefined; readonly refreshToken: string };

export interface SalesforceSettings {
  /** `https://...` without a slash at its end; undefined until somebody connects an org. */
  readonly loginUrl: string | undefined;
  readonly auth: SalesforceAuth | undefined;
  /** `66.0` */
  readonly apiVersion: string;
  readonly apiBudget: {
    /** What one run may use, of the org's daily requests. */
    readonly perRun: CallBudget;
    /** What must be left of the org's daily requests. */
    readonly reserve: CallBudget;
    /** Without calls left: end as `partial`, or pause until there are some again. */
    readonly whenSpent: 'partial' | 'pause';
  };
}

/** One entry of `matchFields`: a CRM field and the attributes it is compared with. `userId` and `accountId` name the ids themselves. */
export interface MatchField {
  readonly salesforce: string;
  readonly personalization: readonly string[];
  /** R6 */
  readonly ignoreCase: boolean;
}

/** What a blank source does to its target (R24). */
export type OnNull = 'keep' | 'clear';

/** From a CRM field into an attribute (R24). */
export interface PullMapping {
  readonly from: string;
  readonly to: string;
  readonly rule: 'crm' | 'fillBlank';
  readonly onNull: OnNull;
}

/** From an attribute into a CRM field (R24). */
export interface PushMapping {
  readonly from: string;
  readonly to: string;
  readonly rule: 'personalization' | 'fillBlank';
  readonly onNull: OnNull;
}

export interface ObjectSettings {
  /** The attribute that holds the Salesforce id, sub-tier `id`. */
  readonly idAttribute: string;
  readonly matchFields: readonly MatchField[];
  /** R10 */
  readonly matchFieldOrder: 'any' | 'ordered';
  /** R11 */
  readonly onlyDesignatedMatchFields: boolean;
  readonly pull: readonly PullMapping[];
  readonly push: readonly PushMapping[];
  /** False: nothing is planned that way. */
  readonly directions: { readonly pull: boolean; readonly push: boolean };
}

export interface AccountSettings extends ObjectSettings {
  /** R15 */
  readonly accountFromContacts: boolean;
}

export interface LeadSettings extends ObjectSettings {
  /** R16: the value before the first switch. */
  readonly enabled: boolean;
}

export type Approval = 'firstRun' | 'guards' | 'always' | 'never';

export interface Guards {
  /** Share (0.05 is 5 %) of the intents. */
  readonly rejected: number;
  /** Share of the persons (R23). */
  readonly personsGone: number;
  /** Share of the links. */
  readonly linksEnded: number;
  /** Share of the records. */
  readonly recordsGone: number;
  /** Times the median of the last seven runs. */
  readonly writesFactor: number;
}

/** All settings, as crm-sync.yaml names them; percentages are shares (5 % is 0.05), durations milliseconds. */
export interface Settings {
  readonly name: string;
  readonly salesforce: SalesforceSettings;
  readonly personalization: { readonly store: 'postgres'; readonly url: string | undefined };
  readonly ledger: { readonly url: string | undefined };
  /** For what Temporal keeps; neither: it is kept as it is. */
  readonly encryption: {
    readonly keys: string | undefined;
    /** Absolute. */
    readonly keyFile: string | undefined;
  };
  readonly schedule: {
    /** Five fields: minute, hour, day of month, month, day of week. */
    readonly cron: string;
    /** IANA name. */
    readonly timezone: string;
    readonly jitterMs: number;
  };
  readonly approval: Approval;
  readonly guards: Guards;
  /** Only the first n linked pairs by id are written; undefined: all. */
  readonly limitWrites: number | undefined;
  /** R27 */
  readonly caps: { readonly pullRecords: number; readonly pushRecords: number };
  /** R7: NFC, trimmed, lower case. */
  readonly ignoreValues: readonly string[];
  readonly objects: { readonly account: AccountSettings; readonly contact: ObjectSettings; readonly lead: LeadSettings };
  readonly retention: { readonly intentsDays: number };
}

/** What the embedded stack knows and a settings file then need not hold; goes before the file. */
export interface Connections {
  readonly salesforce: { readonly loginUrl: string; readonly auth: SalesforceAuth };
  readonly personalizationUrl: string;
  readonly ledgerUrl: string;
}

/** Everything that is needed to reach both sides and the database: see `requireConnections`. */
export type ConnectedSettings = Settings & {
  readonly salesforce: SalesforceSettings & { readonly loginUrl: string; readonly auth: SalesforceAuth };
  readonly personalization: { readonly url: string };
  readonly ledger: { readonly url: string };
};

export interface SchemaNames {
  readonly ledger: string;
  readonly mirror: string;
}

/** The two PostgreSQL schemas of a sync; valid identifiers without quotes for every allowed name. */
export function schemaNames(name: string): SchemaNames {
  const stem = name.replaceAll('-', '_');
  return { ledger: `${stem}_ledger`, mirror: `${stem}_mirror` };
}
