import { widenId } from './ids.ts';

/** Header to cell; a cell that is absent is empty. */
export type Row = Readonly<Record<string, string>>;

export const crmObjects = ['Account', 'Contact', 'Lead'] as const;
export type CrmObject = (typeof crmObjects)[number];
export type PersonKind = 'user' | 'account';
/** Names of the objects in report.json. */
export type ReportObject = 'account' | 'contact' | 'lead';

/** A row of records.csv (`matching.md`, "The shape of the answer"); `salesforceId` has 18 characters. */
export interface ExpectedRecord {
  readonly object: CrmObject;
  readonly salesforceId: string;
  readonly outcome: 'linked' | 'unmatched' | 'ambiguous' | 'conflicting' | 'suppressed' | 'ineligible';
  readonly personalizationId?: string;
  readonly subTier?: string;
  readonly salesforceField?: string;
  readonly personalizationField?: string;
  readonly reason?: string;
  /** Sorted by code point. */
  readonly candidates?: readonly string[];
}

/** A row of intents.csv; its last column, the reason, is left to the sync and not compared. */
export interface ExpectedIntent {
  readonly side: 'personalization' | 'salesforce';
  readonly object: CrmObject | PersonKind;
  readonly id: string;
  readonly field: string;
  readonly before: string;
  readonly after: string;
  readonly rule: string;
  readonly outcome: string;
  readonly code: string;
  /** Planned only when leads are on. */
  readonly leadsOnly: boolean;
}

export type Tally = Record<ReportObject, number>;
export const emptyTally = (): Tally => ({ account: 0, contact: 0, lead: 0 });

/** What the demo loads, and what must come of it. Filled by the cast first, then by the crowd. */
export interface World {
  readonly crm: Readonly<Record<CrmObject, Row[]>>;
  /** By feed: the rows of `user-<feed>.csv` and `account-<feed>.csv`, in order. */
  readonly feeds: Readonly<Record<PersonKind, Map<string, Row[]>>>;
  readonly records: ExpectedRecord[];
  readonly intents: ExpectedIntent[];
  readonly nearMisses: Tally;
  readonly malformedIds: Tally;
  /** Persons stopped in the match of that object. */
  readonly stopped: Tally;
}

export function emptyWorld(): World {
  return {
    crm: { Account: [], Contact: [], Lead: [] },
    feeds: { user: new Map(), account: new Map() },
    records: [], intents: [],
    nearMisses: emptyTally(), malformedIds: emptyTally(), stopped: emptyTally(),
  };
}

export function addPerson(world: World, kind: PersonKind, feed: string, row: Row): void {
  const rows = world.feeds[kind].get(feed);
  if (rows === undefined) world.feeds[kind].set(feed, [row]);
  else rows.push(row);
}

/** Columns of the CRM that hold an id, written with 15 characters in the cast and 18 in the files. */
const idColumns = new Set(['Id', 'AccountId', 'PersonContactId', 'ConvertedContactId', 'ConvertedAccountId', 'MasterRecordId']);

export function addRecord(world: World, object: CrmObject, row: Row): void {
  world.crm[object].push(Object.fromEntries(Object.entries(row).map(([name, cell]) => [name, idColumns.has(name) ? widenId(cell) : cell])));
}

/** Ids of the persons of a kind, each once. */
export function personIds(world: World, kind: PersonKind): Set<string> {
  const ids = new Set<string>();
  for (const rows of world.feeds[kind].values()) for (const row of rows) ids.add(row[`${kind}Id`] ?? '');
  return ids;
}

export const byCodePoint = (left: string, right: string): number => {
  const a = [...left];
  const b = [...right];
  const at = a.findIndex((letter, place) => letter !== b[place]);
  if (at === -1) return a.length - b.length;
  return (a[at]?.codePointAt(0) ?? 0) - (b[at]?.codePointAt(0) ?? -1);
};
