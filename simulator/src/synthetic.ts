import { idFromNumber } from './ids.ts';

/** A synthetic record: API names and texts as a CSV would have them; a field that is absent is empty. */
export type SyntheticRecord = Readonly<Record<string, string>>;

const firstNames = [
  'Ada',
  'Ben',
  'Chloe',
  'David',
  'Elena',
  'Farid',
  'Grace',
  'Hugo',
  'Iris',
  'Jonas',
  'Keiko',
  'Liam',
  'Maya',
  'Noah',
  'Olga',
  'Pablo',
];
const lastNames = [
  'Anderson',
  'Becker',
  'Costa',
  'Dubois',
  'Evans',
  'Fischer',
  'Garcia',
  'Hansen',
  'Ito',
  'Jensen',
  'Kowalski',
  'Lopez',
  'Meyer',
  'Novak',
  'Okafor',
  'Petrov',
];
const companies = ['Communications', 'Textiles', 'Construction', 'Hotels & Resorts', 'Oil & Gas', 'Logistics', 'Energy', 'Foods'];
const segments = ['vip', 'trial', 'newsletter', 'vip;newsletter', ''];
const startMs = Date.UTC(2026, 0, 1);

/** A 32-bit number that depends on the three and on nothing else. */
export function hash32(seed: number, index: number, salt: number): number {
  let x = Math.imul(seed ^ 0x9e3779b9, 0x85ebca6b) ^ Math.imul(index, 0xc2b2ae35) ^ Math.imul(salt, 0x27d4eb2f);
  x = Math.imul(x ^ (x >>> 16), 0x7feb352d);
  x = Math.imul(x ^ (x >>> 15), 0x846ca68b);
  return (x ^ (x >>> 16)) >>> 0;
}

const pick = (list: readonly string[], seed: number, index: number, salt: number): string => list[hash32(seed, index, salt) % list.length] ?? '';
const timeAt = (seed: number, index: number, salt: number): string =>
  new Date(startMs + (hash32(seed, index, salt) % 15_552_000) * 1000).toISOString();

export type SyntheticCounts = { readonly Account: number; readonly Contact: number; readonly Lead: number };
export const syntheticCounts = (contacts: number): SyntheticCounts => ({
  Contact: contacts,
  Account: Math.floor(contacts / 10),
  Lead: Math.floor(contacts / 5),
});

const contactEmail = (i: number): string => `user${i}@example${i % 100}.com`;
const loyaltyNumber = (i: number): string => `L${String(i).padStart(9, '0')}`;

/** Account `i`, from 1. Every hundredth plus 7 has the name of the one before. */
export function syntheticAccount(seed: number, i: number): SyntheticRecord {
  const named = i % 100 === 7 ? i - 1 : i;
  return {
    Id: idFromNumber('001', i),
    Name: `Company ${named} ${pick(companies, seed, named, 11)}`,
    Phone: `+1 555 ${String(i).padStart(7, '0')}`,
    Industry: 'Technology',
    CreatedDate: timeAt(seed, i, 12),
    SystemModstamp: timeAt(seed, i, 12),
  };
}

/** Contact `i`, from 1, of `contacts`. What is special about it follows from `i % 100`; the README has the table. */
export function syntheticContact(seed: number, i: number, contacts: number): SyntheticRecord {
  const kind = i % 100;
  const accounts = Math.floor(contacts / 10);
  const email = kind === 17 ? '' : kind === 7 ? contactEmail(i - 1) : kind === 13 ? `User${i}@Example${i % 100}.COM` : contactEmail(i);
  const loyalty = kind === 47 ? '' : kind === 43 ? loyaltyNumber(i - 1) : loyaltyNumber(i);
  const base = pick(lastNames, seed, i, 2);
  const last = kind === 31 ? `O"${base}", ${i}` : kind === 41 ? `Zoë-${base} 山田 😀 ${i}` : `${base} ${i}`;
  const isMerged = kind === 23 && i < contacts;
  return {
    Id: idFromNumber('003', i),
    FirstName: pick(firstNames, seed, i, 1),
    LastName: last,
    Email: email,
    AccountId: accounts === 0 ? '' : idFromNumber('001', ((i - 1) % accounts) + 1),
    MailingStreet: kind === 37 ? `${i} Long Road\nSecond floor` : `${i} Long Road`,
    Title: pick(['Engineer', 'Buyer', 'Director', ''], seed, i, 3),
    IsDeleted: isMerged || kind === 29 ? 'true' : 'false',
    MasterRecordId: isMerged ? idFromNumber('003', i + 1) : '',
    Loyalty_Number__c: loyalty,
    Engagement_Score__c: i % 8 === 0 ? '' : String((hash32(seed, i, 4) % 1000) / 10),
    Last_Activity__c: timeAt(seed, i, 5),
    Segments__c: pick(segments, seed, i, 6),
    CreatedDate: timeAt(seed, i, 7),
    SystemModstamp: timeAt(seed, i, 7),
  };
}

/** Lead `i`, from 1, of an org with `contacts` contacts. */
export function syntheticLead(seed: number, i: number, contacts: number): SyntheticRecord {
  const kind = i % 100;
  const contact = Math.min(contacts, i * 5);
  const accounts = Math.floor(contacts / 10);
  const isConverted = kind === 11;
  return {
    Id: idFromNumber('00Q', i),
    FirstName: pick(firstNames, seed, i, 21),
    LastName: `${pick(lastNames, seed, i, 22)} Lead ${i}`,
    Company: `Prospect ${i}`,
    Status: isConverted ? 'Closed - Converted' : 'Open - Not Contacted',
    Email: kind === 19 ? contactEmail(contact) : `lead${i}@example${i % 100}.com`,
    IsDeleted: kind === 29 ? 'true' : 'false',
    IsConverted: String(isConverted),
    ConvertedContactId: isConverted ? idFromNumber('003', contact) : '',
    ConvertedAccountId: isConverted && accounts > 0 ? idFromNumber('001', ((contact - 1) % accounts) + 1) : '',
    ConvertedDate: isConverted ? timeAt(seed, i, 23).slice(0, 10) : '',
    Loyalty_Number__c: `P${String(i).padStart(9, '0')}`,
    Engagement_Score__c: String((hash32(seed, i, 24) % 1000) / 10),
    Last_Activity__c: timeAt(seed, i, 25),
    Segments__c: pick(segments, seed, i, 26),
    CreatedDate: timeAt(seed, i, 27),
    SystemModstamp: timeAt(seed, i, 27),
  };
}
