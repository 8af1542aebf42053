import { countedId15, widenId } from './ids.ts';
import { firmNumber, nameNumber } from './names.ts';
import type { Random } from './random.ts';
import { accountValues, contactValues, leadValues, someStatus, valuesOfPair } from './values.ts';
import { addPerson, addRecord, byCodePoint } from './world.ts';
import type { CrmObject, ExpectedRecord, Row, World } from './world.ts';

/**
 * The crowd around the cast: every record is made to be of a known kind, so that what must come of it follows from how it was made and nothing is matched here.
 * Names, addresses, numbers and ids of the crowd are counted, never drawn, so no two of its records meet but those that are meant to.
 */
const crowdFeed = '3';
const stems: Readonly<Record<CrmObject, string>> = { Account: '0015e00001', Contact: '0035e00001', Lead: '00Q5e00001' };

/** How many of each kind. */
export const contactKinds = {
  id15: 300, id18: 500, loyalty: 600, card: 120, phone: 150, email: 480, userIdEmail: 120, name: 180,
  ambiguousPersons: 30, ambiguousRecords: 24, conflicting: 16, nearMiss: 50, malformed: 20, deleted: 30, unmatched: 1380,
} as const;
export const accountKinds = { id: 160, number: 180, website: 70, name: 160, ambiguousRecords: 8, nearMiss: 10, deleted: 8, unmatched: 204 } as const;
export const leadKinds = {
  id: 90, campaign: 110, phone: 50, email: 200, name: 40, suppressedByLink: 80, suppressedByStop: 10, ambiguousPersons: 10, nearMiss: 20, converted: 50, deleted: 20, unmatched: 520,
} as const;
const unknownUsers = 320;
const unknownAccounts = 60;

type Kinds = Readonly<Record<string, number>>;

/** The kinds one by one, each as often as wanted, spread evenly over the ids. */
function spread<K extends Kinds>(kinds: K): (keyof K & string)[] {
  const places = Object.entries(kinds).flatMap(([kind, count]) => Array.from({ length: count }, (_, n) => ({ kind, place: (n + 0.5) / count })));
  return places.sort((left, right) => left.place - right.place).map(({ kind }) => kind);
}

class Crowd {
  readonly #world: World;
  readonly #random: Random;
  #names = 0;
  #users = 0;
  readonly #accountIds: string[] = [];
  /** E-mail addresses of users that are linked to contacts, and of users stopped in their match, for leads that come too late. */
  readonly #linkedAddresses: { readonly user: string; readonly address: string }[] = [];
  readonly #stoppedAddresses: { readonly user: string; readonly address: string }[] = [];

  constructor(world: World, random: Random) {
    this.#world = world;
    this.#random = random;
  }

  #expect(object: CrmObject, id15: string, rest: Omit<ExpectedRecord, 'object' | 'salesforceId'>): void {
    this.#world.records.push({ object, salesforceId: widenId(id15), ...rest });
  }

  #stop(object: CrmObject, records: readonly string[], outcome: 'ambiguous' | 'conflicting', subTier: string, candidates: readonly string[]): void {
    for (const id15 of records) this.#expect(object, id15, { outcome, subTier, candidates: [...candidates].sort(byCodePoint) });
    this.#world.stopped[object === 'Account' ? 'account' : object === 'Contact' ? 'contact' : 'lead'] += candidates.length;
  }

  #newUser(): string {
    this.#users += 1;
    return `u-${String(this.#users).padStart(5, '0')}`;
  }

  #newName(): { readonly FirstName: string; readonly LastName: string; readonly full: string; readonly n: number } {
    const n = this.#names;
    this.#names += 1;
    const { first, last } = nameNumber(n);
    return { FirstName: first, LastName: last, full: `${first} ${last}`, n };
  }

  /** A linked pair: both rows, the values of both sides, the link and the intents. */
  #link(object: CrmObject, id15: string, crm: Row, person: Row, by: readonly [string, string, string]): void {
    const kind = object === 'Account' ? 'account' : 'user';
    const personId = person[`${kind}Id`] ?? '';
    const values = { Account: accountValues, Contact: contactValues, Lead: leadValues }[object];
    const made = valuesOfPair(this.#random, values, object, widenId(id15), personId);
    addRecord(this.#world, object, { ...crm, ...made.crm });
    addPerson(this.#world, kind, crowdFeed, { ...person, ...made.person });
    this.#world.intents.push(...made.intents);
    const [subTier, salesforceField, personalizationField] = by;
    this.#expect(object, id15, { outcome: 'linked', personalizationId: personId, subTier, salesforceField, personalizationField });
  }

  addAccounts(): void {
    for (const [n, kind] of spread(accountKinds).entries()) {
      const Id = countedId15(stems.Account, n + 1);
      this.#accountIds.push(Id);
      const name = firmNumber(n);
      const number = `AC-${10000 + n}`;
      const website = `www.${name.toLowerCase().replace(/[^a-z]+/g, '-').replace(/-$/, '')}.example`;
      const crm = { Id, Name: name, AccountNumber: number, Website: website };
      const accountId = `pa-${String(n).padStart(4, '0')}`;
      const unlike = { accountId, name: `${name} (${accountId})` };
      if (kind === 'id') this.#link('Account', Id, crm, { ...unlike, sfcrmAccountId: widenId(Id) }, ['id', 'Id', 'sfcrmAccountId']);
      else if (kind === 'number') this.#link('Account', Id, crm, { ...unlike, accountNumber: number }, ['field', 'AccountNumber', 'accountNumber']);
      else if (kind === 'website') this.#link('Account', Id, crm, { ...unlike, website: website.toUpperCase() }, ['field', 'Website', 'website']);
      else if (kind === 'name') this.#link('Account', Id, crm, { accountId, name }, ['name', 'Name', 'name']);
      else if (kind === 'ambiguousRecords') {
        const twin = countedId15(stems.Account, n + 5001);
        addRecord(this.#world, 'Account', crm);
        addRecord(this.#world, 'Account', { Id: twin, Name: name });
        addPerson(this.#world, 'account', crowdFeed, { accountId, name });
        this.#stop('Account', [Id, twin], 'ambiguous', 'name', [accountId]);
      } else {
        addRecord(this.#world, 'Account', kind === 'deleted' ? { ...crm, IsDeleted: 'true' } : crm);
        this.#expect('Account', Id, kind === 'deleted' ? { outcome: 'ineligible', reason: 'deleted' } : { outcome: 'unmatched' });
        if (kind === 'deleted') addPerson(this.#world, 'account', crowdFeed, { accountId, name });
        if (kind !== 'nearMiss') continue;
        addPerson(this.#world, 'account', crowdFeed, { accountId, name: name.toLowerCase() });
        this.#world.nearMisses.account += 1;
      }
    }
    for (let n = 0; n < unknownAccounts; n += 1) addPerson(this.#world, 'account', crowdFeed, { accountId: `pa-unknown-${n}`, name: `Unknown Firm ${n}`, tier: 'Bronze' });
  }

  addContacts(): void {
    for (const [n, kind] of spread(contactKinds).entries()) this.#addContact(n, kind);
  }

  #addContact(n: number, kind: keyof typeof contactKinds): void {
    const world = this.#world;
    const Id = countedId15(stems.Contact, n + 1);
    const { full, ...named } = this.#newName();
    const { FirstName, LastName } = named;
    const loyalty = `CR-${100000 + n}`;
    const phone = `+44 20 7946 ${String(n).padStart(5, '0')}`;
    const address = `${FirstName}.${LastName}.${n}@crowd.example`.toLowerCase();
    const crm: Row = { Id, FirstName, LastName, AccountId: this.#random.pick(this.#accountIds), Email: address, Loyalty_Number__c: loyalty, Phone: phone };
    const userId = this.#newUser();
    switch (kind) {
      case 'id15':
      case 'id18':
        this.#link('Contact', Id, crm, { userId, sfcrmContactId: kind === 'id15' ? Id : widenId(Id), emailAddress: address, name: full }, ['id', 'Id', 'sfcrmContactId']);
        this.#linkedAddresses.push({ user: userId, address });
        return;
      case 'loyalty':
        this.#link('Contact', Id, crm, { userId, loyaltyNumber: loyalty, name: full }, ['field', 'Loyalty_Number__c', 'loyaltyNumber']);
        return;
      case 'card':
        this.#link('Contact', Id, crm, { userId, cardNumber: loyalty }, ['field', 'Loyalty_Number__c', 'cardNumber']);
        return;
      case 'phone':
        this.#link('Contact', Id, crm, { userId, phone }, ['field', 'Phone', 'phone']);
        return;
      case 'email':
        // The org lower-cases what it is given, now and then in mixed case.
        this.#link('Contact', Id, n % 3 === 0 ? { ...crm, Email: `${FirstName}.${LastName}.${n}@Crowd.example` } : crm, { userId, emailAddress: address }, ['email', 'Email', 'emailAddress']);
        return;
      case 'userIdEmail':
        this.#link('Contact', Id, crm, { userId: address }, ['email', 'Email', 'userId']);
        return;
      case 'name':
        this.#link('Contact', Id, crm, { userId, name: full }, ['name', 'Name', 'name']);
        return;
      case 'ambiguousPersons': {
        const other = this.#newUser();
        addRecord(world, 'Contact', crm);
        addPerson(world, 'user', crowdFeed, { userId, loyaltyNumber: loyalty, emailAddress: address });
        addPerson(world, 'user', crowdFeed, { userId: other, loyaltyNumber: loyalty });
        this.#stop('Contact', [Id], 'ambiguous', 'field', [userId, other]);
        this.#stoppedAddresses.push({ user: userId, address });
        return;
      }
      case 'ambiguousRecords': {
        const twin = countedId15(stems.Contact, n + 500001);
        const { FirstName: twinFirst, LastName: twinLast } = this.#newName();
        addRecord(world, 'Contact', crm);
        addRecord(world, 'Contact', { Id: twin, FirstName: twinFirst, LastName: twinLast, Email: address });
        addPerson(world, 'user', crowdFeed, { userId, emailAddress: address, name: full });
        this.#stop('Contact', [Id, twin], 'ambiguous', 'email', [userId]);
        return;
      }
      case 'conflicting': {
        const other = this.#newUser();
        addRecord(world, 'Contact', crm);
        addPerson(world, 'user', crowdFeed, { userId, loyaltyNumber: loyalty });
        addPerson(world, 'user', crowdFeed, { userId: other, phone });
        this.#stop('Contact', [Id], 'conflicting', 'field', [userId, other]);
        return;
      }
      case 'nearMiss':
        addRecord(world, 'Contact', crm);
        addPerson(world, 'user', crowdFeed, { userId, emailAddress: `${FirstName}.${LastName}.${n}@crowd.example` });
        this.#expect('Contact', Id, { outcome: 'unmatched' });
        world.nearMisses.contact += 1;
        return;
      case 'malformed':
        addRecord(world, 'Contact', crm);
        addPerson(world, 'user', crowdFeed, { userId, sfcrmContactId: `${Id.slice(0, 12)}`, name: `Member ${n}` });
        this.#expect('Contact', Id, { outcome: 'unmatched' });
        world.malformedIds.contact += 1;
        return;
      case 'deleted':
        addRecord(world, 'Contact', { ...crm, IsDeleted: 'true' });
        addPerson(world, 'user', crowdFeed, { userId, sfcrmContactId: widenId(Id), emailAddress: address });
        this.#expect('Contact', Id, { outcome: 'ineligible', reason: 'deleted' });
        return;
      case 'unmatched':
        addRecord(world, 'Contact', crm);
        this.#expect('Contact', Id, { outcome: 'unmatched' });
        return;
      default:
        kind satisfies never;
    }
  }

  addLeads(): void {
    for (const [n, kind] of spread(leadKinds).entries()) this.#addLead(n, kind);
    for (let n = 0; n < unknownUsers; n += 1) {
      addPerson(this.#world, 'user', crowdFeed, { userId: this.#newUser(), emailAddress: `visitor.${n}@elsewhere.example`, engagementScore: String(this.#random.below(50)) });
    }
  }

  #addLead(n: number, kind: keyof typeof leadKinds): void {
    const world = this.#world;
    const Id = countedId15(stems.Lead, n + 1);
    const { full, FirstName, LastName } = this.#newName();
    const campaign = `CMP-${20000 + n}`;
    const phone = `+49 30 2312 ${String(n).padStart(5, '0')}`;
    const address = `${FirstName}.${LastName}.l${n}@prospect.example`.toLowerCase();
    const crm: Row = { Id, FirstName, LastName, Company: `${LastName} & Co`, Status: someStatus(this.#random), Email: address, Phone: phone, Campaign_Code__c: campaign };
    const plain = (row: Row, rest: Omit<ExpectedRecord, 'object' | 'salesforceId'>): void => {
      addRecord(world, 'Lead', row);
      this.#expect('Lead', Id, rest);
    };
    switch (kind) {
      case 'id':
        this.#link('Lead', Id, crm, { userId: this.#newUser(), sfcrmLeadId: n % 2 === 0 ? Id : widenId(Id), name: full }, ['id', 'Id', 'sfcrmLeadId']);
        return;
      case 'campaign':
        this.#link('Lead', Id, crm, { userId: this.#newUser(), campaignCode: campaign, emailAddress: address }, ['field', 'Campaign_Code__c', 'campaignCode']);
        return;
      case 'phone':
        this.#link('Lead', Id, crm, { userId: this.#newUser(), phone }, ['field', 'Phone', 'phone']);
        return;
      case 'email':
        this.#link('Lead', Id, crm, { userId: this.#newUser(), emailAddress: address }, ['email', 'Email', 'emailAddress']);
        return;
      case 'name':
        this.#link('Lead', Id, crm, { userId: this.#newUser(), name: full }, ['name', 'Name', 'name']);
        return;
      case 'suppressedByLink':
      case 'suppressedByStop': {
        const held = (kind === 'suppressedByLink' ? this.#linkedAddresses : this.#stoppedAddresses).pop();
        if (held === undefined) throw new Error(`no user left for ${kind}`);
        plain({ ...crm, Email: held.address }, { outcome: 'suppressed', subTier: 'email', candidates: [held.user] });
        return;
      }
      case 'ambiguousPersons': {
        const users = [this.#newUser(), this.#newUser()];
        addRecord(world, 'Lead', crm);
        for (const userId of users) addPerson(world, 'user', crowdFeed, { userId, campaignCode: campaign });
        this.#stop('Lead', [Id], 'ambiguous', 'field', users);
        return;
      }
      case 'nearMiss':
        addPerson(world, 'user', crowdFeed, { userId: this.#newUser(), emailAddress: address.toUpperCase() });
        plain(crm, { outcome: 'unmatched' });
        world.nearMisses.lead += 1;
        return;
      case 'converted':
        plain({ ...crm, Status: 'Closed - Converted', IsConverted: 'true' }, { outcome: 'ineligible', reason: 'converted' });
        return;
      case 'deleted':
        addPerson(world, 'user', crowdFeed, { userId: this.#newUser(), sfcrmLeadId: widenId(Id) });
        plain({ ...crm, IsDeleted: 'true' }, { outcome: 'ineligible', reason: 'deleted' });
        return;
      case 'unmatched':
        plain(crm, { outcome: 'unmatched' });
        return;
      default:
        kind satisfies never;
    }
  }
}

export function addCrowd(world: World, random: Random): void {
  const crowd = new Crowd(world, random);
  crowd.addAccounts();
  crowd.addContacts();
  crowd.addLeads();
}
