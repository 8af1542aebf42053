import { id18 } from '../match/ids.ts';
import type { Random } from '../match/random.ts';
import { orgSchema } from './model-settings.ts';
import type { ModelSettings } from './model-settings.ts';
import { accountAttributes, userAttributes } from './sides.ts';
import { flowing, valuesOf } from './values.ts';

export const idOf = (prefix: '001' | '003' | '00Q', at: number): string => id18(`${prefix}${String(at).padStart(12, '0')}`, prefix) ?? '';

const sizes = { account: 24, personAccount: 5, contact: 55, lead: 30, user: 60, accountPersons: 18 };
const quoted = (cell: string): string => (/[",\n]/.test(cell) ? `"${cell.replaceAll('"', '""')}"` : cell);
export const csv = (header: readonly string[], rows: readonly (readonly string[])[]): string =>
  `${[header, ...rows].map((row) => row.map(quoted).join(',')).join('\n')}\n`;

/** The data directory that a life begins with. */
export function startingFiles(random: Random, settings: ModelSettings): Readonly<Record<string, string>> {
  const values = valuesOf(random);
  const some = (value: string, share = 0.7): string => (random.chance(share) ? value : '');
  const rows = <T>(count: number, row: (at: number) => T): T[] => Array.from({ length: count }, (_, at) => row(at + 1));
  const { account, personAccount, contact, lead } = sizes;
  const person = (): string[] => [some(values.email()), some(values.phone(), 0.4), some(values.loyalty(), 0.4), some(values.title())];
  const lastName = (): string => values.name().trim() || 'Somebody';
  return {
    'crm-sync.yaml': settings.yaml,
    'schema.json': JSON.stringify(orgSchema),
    'Account.csv': csv(
      ['Id', 'Name', 'IsPersonAccount', 'PersonContactId', 'Phone', 'Region__c', 'Site'],
      [
        ...rows(account, (at) => [
          idOf('001', at),
          values.company(),
          'false',
          '',
          some(values.phone(), 0.4),
          some(values.loyalty(), 0.3),
          some(values.title()),
        ]),
        ...rows(personAccount, (at) => [idOf('001', account + at), lastName(), 'true', idOf('003', contact + at), '', '', '']),
      ],
    ),
    'Contact.csv': csv(
      ['Id', 'LastName', 'AccountId', 'IsPersonAccount', 'Email', 'Phone', 'Loyalty__c', 'Title', 'Department', 'Birthdate', 'Score__c'],
      [
        ...rows(contact, (at) => [
          ...[idOf('003', at), lastName(), some(idOf('001', 1 + random.below(account))), 'false', ...person()],
          ...[some('Sales', 0.3), some('1980-02-29', 0.3), some('7', 0.2)],
        ]),
        ...rows(personAccount, (at) => [...[idOf('003', contact + at), lastName(), idOf('001', account + at), 'true', ...person()], ...['', '', '']]),
      ],
    ),
    'Lead.csv': csv(
      ['Id', 'LastName', 'Company', 'Email', 'Phone', 'Loyalty__c', 'Title'],
      rows(lead, (at) => [idOf('00Q', at), lastName(), some(values.company(), 0.8), ...person()]),
    ),
    'user-1.csv': csv(
      ['userId', 'attribute:accountId', ...userAttributes.map((name) => `attribute:${name}`)],
      rows(sizes.user, () => userCells(random)),
    ),
    'account-1.csv': csv(
      ['accountId', ...accountAttributes.map((name) => `attribute:${name}`)],
      rows(sizes.accountPersons, (at) => accountCells(random, `acc-${at}`)),
    ),
  };
}

/** A new user's row, in the order of the attributes. */
export function userCells(random: Random, id = valuesOf(random).userId()): string[] {
  return [id, random.chance(0.6) ? `acc-${1 + random.below(sizes.accountPersons)}` : '', ...userAttributes.map((name) => userValue(random, name))];
}

export function accountCells(random: Random, id: string): string[] {
  return [id, ...accountAttributes.map((name) => accountValue(random, name))];
}

/** What an attribute of a new or changed user may be; blank often. */
export function userValue(random: Random, attribute: string): string {
  const values = valuesOf(random);
  const some = (value: string, share: number): string => (random.chance(share) ? value : '');
  switch (attribute) {
    case 'emailAddress':
      return some(values.email(), 0.6);
    case 'name':
      return some(values.name(), 0.6);
    case 'loyalty':
    case 'card':
      return some(values.loyalty(), 0.3);
    case 'phone':
      return some(values.phone(), 0.3);
    case 'sfcrmContactId':
      return some(crmIdText(random, '003', sizes.contact + sizes.personAccount), 0.1);
    case 'sfcrmLeadId':
      return some(crmIdText(random, '00Q', sizes.lead), 0.15);
    case 'jobTitle':
    case 'department':
    case 'birthday':
    case 'leadTitle':
    case 'leadCompany':
      return some(values.title(), 0.2);
    default:
      return some(flowing(random, attribute), 0.5);
  }
}

export function accountValue(random: Random, attribute: string): string {
  const values = valuesOf(random);
  const some = (value: string, share: number): string => (random.chance(share) ? value : '');
  switch (attribute) {
    case 'name':
      return some(values.company(), 0.5);
    case 'region':
      return some(values.loyalty(), 0.3);
    case 'phone':
      return some(values.phone(), 0.3);
    case 'sfcrmAccountId':
      return some(crmIdText(random, '001', sizes.account), 0.1);
    case 'site':
      return some(values.title(), 0.2);
    default:
      return some(flowing(random, attribute), 0.5);
  }
}

/** An id of 18 or 15 characters; now and then one that is none. */
function crmIdText(random: Random, prefix: '001' | '003' | '00Q', count: number): string {
  const id = idOf(prefix, 1 + random.below(count));
  return random.pick([id, id, id.slice(0, 15), ` ${id}`, `${id.slice(0, 17)}x`]);
}
