import { nowStamp } from './org.ts';
import { changePerson, createPerson } from './person-save.ts';
import { changeRow, fullName, insertRow } from './row-writes.ts';
import type { Stored } from './save-values.ts';
import { failure, findLive } from './saver.ts';
import type { Current, SaveResult, Saver } from './saver.ts';
import { quoted } from './schema.ts';
import type { ObjectType } from './schema.ts';

export type LeadConvert = {
  readonly leadId: unknown;
  readonly accountId: string | null;
  readonly contactId: string | null;
  readonly ownerId: string | null;
  readonly convertedStatus: string | null;
  readonly overwriteLeadSource: boolean;
};
export type ConvertResult =
  | (SaveResult & { ok: false })
  | { readonly ok: true; readonly id: string; readonly accountId: string; readonly contactId: string };

const convertedStatuses = ['Closed - Converted', 'Qualified'];

const address = (prefix: string): [string, string][] =>
  ['Street', 'City', 'State', 'PostalCode', 'Country', 'Latitude', 'Longitude', 'GeocodeAccuracy'].map((part) => [part, prefix + part]);
/** Where a lead's standard fields go; a custom field goes to the field of the same name and type, where there is one. */
const standardMap: Readonly<Record<'Account' | 'Contact', readonly (readonly [lead: string, target: string])[]>> = {
  Account: [
    ['Company', 'Name'],
    ['Phone', 'Phone'],
    ['Fax', 'Fax'],
    ['Website', 'Website'],
    ['Industry', 'Industry'],
    ['Rating', 'Rating'],
    ['AnnualRevenue', 'AnnualRevenue'],
    ['NumberOfEmployees', 'NumberOfEmployees'],
    ['LeadSource', 'AccountSource'],
    ...address('Billing'),
  ],
  Contact: [
    ['FirstName', 'FirstName'],
    ['LastName', 'LastName'],
    ['Salutation', 'Salutation'],
    ['Title', 'Title'],
    ['Email', 'Email'],
    ['Phone', 'Phone'],
    ['Fax', 'Fax'],
    ['MobilePhone', 'MobilePhone'],
    ['LeadSource', 'LeadSource'],
    ['Description', 'Description'],
    ['IndividualId', 'IndividualId'],
    ...address('Mailing'),
  ],
};

type Row = Readonly<Record<string, Stored>>;
const isBlank = (value: Stored | undefined): boolean => value === null || value === undefined || value === '';

/** What a lead's values make of a target: the fields that are blank there and not blank on the lead. */
function filled(saver: Saver, object: 'Account' | 'Contact', lead: Row, target: Row): Map<string, Stored> {
  const type = saver.org.store.type(object) as ObjectType;
  const own = (name: string): boolean => type.columns.some((field) => field.name === name);
  const custom = saver.type.columns.flatMap((field): [string, string][] => {
    const other = type.columns.find((each) => each.custom && each.name === field.name && each.type === field.type);
    return field.custom && other !== undefined ? [[field.name, other.name]] : [];
  });
  return new Map(
    [...standardMap[object], ...custom].flatMap(([from, to]): [string, Stored][] => {
      const value = lead[from];
      return own(to) && value !== undefined && !isBlank(value) && isBlank(target[to]) ? [[to, value]] : [];
    }),
  );
}

const readRow = (saver: Saver, object: string, id: string): Row =>
  saver.org.store.sql(`select * from ${quoted(object)} where "Id" = ?`).get(id) as Row;

/**
 * Converts a lead: into a new contact and account, a new contact of an account, or an account and one of its contacts, of which only blank fields are filled.
 * A lead without company becomes a person account, where there are any. No opportunity is made. The lead is read-only afterwards.
 */
export function convertLead(saver: Saver, request: LeadConvert): ConvertResult {
  const { org, type } = saver;
  const found = findLive(saver, request.leadId);
  if ('failed' in found) return found.failed;
  const { id } = found;
  if (found.current.IsConverted === 1) return failure(id, 'CANNOT_UPDATE_CONVERTED_LEAD', 'cannot reference converted lead');
  if (!convertedStatuses.includes(request.convertedStatus ?? ''))
    return failure(id, 'INVALID_STATUS', `invalid convertedStatus: ${request.convertedStatus ?? ''}`);
  const accounts: Saver = { ...saver, type: org.store.type('Account') as ObjectType };
  const contacts: Saver = { ...saver, type: org.store.type('Contact') as ObjectType };
  const targets = findTargets(accounts, contacts, id, request);
  if (!('found' in targets)) return targets;
  const lead = readRow(saver, type.name, id);
  const owner = request.ownerId ?? lead['OwnerId'] ?? null;
  const { accountId, contactId } = fillTargets(accounts, contacts, saver, lead, owner, targets.found, request.overwriteLeadSource);
  changeRow(
    saver,
    id,
    new Map<string, Stored>([
      ['IsConverted', 1],
      ['Status', request.convertedStatus],
      ['ConvertedDate', nowStamp(org).slice(0, 10)],
      ['ConvertedAccountId', accountId],
      ['ConvertedContactId', contactId],
    ]),
  );
  return { ok: true, id, accountId, contactId };
}

type Target = { readonly id: string; readonly current: Current };
type Targets = { readonly account: Target | null; readonly contact: Target | null };

function findTargets(
  accounts: Saver,
  contacts: Saver,
  leadId: string,
  { accountId, contactId }: LeadConvert,
): (SaveResult & { ok: false }) | { readonly found: Targets } {
  if (contactId !== null && accountId === null)
    return failure(leadId, 'INVALID_ID_FIELD', 'contactId needs the accountId of the contact', ['accountId']);
  const account = accountId === null ? null : findLive(accounts, accountId);
  if (account !== null && 'failed' in account) return { ...account.failed, id: leadId };
  const personContactId = account?.current.IsPersonAccount === 1 ? (account.current.PersonContactId ?? null) : null;
  const wanted = contactId ?? personContactId;
  const contact = wanted === null ? null : findLive(contacts, wanted);
  if (contact !== null && 'failed' in contact) return { ...contact.failed, id: leadId };
  if (contact !== null && contact.current.AccountId !== account?.id)
    return failure(leadId, 'INVALID_ID_FIELD', 'the contact is not one of the account', ['contactId']);
  return { found: { account, contact } };
}

function fillTargets(
  accounts: Saver,
  contacts: Saver,
  leads: Saver,
  lead: Row,
  owner: Stored,
  targets: Targets,
  overwriteSource: boolean,
): { readonly accountId: string; readonly contactId: string } {
  const contactRow = targets.contact === null ? {} : readRow(contacts, 'Contact', targets.contact.id);
  const contactValues = filled(leads, 'Contact', lead, contactRow);
  if (overwriteSource && !isBlank(lead['LeadSource'])) contactValues.set('LeadSource', lead['LeadSource'] ?? null);
  const accountValues = filled(leads, 'Account', lead, targets.account === null ? {} : readRow(accounts, 'Account', targets.account.id));
  const asPerson =
    targets.account === null ? accounts.org.store.hasPersonAccounts() && isBlank(lead['Company']) : targets.account.current.IsPersonAccount === 1;
  if (asPerson) accountValues.delete('Name');
  if (targets.account === null && asPerson) {
    const accountId = createPerson(accounts, accountValues.set('OwnerId', owner), contactValues.set('OwnerId', owner));
    return { accountId, contactId: String(readRow(accounts, 'Account', accountId)['PersonContactId']) };
  }
  if (asPerson && targets.account !== null && targets.contact !== null) {
    if (accountValues.size + contactValues.size > 0) changePerson(accounts, targets.account.id, targets.contact.id, accountValues, contactValues);
    return { accountId: targets.account.id, contactId: targets.contact.id };
  }
  const accountId = targets.account?.id ?? insertRow(accounts, accountValues.set('OwnerId', owner));
  if (targets.account !== null && accountValues.size > 0) changeRow(accounts, accountId, accountValues);
  if (targets.contact === null) {
    contactValues
      .set('Name', fullName(contactValues.get('FirstName'), contactValues.get('LastName')))
      .set('AccountId', accountId)
      .set('OwnerId', owner);
    return { accountId, contactId: insertRow(contacts, contactValues) };
  }
  if (contactValues.has('FirstName')) contactValues.set('Name', fullName(contactValues.get('FirstName'), contactRow['LastName']));
  if (contactValues.size > 0) changeRow(contacts, targets.contact.id, contactValues);
  return { accountId, contactId: targets.contact.id };
}
