import type { RowError } from './errors.ts';
import { sharedPersonFields } from './person-fields.ts';
import { changeRow, changeRows, fullName, insertRow } from './row-writes.ts';
import type { Stored } from './save-values.ts';
import type { Current, Saver } from './saver.ts';
import type { ObjectType } from './schema.ts';

const contactSaver = (saver: Saver): Saver => ({ ...saver, type: saver.org.store.type('Contact') as ObjectType });
const accountSaver = (saver: Saver): Saver => ({ ...saver, type: saver.org.store.type('Account') as ObjectType });

/** The values of an account's save apart: those of the account's row, and those of the contact row by their columns there. */
export function splitPersonValues(
  saver: Saver,
  values: ReadonlyMap<string, Stored>,
): { readonly account: Map<string, Stored>; readonly contact: Map<string, Stored> } {
  const account = new Map<string, Stored>();
  const contact = new Map<string, Stored>();
  for (const [name, value] of values) {
    const source = saver.type.allByName.get(name.toLowerCase())?.source;
    if (source?.kind === 'person') contact.set(source.column, value);
    else account.set(name, value);
  }
  return { account, contact };
}

/** Fields that this kind of account does not have: a person's on a business account, the name as one on a person account. */
export function misplacedPersonFields(saver: Saver, values: ReadonlyMap<string, Stored>, isPerson: boolean): RowError | undefined {
  const fields = isPerson
    ? [...values.keys()].filter((name) => name === 'Name')
    : [...values.keys()].filter((name) => saver.type.allByName.get(name.toLowerCase())?.source?.kind === 'person');
  if (fields.length === 0) return undefined;
  return { statusCode: 'INVALID_FIELD_FOR_INSERT_UPDATE', message: `Account: bad field names on insert/update call: ${fields.join(', ')}`, fields };
}

/** Saves a person account, from either side: both rows get what they share, the name, and new stamps. */
export function changePerson(saver: Saver, accountId: string, contactId: string, account: Map<string, Stored>, contact: Map<string, Stored>): void {
  for (const name of sharedPersonFields) {
    if (account.has(name)) contact.set(name, account.get(name) ?? null);
    else if (contact.has(name)) account.set(name, contact.get(name) ?? null);
  }
  if (contact.has('FirstName') || contact.has('LastName')) {
    const present = saver.org.store.sql('select "FirstName", "LastName" from "Contact" where "Id" = ?').get(contactId) as
      | { FirstName: string | null; LastName: string | null }
      | undefined;
    const name = fullName(
      contact.has('FirstName') ? contact.get('FirstName') : present?.FirstName,
      contact.has('LastName') ? contact.get('LastName') : present?.LastName,
    );
    contact.set('Name', name);
    account.set('Name', name);
  }
  const [own, other] = saver.type.name === 'Account' ? [account, contact] : [contact, account];
  const otherSaver = saver.type.name === 'Account' ? contactSaver(saver) : accountSaver(saver);
  changeRow(saver, saver.type.name === 'Account' ? accountId : contactId, own);
  changeRows(otherSaver, '"Id" = ?', [saver.type.name === 'Account' ? contactId : accountId], other);
}

/** Makes a person account with its contact row. @returns the account's id */
export function createPerson(saver: Saver, account: Map<string, Stored>, contact: Map<string, Stored>): string {
  const name = fullName(contact.get('FirstName'), contact.get('LastName'));
  const id = insertRow(saver, account.set('Name', name).set('IsPersonAccount', 1));
  for (const shared of sharedPersonFields) if (account.has(shared)) contact.set(shared, account.get(shared) ?? null);
  const contactId = insertRow(contactSaver(saver), contact.set('Name', name).set('IsPersonAccount', 1).set('AccountId', id));
  saver.org.store.sql('update "Account" set "PersonContactId" = ? where "Id" = ?').run(contactId, id);
  return id;
}

/** The account of a person account's contact row, and the other way round; null for a row that is no half of one. */
export function otherHalf(saver: Saver, id: string, current: Current): { readonly accountId: string; readonly contactId: string } | null {
  if (current.IsPersonAccount !== 1) return null;
  if (saver.type.name === 'Account')
    return typeof current.PersonContactId === 'string' ? { accountId: id, contactId: current.PersonContactId } : null;
  return saver.type.name === 'Contact' && typeof current.AccountId === 'string' ? { accountId: current.AccountId, contactId: id } : null;
}
