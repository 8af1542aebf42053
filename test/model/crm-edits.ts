import { objectFacts, objectTypes } from '../../src/domain/objects.ts';
import type { ObjectType } from '../../src/domain/objects.ts';
import { live, pickKnown, pickOne, settle } from './place.ts';
import type { Edit, Place } from './place.ts';
import { personField } from './sides.ts';
import type { SideRecord } from './sides.ts';
import { valuesOf } from './values.ts';

type Fields = Record<string, string | boolean | null>;

/** New values of some of a record's fields; names as a business record has them. */
function someFields({ random }: Place, object: ObjectType, share: number): Fields {
  const values = valuesOf(random);
  const orBlank = (value: string): string | null => (random.chance(0.2) || value.trim() === '' ? null : value);
  const people: Record<string, () => string | null> = {
    LastName: () => values.name().trim() || 'Somebody',
    Email: () => (random.chance(0.2) ? null : `p${random.below(34)}@x.example`),
    Phone: () => orBlank(values.phone()),
    Loyalty__c: () => orBlank(values.loyalty()),
    Title: () => orBlank(values.title()),
    Note__c: () => orBlank('somebody wrote this'),
  };
  const makers: Record<string, () => string | null> =
    object === 'account'
      ? {
          Name: () => values.company().trim() || 'Company',
          Phone: () => orBlank(values.phone()),
          Region__c: () => orBlank(values.loyalty()),
          Site: () => orBlank(values.title()),
          Tier__c: () => orBlank('by hand'),
        }
      : object === 'lead'
        ? { ...people, Company: () => orBlank(values.company()) }
        : { ...people, Department: () => orBlank('Sales'), Alt__c: () => orBlank('Hand@x.example'), Birthdate: () => orBlank('1980-02-29') };
  const names = Object.keys(makers).filter(() => random.chance(share));
  return Object.fromEntries(names.map((name) => [name, makers[name]?.() ?? null]));
}

const change: Edit = async (place) => {
  const object = place.random.pick(objectTypes);
  const record = pickOne(place, live(place, object));
  const fields = someFields(place, object, 0.3);
  if (record === undefined || Object.keys(fields).length === 0) return false;
  if (!record.personAccount) {
    if (object === 'contact' && place.random.chance(0.2))
      fields['AccountId'] =
        pickOne(
          place,
          live(place, 'account').filter((a) => !a.personAccount),
        )?.id ?? null;
    await place.org.change(objectFacts[object].crmName, record.id, fields);
    return true;
  }
  if (object === 'account') {
    const { Name: _, ...rest } = fields;
    if (Object.keys(rest).length === 0) return false;
    await place.org.change('Account', record.id, rest);
    return true;
  }
  const named = Object.fromEntries(Object.entries(fields).map(([name, value]) => [personField(name), value]));
  await place.org.change('Account', record.accountId ?? '', named);
  return true;
};

/** Somebody else's name, often that of a counterpart: what matched by it drifts, what did not may match now. */
const rename: Edit = async (place) => {
  const object = place.random.pick(objectTypes);
  const values = valuesOf(place.random);
  const name = object === 'account' ? values.company() : values.name();
  const record = pickKnown(
    place,
    live(place, object).filter(({ personAccount }) => !personAccount),
  );
  if (record === undefined || name.trim() === '') return false;
  await place.org.change(objectFacts[object].crmName, record.id, object === 'account' ? { Name: name } : { LastName: name });
  return true;
};

/** A new record, seen so many seconds after its stamp: what comes out of a long transaction. */
async function createLate(place: Place, seconds: number): Promise<void> {
  const object = place.random.pick(objectTypes);
  const fields = { ...(object === 'account' ? { Name: 'New company' } : { LastName: 'Newcomer' }), ...someFields(place, object, 0.7) };
  const account =
    object === 'contact' && place.random.chance(0.5)
      ? pickOne(
          place,
          live(place, 'account').filter((a) => !a.personAccount),
        )
      : undefined;
  if (seconds > 0) await settle(place.world, { commitDelaySeconds: seconds });
  await place.org.create(objectFacts[object].crmName, { ...fields, ...(account === undefined ? {} : { AccountId: account.id }) });
  if (seconds > 0) await settle(place.world, { commitDelaySeconds: 0 });
}

const create: Edit = async (place) => {
  const late = place.random.chance(0.7);
  await createLate(place, late && !place.nightComes ? 900 + place.random.below(1800) : 0);
  return true;
};

/** A new record that the next night cannot see yet, and the one after it can. */
export const createUnseen = (place: Place): Promise<void> => createLate(place, 3600);

const remove: Edit = async (place) => {
  const object = place.random.pick(['account', 'contact', 'contact', 'contact', 'lead'] as const);
  const record = pickKnown(
    place,
    live(place, object).filter((each) => object === 'account' || !each.personAccount),
  );
  if (record === undefined) return false;
  await place.org.remove(objectFacts[object].crmName, record.id);
  return true;
};

/** What lies in the recycle bin by itself, not because its account does. */
function binned(place: Place): SideRecord[] {
  const accounts = new Map(place.sides.records.account.map((account) => [account.id, account]));
  const alone = ({ accountId, personAccount }: SideRecord): boolean =>
    !personAccount && (accountId === undefined || accounts.get(accountId)?.ineligible === undefined);
  const { account, contact, lead } = place.sides.records;
  return [...account, ...contact.filter(alone), ...lead].filter(({ ineligible }) => ineligible === 'deleted');
}

const undelete: Edit = async (place) => {
  const record = pickKnown(place, binned(place));
  if (record === undefined) return false;
  await place.org.undelete(record.id);
  return true;
};

const purge: Edit = async (place) => {
  const record = pickOne(place, binned(place));
  if (record === undefined) return false;
  await place.org.purge(record.id);
  return true;
};

const merge: Edit = async (place) => {
  const { random, org } = place;
  const object = random.pick(['account', 'contact', 'contact', 'contact', 'lead'] as const);
  const person = object === 'account' && random.chance(0.3);
  const able = live(place, object).filter(({ personAccount }) => personAccount === person);
  const first = pickKnown(place, able);
  const [master, next, ...others] = random.shuffled(able.filter((each) => each !== first)).map(({ id }) => id);
  if (first === undefined || master === undefined) return false;
  const losers = [first.id, ...others.slice(0, random.chance(0.25) ? 1 : 0)];
  await org.merge(objectFacts[object].crmName, master, losers);
  // A chain that no night sees grow: link by link.
  if (next !== undefined && random.chance(0.4)) await org.merge(objectFacts[object].crmName, next, [master]);
  return true;
};

const convert: Edit = async (place) => {
  const lead = pickKnown(place, live(place, 'lead'));
  if (lead === undefined) return false;
  const accounts = new Set(live(place, 'account').map(({ id }) => id));
  const contact = pickOne(
    place,
    live(place, 'contact').filter(({ accountId }) => accountId !== undefined && accounts.has(accountId)),
  );
  const into = contact !== undefined && place.random.chance(0.6) ? { contactId: contact.id, accountId: contact.accountId ?? '' } : undefined;
  await place.org.convert(lead.id, into);
  return true;
};

/** What users of the CRM do, with how often each is drawn. */
export const crmEdits: readonly (readonly [name: string, weight: number, edit: Edit])[] = [
  ['change', 6, change],
  ['rename', 1.5, rename],
  ['create', 3, create],
  ['remove', 3, remove],
  ['undelete', 3, undelete],
  ['purge', 0.5, purge],
  ['merge', 2, merge],
  ['convert', 1.5, convert],
];
