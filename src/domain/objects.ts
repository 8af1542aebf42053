/** The CRM objects that are shared, in the order in which they are matched (R17: contacts before leads). */
export const objectTypes = ['account', 'contact', 'lead'] as const;
export type ObjectType = (typeof objectTypes)[number];

/** What a record is matched with: accounts with Personalization accounts, contacts and leads with users. */
export type PersonKind = 'user' | 'account';

export interface ObjectFacts {
  /** Salesforce's name of the object. */
  readonly crmName: 'Account' | 'Contact' | 'Lead';
  /** First three characters of every id of the object (R8). */
  readonly idPrefix: string;
  readonly personKind: PersonKind;
  /** Attribute that holds the Salesforce id unless `idAttribute` says otherwise. */
  readonly defaultIdAttribute: string;
  /** The CRM field of tier 3: e-mail for people (R12: never for accounts). */
  readonly weakestSubTiers: readonly ('email' | 'name')[];
}

export const objectFacts = {
  account: {
    crmName: 'Account',
    idPrefix: '001',
    personKind: 'account',
    defaultIdAttribute: 'sfcrmAccountId',
    weakestSubTiers: ['name'],
  },
  contact: {
    crmName: 'Contact',
    idPrefix: '003',
    personKind: 'user',
    defaultIdAttribute: 'sfcrmContactId',
    weakestSubTiers: ['email', 'name'],
  },
  lead: {
    crmName: 'Lead',
    idPrefix: '00Q',
    personKind: 'user',
    defaultIdAttribute: 'sfcrmLeadId',
    weakestSubTiers: ['email', 'name'],
  },
} as const satisfies Record<ObjectType, ObjectFacts>;
