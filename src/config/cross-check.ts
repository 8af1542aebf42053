import { objectFacts, objectTypes } from '../domain/objects.ts';
import type { ObjectType, PersonKind } from '../domain/objects.ts';
import { lineOf } from './problems.ts';
import type { Positions, Problem } from './problems.ts';
import type { ObjectSettings, Settings } from './settings.ts';

interface Use {
  readonly name: string;
  readonly key: string;
}

const place = ({ key }: Use, positions: Positions): string => {
  const line = lineOf(positions, key);
  return line === undefined ? key : `${key}, line ${line}`;
};

/** CRM names ignore case in Salesforce; attributes do not. */
const crm = (name: string): string => name.toLowerCase();

/** The key that an entry of a list stands under, such as `objects.contact.pull[0]`: one left out because it is wrong leaves a gap in the file's numbers. */
export type EntryKeys = ReadonlyMap<object, string>;

/** Rules between settings that need neither org nor store: R10, R18, R24. */
export function crossCheck(settings: Settings, positions: Positions, entryKeys: EntryKeys): readonly Problem[] {
  const problems: Problem[] = [];
  const report = (key: string, message: string): void => void problems.push({ line: lineOf(positions, key), key, message });

  const uses = (object: ObjectType, list: 'pull' | 'push', end: 'from' | 'to', own: ObjectSettings): Use[] =>
    own[list].map((mapping, index) => ({ name: mapping[end], key: `${entryKeys.get(mapping) ?? `objects.${object}.${list}[${index}]`}.${end}` }));

  /** Two targets of one name, and a target that is a source as well (R24). */
  const checkTargets = (targets: readonly Use[], sources: readonly Use[], same: (name: string) => string, what: string): void => {
    const first = new Map<string, Use>();
    const sourceOf = new Map(sources.map((source) => [same(source.name), source]));
    for (const target of targets) {
      const other = first.get(same(target.name));
      const source = sourceOf.get(same(target.name));
      if (other === undefined) first.set(same(target.name), target);
      else
        report(
          target.key,
          `the ${what} ${target.name} is a target twice (${place(other, positions)}); allowed: one mapping for each target (${other.key.split('.')[1] === target.key.split('.')[1] ? 'R24' : 'R18: contacts and leads share the users'})`,
        );
      if (source !== undefined)
        report(
          target.key,
          `the ${what} ${target.name} is a target and the source of another mapping (${place(source, positions)}); allowed: one of the two (R24)`,
        );
    }
  };

  for (const object of objectTypes) {
    const own = settings.objects[object];
    const seen = new Map<string, Use>();
    for (const [index, field] of own.matchFields.entries()) {
      const entryKey = entryKeys.get(field) ?? `objects.${object}.matchFields[${index}]`;
      const use = { name: field.salesforce, key: `${entryKey}.salesforce` };
      const other = seen.get(crm(field.salesforce));
      if (crm(field.salesforce) === 'id')
        report(use.key, `Id is no match field: it is compared with the id attribute; allowed: set objects.${object}.idAttribute instead`);
      else if (other !== undefined)
        report(use.key, `${field.salesforce} stands in two entries (${place(other, positions)}); allowed: one entry with all its attributes (R10)`);
      else seen.set(crm(field.salesforce), use);
      const twice = field.personalization.find((attribute, at) => field.personalization.indexOf(attribute) !== at);
      if (twice !== undefined) report(`${entryKey}.personalization`, `names the attribute ${twice} twice; allowed: each once`);
    }
    for (const target of uses(object, 'push', 'to', own)) {
      if (crm(target.name) === 'id') report(target.key, 'Id cannot be written; allowed: a CRM field that can');
    }
    const ownId = objectFacts[object].personKind === 'user' ? 'userId' : 'accountId';
    for (const target of uses(object, 'pull', 'to', own)) {
      if (target.name === ownId) report(target.key, `${ownId} is the id itself and cannot be written; allowed: another attribute`);
    }
    checkTargets(uses(object, 'push', 'to', own), uses(object, 'pull', 'from', own), crm, 'CRM field');
  }

  for (const kind of ['account', 'user'] as const satisfies readonly PersonKind[]) {
    const objects = objectTypes.filter((object) => objectFacts[object].personKind === kind);
    const all = (list: 'pull' | 'push', end: 'from' | 'to'): Use[] => objects.flatMap((object) => uses(object, list, end, settings.objects[object]));
    checkTargets(all('pull', 'to'), all('push', 'from'), (name) => name, 'attribute');
  }
  return problems;
}
