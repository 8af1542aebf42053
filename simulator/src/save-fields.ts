import type { RowError } from './errors.ts';
import type { Field } from './fields.ts';
import { convertForSave } from './save-values.ts';
import type { Stored } from './save-values.ts';
import type { Saver } from './saver.ts';

/** `fired`: the triggers that had their say, as `Title > Department`. */
export type Values = { readonly values: Map<string, Stored>; readonly errors: readonly RowError[]; readonly fired: readonly string[] };

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
  const fired = errors.length === 0 ? fireTriggers(saver, values) : [];
  return { values, errors: errors.length === 0 ? brokenRules(saver, values) : errors, fired };
}

/** What the org changes on a save: one trigger after the other, each seeing what those before it did. @returns those that ran */
function fireTriggers({ org, type }: Saver, values: Map<string, Stored>): string[] {
  const fired: string[] = [];
  for (const trigger of org.settings.triggers) {
    const field = trigger.object === type.name && values.has(trigger.when) ? type.allByName.get(trigger.set.toLowerCase()) : undefined;
    if (field === undefined) continue;
    fired.push(`${trigger.when} > ${trigger.set}`);
    const converted = convertForSave(org, field, trigger.to);
    if ('value' in converted) values.set(field.name, converted.value);
  }
  return fired;
}

function brokenRules({ org, type }: Saver, values: ReadonlyMap<string, Stored>): RowError[] {
  return org.settings.validationRules
    .filter(
      ({ object, field, refuses }) => object === type.name && values.has(field) && new RegExp(refuses, 'u').test(String(values.get(field) ?? '')),
    )
    .map(({ message }) => ({ statusCode: 'FIELD_CUSTOM_VALIDATION_EXCEPTION', message, fields: [] }));
}
