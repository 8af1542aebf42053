import type { OnNull } from '../../config/settings.ts';
import type { FieldFacts } from '../../domain/fields.ts';
import { objectFacts, objectTypes } from '../../domain/objects.ts';
import type { ObjectType, PersonKind } from '../../domain/objects.ts';
import { attributePosition, crmPosition } from '../run-shape.ts';
import type { RunShape } from '../run-shape.ts';

export type WriteSide = 'personalization' | 'salesforce';

/** One mapping of a direction as the plan compares it: `source` and `before` are SQL over `c` (crm_record) and `p` (pers_record). */
export interface PlannedMapping {
  readonly side: WriteSide;
  /** The target's name: an attribute, or a CRM field. */
  readonly field: string;
  readonly rule: 'crm' | 'personalization' | 'fillBlank';
  readonly onNull: OnNull;
  readonly source: string;
  readonly before: string;
  /** Type of the target, by the names of its side. */
  readonly type: string;
  readonly scale: number;
  /** Most characters of a text; 0: no limit. */
  readonly length: number;
  /** Position of the target in `field_values`, from 1; null where the mirror keeps what was read until the next read. */
  readonly position: number | null;
  /** The target does not exist: all intents are rejected with this code. */
  readonly refusal: string | null;
}

const crmValue = (position: number): string => `c.field_values[${position}]`;
const attributeValue = (position: number): string => `p.field_values[${position}]`;

/** Fields of identity that the mirror keeps in columns of their own. */
const crmColumns: Readonly<Record<string, string>> = {
  Id: 'c.crm_id',
  AccountId: 'c.account_id',
  MasterRecordId: 'c.master_id',
  ConvertedContactId: 'c.converted_id',
  SystemModstamp: 'canonical_instant(c.modstamp)',
};

function crmSource(shape: RunShape, object: ObjectType, field: string): string {
  const column = crmColumns[field];
  const known = shape.crm[object].some(({ name }) => name === field);
  return known || column === undefined ? crmValue(crmPosition(shape, object, field)) : column;
}

/** The ids are attributes as well: `userId` and `accountId`. */
function idColumn(kind: PersonKind, attribute: string): string | undefined {
  if (attribute === 'userId' && kind === 'user') return 'p.pers_id';
  if (attribute === 'accountId') return kind === 'user' ? 'p.account_pers_id' : 'p.pers_id';
  return undefined;
}

function attributeSource(shape: RunShape, kind: PersonKind, attribute: string): string {
  const position = attributePosition(shape, kind, attribute);
  return position === undefined ? (idColumn(kind, attribute) ?? 'null::text') : attributeValue(position);
}

/** Attributes of a kind that match keys of any object are made of. */
function keyAttributes(shape: RunShape, kind: PersonKind): ReadonlySet<string> {
  const names = new Set(['emailAddress', 'name']);
  for (const object of objectTypes) {
    if (objectFacts[object].personKind !== kind) continue;
    const { idAttribute, matchFields } = shape.settings.objects[object];
    names.add(idAttribute);
    for (const field of matchFields) for (const attribute of field.personalization) names.add(attribute);
  }
  return names;
}

function keyFields(shape: RunShape, object: ObjectType): ReadonlySet<string> {
  return new Set(['Email', 'Name', ...shape.settings.objects[object].matchFields.map((field) => field.salesforce)]);
}

/** Types whose describe has a length that counts characters of a value. */
const textTypes: ReadonlySet<string> = new Set([
  'string',
  'textarea',
  'phone',
  'url',
  'email',
  'picklist',
  'multipicklist',
  'combobox',
  'encryptedstring',
] satisfies FieldFacts['type'][]);

function pullMappings(shape: RunShape, object: ObjectType): readonly PlannedMapping[] {
  const kind = objectFacts[object].personKind;
  const keys = keyAttributes(shape, kind);
  return shape.settings.objects[object].pull.map(({ from, to, rule, onNull }) => {
    const position = attributePosition(shape, kind, to);
    const attribute = position === undefined ? undefined : shape.persons[kind][position - 1];
    return {
      side: 'personalization',
      field: to,
      rule,
      onNull,
      source: crmSource(shape, object, from),
      before: attributeSource(shape, kind, to),
      type: attribute?.type ?? 'text',
      scale: 0,
      length: 0,
      position: position === undefined || keys.has(to) ? null : position,
      refusal: attribute === undefined ? 'UNKNOWN_ATTRIBUTE' : null,
    };
  });
}

function pushMappings(shape: RunShape, object: ObjectType): readonly PlannedMapping[] {
  const kind = objectFacts[object].personKind;
  const keys = keyFields(shape, object);
  return shape.settings.objects[object].push.map(({ from, to, rule, onNull }) => {
    const position = crmPosition(shape, object, to);
    const facts = shape.crm[object][position - 1] as FieldFacts;
    return {
      side: 'salesforce',
      field: facts.name,
      rule,
      onNull,
      source: attributeSource(shape, kind, from),
      before: crmValue(position),
      type: facts.type,
      scale: facts.scale,
      length: textTypes.has(facts.type) ? facts.length : 0,
      position: keys.has(facts.name) ? null : position,
      refusal: null,
    };
  });
}

/** The mappings of one object in one direction, none if that direction is off. R18: only the object's own. */
export function mappingsOf(shape: RunShape, object: ObjectType, side: WriteSide): readonly PlannedMapping[] {
  const { directions } = shape.settings.objects[object];
  if (side === 'personalization') return directions.pull ? pullMappings(shape, object) : [];
  return directions.push ? pushMappings(shape, object) : [];
}
