import type { MatchField } from '../../config/settings.ts';
import { objectFacts } from '../../domain/objects.ts';
import type { ObjectType, PersonKind } from '../../domain/objects.ts';
import { attributePosition } from '../run-shape.ts';
import type { RunShape } from '../run-shape.ts';

/** Every sub-tier, from the strongest to the weakest (R9). */
export const subTierNames = ['pin', 'link', 'id', 'converted', 'field', 'email', 'name', 'contacts'] as const;
export type SubTierName = (typeof subTierNames)[number];

/** Sub-tiers that compare values. `pin` and `link` are settled before them, `contacts` after. */
export type KeySubTierName = Exclude<SubTierName, 'pin' | 'link' | 'contacts'>;

/** Numbers of the match fields that are not configured; entry i of `matchFields` has number `10 + i`. */
export const fieldNumbers = { id: 0, converted: 1, email: 2, name: 3, configured: 10 } as const;

/** Where a person's value stands: in the id, in the user's account, in `field_values` (from 1), or nowhere since the store has no such attribute. */
export type AttributeSource =
  | { readonly from: 'personId' }
  | { readonly from: 'accountId' }
  | { readonly from: 'values'; readonly position: number }
  | { readonly from: 'nowhere' };

export interface PlannedAttribute {
  /** Counts from 0 within the field, in the order of priority. */
  readonly number: number;
  readonly name: string;
  readonly source: AttributeSource;
  /** The user id is an address only when it contains `@`. */
  readonly addressesOnly: boolean;
}

export interface PlannedField {
  readonly number: number;
  /** The CRM field, as `records.csv` names it. */
  readonly name: string;
  /** Ids are widened and checked (R8), with the prefix given; text is compared as it is (R6). */
  readonly compared: { readonly as: 'text'; readonly ignoreCase: boolean } | { readonly as: 'id'; readonly prefix: string };
  /** Position in `field_values`, from 1; null for ids, and where the org has no such field. */
  readonly crmPosition: number | null;
  readonly attributes: readonly PlannedAttribute[];
}

export interface SubTier {
  /** Place in `MatchPlan.subTiers`. */
  readonly index: number;
  readonly name: KeySubTierName;
  readonly fields: readonly PlannedField[];
}

export interface MatchPlan {
  readonly object: ObjectType;
  readonly kind: PersonKind;
  /** All match fields, the order of priority among those of one sub-tier is that of their numbers. */
  readonly fields: readonly PlannedField[];
  /** From the strongest to the weakest; several are named `field` where the fields are ordered (R10). */
  readonly subTiers: readonly SubTier[];
}

/** What the match of one object compares, and in which order. `leads` says whether they are on: contacts then have the sub-tier `converted` (R19). */
export function matchPlan(shape: RunShape, object: ObjectType, leads: boolean): MatchPlan {
  const { personKind: kind, idPrefix } = objectFacts[object];
  const own = shape.settings.objects[object];
  const attributes = (names: readonly string[]): PlannedAttribute[] =>
    names.map((name, number) => ({ number, name, source: sourceOf(shape, kind, name), addressesOnly: false }));
  const idField = (number: number, attribute: string, prefix: string): PlannedField => ({
    number,
    name: 'Id',
    compared: { as: 'id', prefix },
    crmPosition: null,
    attributes: [{ number: 0, name: attribute, source: valueOf(shape, kind, attribute), addressesOnly: false }],
  });
  const configured = own.matchFields.map((field, index) => configuredField(shape, object, field, index, attributes(field.personalization)));

  const groups: [KeySubTierName, readonly PlannedField[]][] = [['id', [idField(fieldNumbers.id, own.idAttribute, idPrefix)]]];
  if (object === 'contact' && leads)
    groups.push(['converted', [idField(fieldNumbers.converted, shape.settings.objects.lead.idAttribute, objectFacts.lead.idPrefix)]]);
  if (own.matchFieldOrder === 'ordered') for (const field of configured) groups.push(['field', [field]]);
  else if (configured.length > 0) groups.push(['field', configured]);
  // R11: the weakest tier goes only where match fields are configured for this object.
  if (!own.onlyDesignatedMatchFields || configured.length === 0)
    for (const weakest of objectFacts[object].weakestSubTiers) groups.push([weakest, [weakestField(shape, object, kind, weakest)]]);

  const subTiers = groups.map(([name, fields], index) => ({ index, name, fields }));
  return { object, kind, fields: subTiers.flatMap((subTier) => subTier.fields), subTiers };
}

function configuredField(
  shape: RunShape,
  object: ObjectType,
  field: MatchField,
  index: number,
  attributes: readonly PlannedAttribute[],
): PlannedField {
  return {
    number: fieldNumbers.configured + index,
    name: field.salesforce,
    compared: { as: 'text', ignoreCase: field.ignoreCase },
    crmPosition: positionOf(shape, object, field.salesforce),
    attributes,
  };
}

function weakestField(shape: RunShape, object: ObjectType, kind: PersonKind, weakest: 'email' | 'name'): PlannedField {
  const facts = { number: fieldNumbers[weakest], compared: { as: 'text', ignoreCase: false } } as const;
  if (weakest === 'name')
    return {
      ...facts,
      name: 'Name',
      crmPosition: positionOf(shape, object, 'Name'),
      attributes: [{ number: 0, name: 'name', source: valueOf(shape, kind, 'name'), addressesOnly: false }],
    };
  return {
    ...facts,
    name: 'Email',
    crmPosition: positionOf(shape, object, 'Email'),
    attributes: [
      { number: 0, name: 'emailAddress', source: valueOf(shape, kind, 'emailAddress'), addressesOnly: false },
      { number: 1, name: 'userId', source: { from: 'personId' }, addressesOnly: true },
    ],
  };
}

function positionOf(shape: RunShape, object: ObjectType, field: string): number | null {
  const index = shape.crm[object].findIndex((fact) => fact.name === field);
  return index < 0 ? null : index + 1;
}

function valueOf(shape: RunShape, kind: PersonKind, attribute: string): AttributeSource {
  const position = attributePosition(shape, kind, attribute);
  return position === undefined ? { from: 'nowhere' } : { from: 'values', position };
}

/** `userId` and `accountId` name the ids themselves; the `accountId` of a user is the account that the user belongs to. */
function sourceOf(shape: RunShape, kind: PersonKind, attribute: string): AttributeSource {
  if (attribute === `${kind}Id`) return { from: 'personId' };
  if (kind === 'user' && attribute === 'accountId') return { from: 'accountId' };
  return valueOf(shape, kind, attribute);
}
