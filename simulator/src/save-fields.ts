import type { RowError } from './errors.ts';
import type { Field } from './fields.ts';
import { convertForSave } from './save-values.ts';
import type { Stored } from './save-values.ts';
import type { Saver } from './saver.ts';

export type Values = { readonly values: Map<string, Stored>; readonly errors: readonly RowError[] };

/** The fields that a request names, with their values; an error for one that is not there or cannot be written. Triggers have their say at the end. */
export function readValues(saver: Saver, input: Readonly<Record<string, unknown>>, operation: 'create' | 'update'): Values {
  const { org, type } = saver;
  const values = new Map<string, Stored>();
  const errors: RowError[] = [];
  const locked: string[] = [];
  for (const [name, given] of Object.entries(input)) {
    const lower = name.toLowerCase();
    if (lower === 'attributes' || lower === 'id') continue;
    const field: Field | undefined = type.byName.get(lower);
    if (field === undefined) {
      errors.push({ statusCode: 'INVALID_FIELD', message: `No such column '${name}' on sobject of type ${type.name}`, fields: [] });
    } else if (!(operation === 'create' ? field.createable : field.updateable)) {
      locked.push(field.name);
    } else {
      const converted = convertForSave(org, field, given);
      if ('error' in converted) errors.push(converted.error);
      else values.set(field.name, converted.value);
    }
  }
  if (locked.length > 0) {
    errors.push({
      statusCode: 'INVALID_FIELD_FOR_INSERT_UPDATE',
      fields: locked,
      message: `Unable to create/update fields: ${locked.join(', ')}. Please check the security settings of this field and verify that it is read/write for your profile or permission set.`,
    });
  }
  if (errors.length === 0) fireTriggers(saver, values);
  return { values, errors };
}

/** What the org changes on a save: one trigger after the other, each seeing what those before it did. */
function fireTriggers({ org, type }: Saver, values: Map<string, Stored>): void {
  for (const trigger of org.settings.triggers) {
    const field = trigger.object === type.name && values.has(trigger.when) ? type.allByName.get(trigger.set.toLowerCase()) : undefined;
    const converted = field === undefined ? undefined : convertForSave(org, field, trigger.to);
    if (field !== undefined && converted !== undefined && 'value' in converted) values.set(field.name, converted.value);
  }
}
