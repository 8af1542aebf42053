import { customField, organizationFields, personAccountFlag, personContactId, standardFields, userFields } from './fields.ts';
import type { CustomType, Field } from './fields.ts';

/** An object of the org with the fields that describe shows. `columns` are those with a column of their own: all but compound addresses. */
export type ObjectType = {
  readonly name: string;
  readonly label: string;
  readonly labelPlural: string;
  readonly keyPrefix: string;
  /** Records may be created, changed and deleted through the API. */
  readonly writable: boolean;
  readonly fields: readonly Field[];
  readonly columns: readonly Field[];
  /** By name in lower case, as Salesforce takes names in any case. */
  readonly byName: ReadonlyMap<string, Field>;
};

export type CustomFieldRow = { readonly object: string; readonly name: string; readonly type: CustomType; readonly scale: number };

export const dataObjects = ['Account', 'Contact', 'Lead'] as const;
export type DataObject = (typeof dataObjects)[number];

const facts: Record<string, { label: string; labelPlural: string; keyPrefix: string }> = {
  Account: { label: 'Account', labelPlural: 'Accounts', keyPrefix: '001' },
  Contact: { label: 'Contact', labelPlural: 'Contacts', keyPrefix: '003' },
  Lead: { label: 'Lead', labelPlural: 'Leads', keyPrefix: '00Q' },
  Organization: { label: 'Organization', labelPlural: 'Organization', keyPrefix: '00D' },
  User: { label: 'User', labelPlural: 'Users', keyPrefix: '005' },
};

const isDataObject = (name: string): name is DataObject => (dataObjects as readonly string[]).includes(name);

function fieldsOf(name: string, custom: readonly CustomFieldRow[], personAccounts: boolean): Field[] {
  if (name === 'User') return [...userFields];
  if (name === 'Organization') return [...organizationFields];
  const fields = standardFields(name);
  if (personAccounts && name !== 'Lead') fields.push(personAccountFlag);
  if (personAccounts && name === 'Account') fields.push(personContactId);
  for (const row of custom) if (row.object === name) fields.push(customField(row.name, row.type, row.scale));
  return fields;
}

/** Every object of the org, by its name in lower case. */
export function buildSchema(custom: readonly CustomFieldRow[], personAccounts: boolean): Map<string, ObjectType> {
  const types = new Map<string, ObjectType>();
  for (const [name, fact] of Object.entries(facts)) {
    const fields = fieldsOf(name, custom, personAccounts);
    types.set(name.toLowerCase(), {
      name, ...fact, writable: isDataObject(name), fields,
      columns: fields.filter((each) => each.type !== 'address'),
      byName: new Map(fields.map((each) => [each.name.toLowerCase(), each])),
    });
  }
  return types;
}

/** How a field's value is kept in SQLite: numbers but whole ones as exact decimal text, dates and date-times as ISO text. */
export const sqliteType = (field: Field): 'integer' | 'text' => (field.type === 'boolean' || field.type === 'int' ? 'integer' : 'text');

/** `"name"`, safe in SQL. */
export const quoted = (name: string): string => `"${name.replace(/"/g, '""')}"`;
