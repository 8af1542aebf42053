import type { Settings } from '../config/settings.ts';
import type { Attribute } from '../domain/attributes.ts';
import type { FieldFacts } from '../domain/fields.ts';
import { objectFacts, objectTypes } from '../domain/objects.ts';
import type { ObjectType, PersonKind } from '../domain/objects.ts';
import type { RunShape } from './run-shape.ts';

export interface SidesDescription {
  /** An object that the org does not show is absent. */
  readonly describes: Readonly<Partial<Record<ObjectType, readonly FieldFacts[]>>>;
  readonly attributes: Readonly<Record<PersonKind, readonly Attribute[]>>;
}

/** What says who a record is, and what became of it; those that the org does not have are left out. */
const identityOf = {
  account: ['Id', 'SystemModstamp', 'IsDeleted', 'MasterRecordId', 'IsPersonAccount'],
  contact: ['Id', 'SystemModstamp', 'IsDeleted', 'MasterRecordId', 'AccountId', 'IsPersonAccount'],
  lead: ['Id', 'SystemModstamp', 'IsDeleted', 'MasterRecordId', 'IsConverted', 'ConvertedContactId'],
} as const satisfies Record<ObjectType, readonly string[]>;

const weakestFields = { email: ['Email', 'emailAddress'], name: ['Name', 'name'] } as const;

/** What a run must fetch of each side: the fields and attributes of the match and of the mappings, each once, in a stable order. */
export function runShape(settings: Settings, sides: SidesDescription): RunShape {
  const crm = {} as Record<ObjectType, readonly FieldFacts[]>;
  const identityFields = {} as Record<ObjectType, readonly string[]>;
  const wanted: Record<PersonKind, Set<string>> = { user: new Set(), account: new Set() };
  for (const object of objectTypes) {
    const own = settings.objects[object];
    const facts = objectFacts[object];
    const described = new Map((sides.describes[object] ?? []).map((field) => [field.name, field]));
    const fields = new Set<string>();
    const attributes = wanted[facts.personKind];
    attributes.add(own.idAttribute);
    for (const subTier of facts.weakestSubTiers) {
      fields.add(weakestFields[subTier][0]);
      attributes.add(weakestFields[subTier][1]);
    }
    for (const field of own.matchFields) {
      fields.add(field.salesforce);
      for (const attribute of field.personalization) attributes.add(attribute);
    }
    for (const { from, to } of own.pull) {
      fields.add(from);
      attributes.add(to);
    }
    for (const { from, to } of own.push) {
      fields.add(to);
      attributes.add(from);
    }
    crm[object] = [...fields].flatMap((name) => described.get(name) ?? []).filter((field) => field.name !== 'Id');
    identityFields[object] = identityOf[object].filter((name) => described.has(name));
  }
  const persons = {
    user: sides.attributes.user.filter((attribute) => wanted.user.has(attribute.name)),
    account: sides.attributes.account.filter((attribute) => wanted.account.has(attribute.name)),
  };
  return { settings, crm, identityFields, persons };
}

/** The columns of one object's read, in the order in which they are asked for and staged. */
export function crmColumns(shape: RunShape, object: ObjectType): readonly string[] {
  return [...new Set([...shape.identityFields[object], ...shape.crm[object].map((field) => field.name)])];
}

/** The columns of one kind's pages, as the Personalization port sends them. */
export function personColumns(shape: RunShape, kind: PersonKind): readonly string[] {
  return ['id', 'accountId', ...shape.persons[kind].map((_, index) => `a${index}`)];
}
