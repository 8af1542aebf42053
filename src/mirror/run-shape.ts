import type { Settings } from '../config/settings.ts';
import type { Attribute } from '../domain/attributes.ts';
import type { FieldFacts } from '../domain/fields.ts';
import type { ObjectType, PersonKind } from '../domain/objects.ts';

/**
 * What one run works by, fixed when it is opened and kept in `ledger.run.settings`: the settings with the org's spelling and
 * without secrets, and the columns of both sides. A settings file that changes during a run changes the next one.
 */
export interface RunShape {
  readonly settings: Settings;
  /** The fields fetched of each object; position i is `crm_record.field_values[i + 1]`. Without Id and the fields of identity. */
  readonly crm: Readonly<Record<ObjectType, readonly FieldFacts[]>>;
  /** Fields of identity that the org has of each object, fetched before the others (`src/mirror/field-set.ts`). */
  readonly identityFields: Readonly<Record<ObjectType, readonly string[]>>;
  /** The attributes fetched of each kind of person; position i is `pers_record.field_values[i + 1]`. Without the ids. */
  readonly persons: Readonly<Record<PersonKind, readonly Attribute[]>>;
}

/** Position in `field_values`, from 1 as PostgreSQL counts. Throws if the run did not fetch it. */
export function crmPosition(shape: RunShape, object: ObjectType, field: string): number {
  const index = shape.crm[object].findIndex((fact) => fact.name === field);
  if (index < 0) throw new RangeError(`the run fetched no field ${field} of ${object}`);
  return index + 1;
}

/** Position in `field_values`, from 1; undefined where the store has no such attribute: nobody has a value of it. */
export function attributePosition(shape: RunShape, kind: PersonKind, attribute: string): number | undefined {
  const index = shape.persons[kind].findIndex((known) => known.name === attribute);
  return index < 0 ? undefined : index + 1;
}
