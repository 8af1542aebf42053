import { id18 } from './ids.ts';
import type { WorldPerson, WorldRecord } from './match-fixture.ts';
import type { ObjectMatch } from './reference.ts';

interface Field {
  readonly name: string;
  /** The first attribute through which the two agree, or null. */
  readonly agree: (record: WorldRecord, person: WorldPerson) => string | null;
  /** The same with case and all white space ignored, where that has a meaning. */
  readonly near?: (record: WorldRecord, person: WorldPerson) => boolean;
}

export interface Tier {
  readonly name: string;
  readonly fields: readonly Field[];
}

export const facts = {
  account: { prefix: '001', kind: 'account', ownId: 'accountId' },
  contact: { prefix: '003', kind: 'user', ownId: 'userId' },
  lead: { prefix: '00Q', kind: 'user', ownId: 'userId' },
} as const;

/** The table of priorities, R10, R11, R12. */
export function tiersOf(match: ObjectMatch): Tier[] {
  const own = match.settings.objects[match.object];
  const { prefix } = facts[match.object];
  const tiers: Tier[] = [];
  const idField = (attribute: string, names: (value: string | undefined) => string | null): Field => ({
    name: 'Id',
    agree: (record, person) => (names(person.values[attribute]) === record.id ? attribute : null),
  });
  tiers.push({
    name: 'id',
    fields: [
      idField(own.idAttribute, (value) => {
        const id = id18(value, prefix);
        return id === null ? null : match.mergedInto(match.object, id);
      }),
    ],
  });
  if (match.object === 'contact' && match.leads)
    tiers.push({
      name: 'converted',
      fields: [
        idField(match.settings.objects.lead.idAttribute, (value) => {
          const id = id18(value, '00Q');
          return id === null ? null : match.convertedInto(id);
        }),
      ],
    });
  const configured = own.matchFields.map((f) => textField(match, f.salesforce, f.personalization, f.ignoreCase));
  if (own.matchFieldOrder === 'ordered') for (const field of configured) tiers.push({ name: 'field', fields: [field] });
  else tiers.push({ name: 'field', fields: configured });
  if (own.onlyDesignatedMatchFields && configured.length > 0) return tiers;
  if (match.object !== 'account') tiers.push({ name: 'email', fields: [textField(match, 'Email', ['emailAddress', 'userId@'], false)] });
  tiers.push({ name: 'name', fields: [textField(match, 'Name', ['name'], false)] });
  return tiers;
}

/** R6, R7 */
function textField(match: ObjectMatch, name: string, attributes: readonly string[], ignoreCase: boolean): Field {
  const lower = ignoreCase || match.mutations.caseIgnored === true;
  const valueOf = (value: string | undefined): string | null => {
    const text = (value ?? '').normalize('NFC').trim();
    if (text === '' || (match.settings.ignoreValues.includes(text.toLowerCase()) && match.mutations.nothingIgnored !== true)) return null;
    return lower ? text.toLowerCase() : text;
  };
  const attributeOf = (person: WorldPerson, attribute: string): string | undefined => {
    if (attribute === 'userId@') return person.id.includes('@') ? person.id : undefined;
    if (attribute === facts[match.object].ownId) return person.id;
    if (attribute === 'accountId') return person.accountId;
    return person.values[attribute];
  };
  const fold = (text: string): string => text.toLowerCase().replaceAll(/\s/gu, '');
  const compare = (record: WorldRecord, person: WorldPerson, same: (a: string, b: string) => boolean): string | null => {
    const value = valueOf(record.values[name]);
    const found = attributes.find((attribute) => {
      const other = valueOf(attributeOf(person, attribute));
      return value !== null && other !== null && same(value, other);
    });
    return found === undefined ? null : found.replace('@', '');
  };
  return {
    name,
    agree: (record, person) => compare(record, person, (a, b) => a === b),
    near: (record, person) => compare(record, person, (a, b) => fold(a) === fold(b)) !== null,
  };
}
