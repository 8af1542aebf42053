import { isObject } from './body.ts';
import type { Field } from './fields.ts';
import type { Org } from './org.ts';
import { convertForSave } from './save-values.ts';
import { isDataObject } from './schema.ts';
import type { ObjectType } from './schema.ts';
import { settingNames } from './settings.ts';
import type { Formula, Settings, Trigger, ValidationRule } from './settings.ts';

/** A setting that cannot be taken; the message names it and what it takes. */
export class SettingError extends Error {}

const wrong = (name: string, expected: string, given: unknown): SettingError =>
  new SettingError(`${name} takes ${expected}, not ${JSON.stringify(given)}`);

function wholeNumber(name: string, min: number, value: unknown): number {
  if (typeof value !== 'number' || !Number.isSafeInteger(value) || value < min)
    throw wrong(name, `a whole number${min === 0 ? ' from 0' : min === 1 ? ' from 1' : ''}`, value);
  return value;
}

function flag(name: string, value: unknown): boolean {
  if (typeof value !== 'boolean') throw wrong(name, 'true or false', value);
  return value;
}

function list(name: string, value: unknown): readonly unknown[] {
  if (!Array.isArray(value)) throw wrong(name, 'a list', value);
  return value;
}

function typeNamed(org: Org, name: string, given: unknown): ObjectType {
  const type = typeof given === 'string' ? org.store.type(given) : undefined;
  if (type === undefined || !isDataObject(type.name)) throw wrong(`${name}: object`, 'Account, Contact or Lead', given);
  return type;
}

function fieldNamed(name: string, type: ObjectType, given: unknown): Field {
  const field = typeof given === 'string' ? type.allByName.get(given.toLowerCase()) : undefined;
  if (field === undefined) throw wrong(name, `a field of ${type.name}`, given);
  return field;
}

/** `Contact.Title`, of a field that permissions can be taken from. */
function permissionFields(org: Org, name: string, value: unknown): readonly string[] {
  return list(name, value).map((each) => {
    const [object = '', fieldName = ''] = String(each).split('.');
    const type = typeNamed(org, name, object);
    const field = fieldNamed(name, type, fieldName);
    if (!field.permissionable)
      throw new SettingError(`${name}: everybody sees ${type.name}.${field.name}; name a field whose permissions can be set`);
    return `${type.name}.${field.name}`;
  });
}

function trigger(org: Org, value: unknown): Trigger {
  if (!isObject(value)) throw wrong('triggers', 'objects {object, when, set, to}', value);
  const type = typeNamed(org, 'triggers', value['object']);
  const set = fieldNamed('triggers: set', type, value['set']);
  const to = value['to'] ?? null;
  if (to !== null && typeof to !== 'string' && typeof to !== 'number' && typeof to !== 'boolean')
    throw wrong('triggers: to', 'a text, number, true, false or null', to);
  if (!set.updateable) throw new SettingError(`triggers: ${type.name}.${set.name} cannot be changed; name a field that can`);
  const converted = convertForSave(org, set, to);
  if ('error' in converted) throw new SettingError(`triggers: ${type.name}.${set.name} cannot be ${JSON.stringify(to)}: ${converted.error.message}`);
  return { object: type.name, when: fieldNamed('triggers: when', type, value['when']).name, set: set.name, to };
}

function formula(org: Org, value: unknown): Formula {
  if (!isObject(value)) throw wrong('formulas', 'objects {object, name, source}', value);
  const type = typeNamed(org, 'formulas', value['object']);
  const { name, source, as = 'copy', prefix = '' } = value;
  if (typeof name !== 'string' || !/^[A-Za-z]\w*__c$/.test(name)) throw wrong('formulas: name', 'a custom field name ending in __c', name);
  const present = type.allByName.get(name.toLowerCase());
  if (present !== undefined && present.source === undefined)
    throw new SettingError(`formulas: ${type.name}.${present.name} is a field already; choose another name`);
  if (as !== 'copy' && as !== 'upper' && as !== 'lower') throw wrong('formulas: as', 'copy, upper or lower', as);
  if (typeof prefix !== 'string') throw wrong('formulas: prefix', 'a text', prefix);
  const steps = typeof source === 'string' ? source.split('.') : [];
  const reference = [...type.allByName.values()].find((field) => field.relationshipName?.toLowerCase() === steps[0]?.toLowerCase());
  const target = steps.length === 2 ? reference?.referenceTo.flatMap((each) => org.store.type(each) ?? []).at(-1) : type;
  const from = target?.allByName.get((steps.at(-1) ?? '').toLowerCase());
  if (steps.length > 2 || from === undefined || from.type === 'address' || from.source?.kind === 'formula')
    throw wrong('formulas: source', `a field of ${type.name}, or of a parent like Account.Name`, source);
  return { object: type.name, name, source: String(source), as, prefix };
}

function validationRule(org: Org, value: unknown): ValidationRule {
  if (!isObject(value)) throw wrong('validationRules', 'objects {object, field, refuses, message}', value);
  const type = typeNamed(org, 'validationRules', value['object']);
  const { refuses, message } = value;
  if (typeof refuses !== 'string' || !isPattern(refuses)) throw wrong('validationRules: refuses', 'a regular expression', refuses);
  if (typeof message !== 'string') throw wrong('validationRules: message', 'a text', message);
  return { object: type.name, field: fieldNamed('validationRules: field', type, value['field']).name, refuses, message };
}

function isPattern(source: string): boolean {
  try {
    return new RegExp(source, 'u') instanceof RegExp;
  } catch (error) {
    if (error instanceof SyntaxError) return false;
    throw error;
  }
}

type Check<K extends keyof Settings> = (org: Org, value: unknown) => Settings[K];

const checks: { readonly [K in keyof Settings]: Check<K> } = {
  keepEmailCase: (_org, value) => flag('keepEmailCase', value),
  tokenLifetimeMs: (_org, value) => wholeNumber('tokenLifetimeMs', 0, value),
  dailyApiRequests: (_org, value) => wholeNumber('dailyApiRequests', 0, value),
  bulkPageRows: (_org, value) => wholeNumber('bulkPageRows', 1, value),
  uploadLimitBytes: (_org, value) => wholeNumber('uploadLimitBytes', 0, value),
  clockOffsetMs: (_org, value) => wholeNumber('clockOffsetMs', -Infinity, value),
  commitDelaySeconds: (_org, value) => wholeNumber('commitDelaySeconds', 0, value),
  replicationIdLimit: (_org, value) => wholeNumber('replicationIdLimit', 1, value),
  hiddenFields: (org, value) => permissionFields(org, 'hiddenFields', value),
  readOnlyFields: (org, value) => permissionFields(org, 'readOnlyFields', value),
  triggers: (org, value) => list('triggers', value).map((each) => trigger(org, each)),
  formulas: (org, value) => list('formulas', value).map((each) => formula(org, each)),
  validationRules: (org, value) => list('validationRules', value).map((each) => validationRule(org, each)),
  run: (_org, value) => {
    if (typeof value !== 'string') throw wrong('run', 'a text', value);
    return value;
  },
  personContactUpdates: (_org, value) => {
    if (value !== 'refused' && value !== 'allowed') throw wrong('personContactUpdates', 'refused or allowed', value);
    return value;
  },
  mergeStampsChildren: (_org, value) => flag('mergeStampsChildren', value),
  undeletedStayInLog: (_org, value) => flag('undeletedStayInLog', value),
};

const isSettingName = (name: string): name is keyof Settings => (settingNames as readonly string[]).includes(name);

/** Takes over the settings that `given` names. @throws {SettingError} with some taken over: the caller goes back to what was before */
export function applySettings(org: Org, given: Readonly<Record<string, unknown>>): void {
  const unknown = Object.keys(given).find((name) => !isSettingName(name));
  if (unknown !== undefined) throw new SettingError(`there is no setting ${unknown}; there are ${settingNames.join(', ')}`);
  // Formulas first: the permissions of the others may name them.
  for (const name of ['formulas', ...settingNames.filter((each) => each !== 'formulas')] as const) {
    if (!(name in given)) continue;
    org.settings = { ...org.settings, [name]: checks[name](org, given[name]) };
    if (name === 'formulas') org.store.setShape(org.settings);
  }
  org.store.setShape(org.settings);
}
