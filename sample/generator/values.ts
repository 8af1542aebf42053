import type { Random } from './random.ts';
import type { ExpectedIntent } from './world.ts';

/** What one mapping of `crm-sync.yaml` does for one linked pair: a value on either side, and the intent that must follow, if any. */
interface Case {
  readonly crm?: string;
  readonly person?: string;
  readonly write?: { readonly before: string; readonly after: string };
}

/** One mapping, with a recipe for each thing that can happen to it (R24); the first half of the weight is quiet. */
export interface MappedValue {
  readonly side: 'personalization' | 'salesforce';
  readonly crmField: string;
  readonly attribute: string;
  readonly rule: string;
  readonly cases: readonly ((random: Random) => Case)[];
}

const quiet = (): Case => ({});
const titles = ['Buyer', 'Director of Sales', 'Head of IT', 'Analyst', 'Store Manager', 'Engineer', 'Founder', 'Procurement Lead'];
const cities = ['Lisbon', 'Austin', 'Leeds', 'Gda\u0144sk', 'S\u00e3o Paulo', 'Bengaluru', 'Lyon', 'Osaka', 'Cork', 'Toronto'];
const industries = ['Banking', 'Education', 'Energy', 'Retail', 'Media', 'Shipping', 'Technology'];
const segments = ['Outdoor', 'Wine; Travel', 'Books, Music', 'Garden', 'Family "Plus"', 'Sport'];
const pad = (number: number): string => String(number).padStart(2, '0');
const day = (random: Random, year: number): string => `${year}-${pad(random.below(12) + 1)}-${pad(random.below(28) + 1)}`;
const score = (random: Random): number => random.below(99) + 1;

/** Two different choices. */
function two<T>(random: Random, choices: readonly T[]): [T, T] {
  const first = random.pick(choices);
  return [first, random.pick(choices.filter((choice) => choice !== first))];
}

/** pull, rule crm, text to text: equal, missing, another, nothing in the CRM. */
const pulledText = (crmField: string, attribute: string, choices: readonly string[], clear: boolean): MappedValue => ({
  side: 'personalization', crmField, attribute, rule: 'crm',
  cases: [
    quiet, quiet, quiet,
    (random) => { const text = random.pick(choices); return { crm: text, person: text }; },
    (random) => { const text = random.pick(choices); return { crm: text, write: { before: '', after: text } }; },
    (random) => { const [crm, person] = two(random, choices); return { crm, person, write: { before: person, after: crm } }; },
    (random) => { const person = random.pick(choices); return clear ? { person, write: { before: person, after: '' } } : { person }; },
  ],
});

const pushedScore = (crmField: string, attribute: string): MappedValue => ({
  side: 'salesforce', crmField, attribute, rule: 'personalization',
  cases: [
    quiet,
    (random) => { const n = score(random); return { crm: String(n), person: `${n}.0` }; },
    (random) => { const n = score(random); return { person: String(n), write: { before: '', after: String(n) } }; },
    (random) => { const n = score(random); return { crm: String(n), person: `${n}.5`, write: { before: String(n), after: `${n}.5` } }; },
    (random) => ({ crm: String(score(random)) }),
  ],
});

const pushedInstant = (crmField: string, attribute: string): MappedValue => ({
  side: 'salesforce', crmField, attribute, rule: 'personalization',
  cases: [
    quiet, quiet,
    (random) => { const date = day(random, 2026); return { crm: `${date}T12:00:00.000Z`, person: `${date}T14:00:00+02:00` }; },
    (random) => { const date = day(random, 2026); return { person: `${date}T09:30:00Z`, write: { before: '', after: `${date}T09:30:00.000Z` } }; },
  ],
});

export const contactValues: readonly MappedValue[] = [
  pulledText('Title', 'jobTitle', titles, false),
  pulledText('MailingCity', 'city', cities, true),
  {
    side: 'personalization', crmField: 'Birthdate', attribute: 'birthday', rule: 'fillBlank',
    cases: [
      quiet, quiet, quiet, quiet,
      (random) => { const date = day(random, 1980); return { crm: date, write: { before: '', after: date } }; },
      (random) => ({ crm: day(random, 1981), person: day(random, 1982) }),
    ],
  },
  pushedScore('Engagement_Score__c', 'engagementScore'),
  pushedInstant('Last_Activity__c', 'lastActivity'),
  {
    side: 'salesforce', crmField: 'Newsletter__c', attribute: 'newsletter', rule: 'personalization',
    cases: [
      quiet, quiet, quiet,
      () => ({ crm: 'true', person: 'true' }),
      () => ({ person: 'false' }),
      () => ({ person: 'true', write: { before: 'false', after: 'true' } }),
    ],
  },
  {
    side: 'salesforce', crmField: 'Segments__c', attribute: 'segments', rule: 'personalization',
    cases: [
      quiet, quiet, quiet, quiet,
      (random) => { const text = random.pick(segments); return { crm: text, person: text }; },
      (random) => { const [crm, person] = two(random, segments); return { crm, person, write: { before: crm, after: person } }; },
      (random) => { const crm = random.pick(segments); return { crm, write: { before: crm, after: '' } }; },
    ],
  },
];

export const accountValues: readonly MappedValue[] = [
  pulledText('Industry', 'industry', industries, false),
  pulledText('BillingCity', 'billingCity', cities, true),
  pushedScore('Active_Users__c', 'activeUsers'),
  pushedInstant('Last_Visit__c', 'lastVisit'),
];

const stages = ['Open - Not Contacted', 'Working - Contacted', 'Closed - Not Converted'];

/** A lead has a status and a company in any case. */
export const leadValues: readonly MappedValue[] = [
  {
    side: 'personalization', crmField: 'Status', attribute: 'leadStatus', rule: 'crm',
    cases: [
      (random) => { const text = random.pick(stages); return { crm: text, person: text }; },
      (random) => { const [crm, person] = two(random, stages); return { crm, person, write: { before: person, after: crm } }; },
    ],
  },
  {
    side: 'personalization', crmField: 'Company', attribute: 'leadCompany', rule: 'fillBlank',
    cases: [
      (random) => ({ crm: `${random.pick(cities)} Works`, person: `${random.pick(cities)} Ltd` }),
      (random) => { const text = `${random.pick(cities)} Partners`; return { crm: text, write: { before: '', after: text } }; },
    ],
  },
  pushedScore('Engagement_Score__c', 'engagementScore'),
];

export const someStatus = (random: Random): string => random.pick(stages);

type CrmName = 'Account' | 'Contact' | 'Lead';

/** Values on both sides of a pair that is linked, and the intents that must follow. */
export function valuesOfPair(random: Random, values: readonly MappedValue[], object: CrmName, salesforceId: string, personId: string): {
  readonly crm: Record<string, string>; readonly person: Record<string, string>; readonly intents: ExpectedIntent[];
} {
  const crm: Record<string, string> = {};
  const person: Record<string, string> = {};
  const intents: ExpectedIntent[] = [];
  for (const { side, crmField, attribute, rule, cases } of values) {
    const chosen = random.pick(cases)(random);
    if (chosen.crm !== undefined) crm[crmField] = chosen.crm;
    if (chosen.person !== undefined) person[attribute] = chosen.person;
    if (chosen.write === undefined) continue;
    const pushed = side === 'salesforce';
    intents.push({
      side, object: pushed ? object : object === 'Account' ? 'account' : 'user', id: pushed ? salesforceId : personId,
      field: pushed ? crmField : attribute, ...chosen.write, rule, outcome: 'applied', code: '', leadsOnly: object === 'Lead',
    });
  }
  return { crm, person, intents };
}
