import type { ReferenceMapping } from '../plan/reference.ts';
import type { ObjectType } from '../../src/domain/objects.ts';
import type { Random } from '../match/random.ts';

/** One mapping as the settings file has it and as the rules read it. */
export interface ModelMapping extends ReferenceMapping {
  readonly side: 'personalization' | 'salesforce';
  readonly object: ObjectType;
  readonly from: string;
  readonly to: string;
}

export interface ModelSettings {
  readonly yaml: string;
  readonly mappings: readonly ModelMapping[];
  /** The org turns every text that is saved in `Note__c` of a contact into this one (R25); null: into none. */
  readonly noteBecomes: string | null;
}

const noteOfTheOrg = 'As the org has it';

/** Types of what is no text, in either object that has it. */
export const fieldTypes: Readonly<Record<string, ReferenceMapping['type']>> = {
  Score__c: 'double',
  NumberOfEmployees: 'int',
  Alt__c: 'email',
  Email: 'email',
  Seen__c: 'datetime',
  Active__c: 'boolean',
  Birthdate: 'date',
};
const lengths: Readonly<Record<string, number>> = { AssistantName: 40, Alt__c: 80, Title: 128 };

export const orgSchema = {
  Contact: { Loyalty__c: 'text', Score__c: 'number', Note__c: 'text', Alt__c: 'email', Seen__c: 'datetime', Active__c: 'boolean' },
  Lead: { Loyalty__c: 'text', Score__c: 'number', Note__c: 'text' },
  Account: { Region__c: 'text', Tier__c: 'text' },
};

const pulls: readonly (readonly [ObjectType, from: string, to: string])[] = [
  ['contact', 'Title', 'jobTitle'],
  ['contact', 'Department', 'department'],
  ['contact', 'Birthdate', 'birthday'],
  ['lead', 'Title', 'leadTitle'],
  ['lead', 'Company', 'leadCompany'],
  ['account', 'Site', 'site'],
];
const pushes: readonly (readonly [ObjectType, from: string, to: string])[] = [
  ['contact', 'score', 'Score__c'],
  ['contact', 'segments', 'Note__c'],
  ['contact', 'altMail', 'Alt__c'],
  ['contact', 'seen', 'Seen__c'],
  ['contact', 'active', 'Active__c'],
  ['contact', 'assistant', 'AssistantName'],
  ['lead', 'score', 'Score__c'],
  ['lead', 'segments', 'Note__c'],
  ['account', 'tier', 'Tier__c'],
  ['account', 'staff', 'NumberOfEmployees'],
];

const matchFields = {
  contact: { Loyalty__c: ['loyalty', 'card', 'userId'], Phone: ['phone', 'card'], Email: ['emailAddress', 'userId'] },
  lead: { Loyalty__c: ['loyalty', 'card'], Phone: ['phone'], Email: ['emailAddress', 'userId'] },
  account: { Region__c: ['region', 'accountId'], Phone: ['phone'] },
} as const;

/** Settings of a model's life: what is compared, in which order, and what flows where by which rule. */
export function modelSettings(random: Random): ModelSettings {
  const mappings: ModelMapping[] = [];
  const ownId = random.chance(0.25);
  const add = (side: ModelMapping['side'], [object, from, to]: readonly [ObjectType, string, string]): void => {
    const [fillBlank, clear] = [random.chance(0.25), random.chance(0.3)];
    const type = side === 'personalization' ? 'text' : (fieldTypes[to] ?? 'string');
    mappings.push({ side, object, from, to, fillBlank, clear, type, length: side === 'personalization' ? -1 : (lengths[to] ?? 0) });
  };
  for (const pull of [...pulls, ...(ownId ? ([['contact', 'Id', 'sfcrmContactId']] as const) : [])]) add('personalization', pull);
  for (const push of pushes) add('salesforce', push);
  const lines = (['account', 'contact', 'lead'] as const).flatMap((object) => {
    const fields = random.shuffled(Object.entries(matchFields[object])).slice(0, random.below(3));
    const entries = fields.map(([field, names]) => {
      const some = random.shuffled<string>(names).slice(0, 1 + random.below(names.length));
      return `{ salesforce: ${field}, personalization: [${some.join(', ')}], ignoreCase: ${random.chance(0.3)} }`;
    });
    const flows = (side: ModelMapping['side']): string =>
      mappings
        .filter((mapping) => mapping.object === object && mapping.side === side)
        .map(({ from, to, fillBlank, clear }) => {
          const usual = side === 'personalization' ? 'crm' : 'personalization';
          return `{ from: ${from}, to: ${to}, rule: ${fillBlank ? 'fillBlank' : usual}, onNull: ${clear ? 'clear' : 'keep'} }`;
        })
        .join(', ');
    return [
      `  ${object}:`,
      `    matchFieldOrder: ${random.pick(['any', 'any', 'ordered'])}`,
      `    onlyDesignatedMatchFields: ${random.chance(0.15)}`,
      `    matchFields: [${entries.join(', ')}]`,
      `    pull: [${flows('personalization')}]`,
      `    push: [${flows('salesforce')}]`,
      ...(object === 'account' ? [`    accountFromContacts: ${random.chance(0.7)}`] : []),
    ];
  });
  return {
    yaml: `guards: { rejected: 100%, personsGone: 100% }\nobjects:\n${lines.join('\n')}\n`,
    mappings,
    noteBecomes: noteOfTheOrg,
  };
}
