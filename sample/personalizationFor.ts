import { createWriteStream, mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { Readable } from 'node:stream';
import { pipeline } from 'node:stream/promises';
import { parseArgs } from 'node:util';
import { syntheticAccount, syntheticContact, syntheticLead } from '../simulator/src/synthetic.ts';

/**
 * The Personalization side of the simulator's `--synthetic N --seed S` org, as feeds: N users of whom 20 % match by Salesforce id, 23 % by loyalty number, 15 % by e-mail address;
 * 2 % of the contacts are ambiguous, 1 % near misses, 2 % deleted, the rest unmatched. What a row is follows from its number alone; nothing is kept, so memory does not grow with N.
 */
export interface SyntheticSide {
  readonly contacts: number;
  readonly seed: number;
  /** Users for the leads on top: 30 % match by lead id, 30 % by e-mail address. */
  readonly leads: boolean;
}

type UserKind = 'id' | 'loyalty' | 'email' | 'sharedLoyalty' | 'nearMiss' | 'unmatched';

/** Of contact and user `i` by `i % 100`; 6, 7, 17, 23, 29, 43 and 47 are the org's own oddities and nobody's here. */
const oddities = new Set([6, 7, 17, 23, 29, 43, 47]);
const plainKinds: readonly UserKind[] = (() => {
  const kinds: UserKind[] = Array.from({ length: 100 }, () => 'unmatched');
  kinds[42] = 'sharedLoyalty';
  kinds[13] = 'nearMiss';
  // Lead 19 of each hundred has the address of a contact 95: its user must be held by that contact.
  kinds[95] = 'email';
  const wanted: UserKind[] = [...Array<UserKind>(20).fill('id'), ...Array<UserKind>(23).fill('loyalty'), ...Array<UserKind>(14).fill('email')];
  for (let kind = 0; kind < 100 && wanted.length > 0; kind += 1) {
    const place = (kind * 37) % 100;
    if (kinds[place] !== 'unmatched' || oddities.has(place)) continue;
    kinds[place] = wanted.pop() ?? 'unmatched';
  }
  return kinds;
})();

/** What user `i` is made to be; contact 42 of each hundred shares its loyalty number with the next one, if there is a next one. */
export function userKind(i: number, contacts: number): UserKind {
  const kind = plainKinds[i % 100] ?? 'unmatched';
  return kind === 'sharedLoyalty' && i === contacts ? 'loyalty' : kind;
}

type LeadKind = 'id' | 'email' | 'unmatched';
const leadKind = (i: number): LeadKind => {
  if ([11, 19, 29].includes(i % 100)) return 'unmatched';
  return i % 10 < 3 ? 'id' : i % 10 < 6 ? 'email' : 'unmatched';
};

type AccountKind = 'id' | 'name' | 'sharedName' | 'unmatched';
const accountKind = (i: number, accounts: number): AccountKind => {
  if (i % 100 === 6) return i === accounts ? 'name' : 'sharedName';
  if (i % 100 === 7) return 'unmatched';
  return i % 10 < 3 ? 'id' : i % 10 < 6 ? 'name' : 'unmatched';
};

const cell = (text: string): string => (/[",\r\n]/.test(text) ? `"${text.replaceAll('"', '""')}"` : text);
const rowsPerChunk = 1000;

function* csv(header: readonly string[], rows: Iterable<readonly string[]>): Generator<string> {
  let chunk = `${header.join(',')}\n`;
  let count = 0;
  for (const row of rows) {
    chunk += `${row.map(cell).join(',')}\n`;
    count += 1;
    if (count % rowsPerChunk !== 0) continue;
    yield chunk;
    chunk = '';
  }
  if (chunk !== '') yield chunk;
}

const pulledAttributes = ['firstName', 'lastName', 'jobTitle', 'street', 'crmAccountId', 'workEmail', 'crmCreated', 'crmSegments'] as const;
const userHeader = ['userId', 'sfcrmContactId', 'sfcrmLeadId', 'loyaltyNumber', 'emailAddress', 'engagementScore', 'lastActivity', ...pulledAttributes];
const feedHeader = (names: readonly string[]): string[] => names.map((name, place) => (place === 0 ? name : `attribute:${name}`));

function* userRows({ contacts, seed, leads }: SyntheticSide): Generator<readonly string[]> {
  for (let i = 1; i <= contacts; i += 1) {
    const contact = syntheticContact(seed, i, contacts);
    const kind = userKind(i, contacts);
    const id = contact['Id'] ?? '';
    const byLoyalty = kind === 'loyalty' || kind === 'sharedLoyalty';
    const email = contact['Email'] ?? '';
    const address = kind === 'email' ? email.toLowerCase() : kind === 'nearMiss' ? email.toUpperCase() : kind === 'unmatched' ? `visitor${i}@elsewhere.example` : '';
    // Every fiftieth user has old values that a pull overwrites; the others are filled.
    const old = pulledAttributes.map((name) => (i % 50 === 0 ? `old ${name}` : ''));
    yield [
      `u${i}`, kind !== 'id' ? '' : i % 2 === 0 ? id : id.slice(0, 15), '', byLoyalty ? (contact['Loyalty_Number__c'] ?? '') : '', address,
      i % 3 === 0 ? '' : String((i * 7) % 1000), i % 4 === 0 ? new Date(Date.UTC(2026, 9, 1, 0, 0, i % 86400)).toISOString() : '', ...old,
    ];
  }
  if (!leads) return;
  for (let i = 1; i <= Math.floor(contacts / 5); i += 1) {
    const lead = syntheticLead(seed, i, contacts);
    const kind = leadKind(i);
    yield [`l${i}`, '', kind === 'id' ? (lead['Id'] ?? '') : '', '', kind === 'email' ? (lead['Email'] ?? '').toLowerCase() : '', '', '', ...pulledAttributes.map(() => '')];
  }
}

function* accountRows({ contacts, seed }: SyntheticSide): Generator<readonly string[]> {
  const accounts = Math.floor(contacts / 10);
  for (let i = 1; i <= accounts; i += 1) {
    const account = syntheticAccount(seed, i);
    const kind = accountKind(i, accounts);
    const name = kind === 'name' || kind === 'sharedName' ? (account['Name'] ?? '') : `Site ${i}`;
    yield [`pa${i}`, name, kind === 'id' ? (account['Id'] ?? '') : ''];
  }
}

/** `user-1.csv` in chunks. */
export const userFeed = (side: SyntheticSide): Generator<string> => csv(feedHeader(userHeader), userRows(side));
/** `account-1.csv` in chunks. */
export const accountFeed = (side: SyntheticSide): Generator<string> => csv(feedHeader(['accountId', 'name', 'sfcrmAccountId']), accountRows(side));

/** `crm-sync.yaml`: one match field, eight pulled values, two pushed. */
export const syntheticSettings = `objects:
  contact:
    matchFields:
      - { salesforce: Loyalty_Number__c, personalization: [loyaltyNumber] }
    pull:
      - { from: FirstName, to: firstName }
      - { from: LastName, to: lastName }
      - { from: Title, to: jobTitle }
      - { from: MailingStreet, to: street }
      - { from: AccountId, to: crmAccountId }
      - { from: Email, to: workEmail }
      - { from: CreatedDate, to: crmCreated }
      - { from: Segments__c, to: crmSegments }
    push:
      - { from: engagementScore, to: Engagement_Score__c }
      - { from: lastActivity, to: Last_Activity__c }
`;

interface SyntheticExpectation {
  readonly fetched: { readonly salesforce: number; readonly personalization: number };
  readonly outcomes: Readonly<Record<'linked' | 'unmatched' | 'ambiguous' | 'conflicting' | 'suppressed' | 'ineligible', number>>;
  readonly linkedBy: Readonly<Record<'id' | 'field' | 'email' | 'name', number>>;
  readonly nearMisses: number;
  readonly malformedIds: number;
}

function expectation(records: number, persons: number, counts: { linkedBy: Record<'id' | 'field' | 'email' | 'name', number>; ambiguous: number; suppressed: number; ineligible: number; nearMisses: number }): SyntheticExpectation {
  const { linkedBy, ambiguous, suppressed, ineligible, nearMisses } = counts;
  const linked = linkedBy.id + linkedBy.field + linkedBy.email + linkedBy.name;
  return {
    fetched: { salesforce: records, personalization: persons },
    outcomes: { linked, unmatched: records - linked - ambiguous - suppressed - ineligible, ambiguous, conflicting: 0, suppressed, ineligible },
    linkedBy, nearMisses, malformedIds: 0,
  };
}

/** What report.json must say of such a night, for its `objects`; `lead` is that of a night with leads on. By construction, in one pass without memory. */
export function syntheticExpectation(side: SyntheticSide): { readonly account: SyntheticExpectation; readonly contact: SyntheticExpectation; readonly lead: SyntheticExpectation } {
  const { contacts, leads } = side;
  const accounts = Math.floor(contacts / 10);
  const leadCount = Math.floor(contacts / 5);
  const none = () => ({ linkedBy: { id: 0, field: 0, email: 0, name: 0 }, ambiguous: 0, suppressed: 0, ineligible: 0, nearMisses: 0 });
  const contact = none();
  for (let i = 1; i <= contacts; i += 1) {
    const kind = userKind(i, contacts);
    if (i % 100 === 29 || (i % 100 === 23 && i < contacts)) contact.ineligible += 1;
    else if (kind === 'id') contact.linkedBy.id += 1;
    else if (kind === 'loyalty') contact.linkedBy.field += 1;
    else if (kind === 'email') contact.linkedBy.email += 1;
    else if (kind === 'sharedLoyalty') contact.ambiguous += 2;
    else if (kind === 'nearMiss') contact.nearMisses += 1;
  }
  const account = none();
  for (let i = 1; i <= accounts; i += 1) {
    const kind = accountKind(i, accounts);
    if (kind === 'id') account.linkedBy.id += 1;
    else if (kind === 'name') account.linkedBy.name += 1;
    else if (kind === 'sharedName') account.ambiguous += 2;
  }
  const lead = none();
  for (let i = 1; i <= leadCount; i += 1) {
    const kind = leads ? leadKind(i) : 'unmatched';
    if (i % 100 === 29 || i % 100 === 11) lead.ineligible += 1;
    else if (i % 100 === 19) lead.suppressed += 1;
    else if (kind === 'id') lead.linkedBy.id += 1;
    else if (kind === 'email') lead.linkedBy.email += 1;
  }
  const users = contacts + (leads ? leadCount : 0);
  return { account: expectation(accounts, accounts, account), contact: expectation(contacts, users, contact), lead: expectation(leadCount, users, lead) };
}

/** Writes `user-1.csv`, `account-1.csv` and `crm-sync.yaml` into a directory, which is made if it is missing. */
export async function writePersonalizationFor(side: SyntheticSide, directory: string): Promise<void> {
  mkdirSync(directory, { recursive: true });
  await pipeline(Readable.from(userFeed(side)), createWriteStream(join(directory, 'user-1.csv')));
  await pipeline(Readable.from(accountFeed(side)), createWriteStream(join(directory, 'account-1.csv')));
  writeFileSync(join(directory, 'crm-sync.yaml'), syntheticSettings);
}

if (import.meta.main) {
  const { values } = parseArgs({ options: { contacts: { type: 'string' }, seed: { type: 'string', default: '1' }, out: { type: 'string' }, leads: { type: 'boolean', default: false } } });
  const contacts = Number(values.contacts);
  if (values.out === undefined || !Number.isInteger(contacts) || contacts < 1) {
    process.stderr.write('usage: node sample/personalizationFor.ts --contacts N [--seed S] [--leads] --out DIR\n');
    process.exitCode = 2;
  } else {
    await writePersonalizationFor({ contacts, seed: Number(values.seed), leads: values.leads }, values.out);
  }
}
