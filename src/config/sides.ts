import { compoundTypes, incomparableTypes } from '../domain/fields.ts';
import type { FieldFacts } from '../domain/fields.ts';
import { objectFacts, objectTypes } from '../domain/objects.ts';
import type { ObjectType, PersonKind } from '../domain/objects.ts';
import type { LoadedSettings } from './load.ts';
import { didYouMean } from './nearest.ts';
import { lineOf, settingsFailure } from './problems.ts';
import type { Positions, Problem } from './problems.ts';
import type { ObjectSettings, Settings } from './settings.ts';

export interface AttributeFacts {
  readonly name: string;
  readonly type: string;
}

/** What org and store have. */
export interface SidesFacts {
  /** Fields by object; an object that the org does not show to the sync's user is absent. */
  readonly describes: Readonly<Partial<Record<ObjectType, readonly FieldFacts[]>>>;
  readonly userAttributes: readonly AttributeFacts[];
  readonly accountAttributes: readonly AttributeFacts[];
}

/** The ids themselves, which every store has. */
const idNames: Readonly<Record<PersonKind, readonly string[]>> = { user: ['userId', 'accountId'], account: ['accountId'] };

/** Salesforce's API names ignore case. */
const fieldsByName = (fields: readonly FieldFacts[]): ReadonlyMap<string, FieldFacts> =>
  new Map(fields.map((field) => [field.name.toLowerCase(), field]));

interface Checked {
  readonly problems: readonly Problem[];
  /** CRM fields in the org's spelling. */
  readonly settings: ObjectSettings;
}

function checkObject(
  object: ObjectType,
  own: ObjectSettings,
  fields: readonly FieldFacts[],
  attributes: readonly string[],
  positions: Positions,
): Checked {
  const { crmName, personKind, defaultIdAttribute } = objectFacts[object];
  const knownFields = fieldsByName(fields);
  const allAttributes = new Set([...idNames[personKind], ...attributes]);
  const problems: Problem[] = [];
  const report = (key: string, message: string): void => void problems.push({ line: lineOf(positions, key), key, message });

  const field = (name: string, key: string, wrong: (facts: FieldFacts) => string | undefined): string => {
    const facts = knownFields.get(name.toLowerCase());
    if (facts === undefined) {
      report(
        key,
        `${crmName} has no field ${name}, or the sync's user may not see it; allowed: a field of ${crmName} in this org${didYouMean(
          name,
          fields.map((each) => each.name),
        )}`,
      );
      return name;
    }
    const problem = wrong(facts);
    if (problem !== undefined) report(key, problem);
    return facts.name;
  };
  const attribute = (name: string, key: string): string => {
    const what = personKind === 'user' ? 'users' : 'accounts';
    if (!allAttributes.has(name))
      report(
        key,
        `the store's ${what} have no attribute ${name}; allowed: ${[...allAttributes].toSorted().slice(0, 30).join(', ')}${allAttributes.size > 30 ? ', ...' : ''}${didYouMean(name, allAttributes)}`,
      );
    return name;
  };

  const unreadable = ({ name, type }: FieldFacts): string | undefined =>
    compoundTypes.has(type) || type === 'base64'
      ? `${name} is of type ${type} and cannot be read as one value; allowed: its parts, or another field`
      : undefined;
  const incomparable = ({ name, type }: FieldFacts): string | undefined =>
    incomparableTypes.has(type) ? `${name} is of type ${type}, which cannot be compared; allowed: a field of one value` : undefined;
  const unwritable = ({ name, type, calculated, updateable }: FieldFacts): string | undefined => {
    if (compoundTypes.has(type)) return `${name} is of type ${type} and cannot be written as one value; allowed: its parts`;
    if (calculated) return `${name} is calculated by the org and cannot be written; allowed: a field that is no formula`;
    return updateable
      ? undefined
      : `${name} cannot be updated by the sync's user; allowed: a field that is updateable, by its kind and by permission`;
  };

  // The default need not exist: a store without it holds no such ids.
  if (own.idAttribute !== defaultIdAttribute) attribute(own.idAttribute, `objects.${object}.idAttribute`);
  const settings: ObjectSettings = {
    ...own,
    matchFields: own.matchFields.map((entry, index) => {
      const key = `objects.${object}.matchFields[${index}]`;
      const many = positions.has(`${key}.personalization[0]`);
      for (const [at, name] of entry.personalization.entries()) attribute(name, `${key}.personalization${many ? `[${at}]` : ''}`);
      return { ...entry, salesforce: field(entry.salesforce, `${key}.salesforce`, incomparable) };
    }),
    pull: own.pull.map((entry, index) => {
      const key = `objects.${object}.pull[${index}]`;
      attribute(entry.to, `${key}.to`);
      return { ...entry, from: field(entry.from, `${key}.from`, unreadable) };
    }),
    push: own.push.map((entry, index) => {
      const key = `objects.${object}.push[${index}]`;
      attribute(entry.from, `${key}.from`);
      return { ...entry, to: field(entry.to, `${key}.to`, unwritable) };
    }),
  };
  return { problems, settings };
}

function check(settings: Settings, facts: SidesFacts, positions: Positions): { readonly problems: readonly Problem[]; readonly settings: Settings } {
  const problems: Problem[] = [];
  const checked = (object: ObjectType): ObjectSettings => {
    const own = settings.objects[object];
    const fields = facts.describes[object];
    if (fields === undefined) {
      const key = object === 'lead' ? 'objects.lead.enabled' : `objects.${object}`;
      const needed = object !== 'lead' || settings.objects.lead.enabled;
      if (needed)
        problems.push({
          line: lineOf(positions, key),
          key,
          message: `the org does not show ${objectFacts[object].crmName} to the sync's user; allowed: a user who may read it`,
        });
      return own;
    }
    const attributes = objectFacts[object].personKind === 'user' ? facts.userAttributes : facts.accountAttributes;
    const result = checkObject(
      object,
      own,
      fields,
      attributes.map(({ name }) => name),
      positions,
    );
    problems.push(...result.problems);
    return result.settings;
  };
  const [account, contact, lead] = objectTypes.map(checked) as [ObjectSettings, ObjectSettings, ObjectSettings];
  const { objects } = settings;
  return {
    problems,
    settings: { ...settings, objects: { account: { ...objects.account, ...account }, contact, lead: { ...objects.lead, ...lead } } },
  };
}

/** What the settings name that org or store do not have, or that cannot be used so; leads too while they are off. Empty: all is well. */
export function checkAgainstSides(settings: Settings, facts: SidesFacts, positions: Positions = new Map()): readonly Problem[] {
  return check(settings, facts, positions).problems;
}

/**
 * The settings with CRM fields in the org's spelling.
 * @throws Failure with exit code 2 that holds every problem of `checkAgainstSides`.
 */
export function resolveSettings(loaded: Pick<LoadedSettings, 'settings'> & Partial<LoadedSettings>, facts: SidesFacts): Settings {
  const { problems, settings } = check(loaded.settings, facts, loaded.positions ?? new Map());
  if (problems.length > 0)
    throw settingsFailure(
      loaded.place ?? 'crm-sync.yaml',
      problems,
      'Correct the settings, or add what is missing to the org or the store; `crm-sync doctor` checks again.',
    );
  return settings;
}
