import { customField, formulaField, organizationFields, personAccountFlag, personContactId, standardFields, userFields } from './fields.ts';
import type { CustomType, Field } from './fields.ts';
import { personFields } from './person-fields.ts';

/**
 * An object of the org. `fields` and `byName` are what the integration user sees; `columns` are all fields with a column of their own (no compound addresses,
 * no formulas), hidden ones too.
 */
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
  /** `byName` with the hidden fields. */
  readonly allByName: ReadonlyMap<string, Field>;
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

export const isDataObject = (name: string): name is DataObject => (dataObjects as readonly string[]).includes(name);

/** What an org's settings make of its objects. Field names as `Contact.Title`, in the case that describe shows. */
export type Shape = {
  readonly personAccounts: boolean;
  readonly hiddenFields: readonly string[];
  readonly readOnlyFields: readonly string[];
  readonly formulas: readonly {
    readonly object: string;
    readonly name: string;
    readonly source: string;
    readonly as: 'copy' | 'upper' | 'lower';
    readonly prefix: string;
  }[];
};

function fieldsOf(name: string, custom: readonly CustomFieldRow[], shape: Shape): Field[] {
  if (name === 'User') return [...userFields];
  if (name === 'Organization') return [...organizationFields];
  const customFields = (object: string): Field[] =>
    custom.filter((row) => row.object === object).map((row) => customField(row.name, row.type, row.scale));
  const formulas = shape.formulas
    .filter((formula) => formula.object === name)
    .map(({ name: fieldName, source, as, prefix }) => formulaField(fieldName, { kind: 'formula', path: source.split('.'), as, prefix }));
  const fields = [
    ...standardFields(name),
    ...customFields(name).filter((field) => !formulas.some((formula) => formula.name === field.name)),
    ...formulas,
  ];
  if (!shape.personAccounts) return fields;
  if (name === 'Lead') return fields.map((field) => (field.name === 'Company' ? { ...field, nillable: true } : field));
  fields.push(personAccountFlag);
  if (name === 'Account') fields.push(personContactId, ...personFields([...standardFields('Contact'), ...customFields('Contact')]));
  return fields;
}

/** Every object of the org, by its name in lower case. */
export function buildSchema(custom: readonly CustomFieldRow[], shape: Shape): Map<string, ObjectType> {
  const types = new Map<string, ObjectType>();
  const hidden = new Set(shape.hiddenFields);
  const readOnly = new Set(shape.readOnlyFields);
  // The permission on a contact's field is that on the person account's field as well.
  const listed = (list: ReadonlySet<string>, object: string, { name, source }: Field): boolean =>
    list.has(`${object}.${name}`) || (source?.kind === 'person' && list.has(`Contact.${source.column}`));
  for (const [name, fact] of Object.entries(facts)) {
    const all = fieldsOf(name, custom, shape);
    const fields = all
      .filter((field) => !listed(hidden, name, field))
      .map((field) => (listed(readOnly, name, field) ? { ...field, createable: false, updateable: false } : field));
    types.set(name.toLowerCase(), {
      name,
      ...fact,
      writable: isDataObject(name),
      fields,
      columns: all.filter((field) => field.type !== 'address' && field.source === undefined),
      byName: new Map(fields.map((each) => [each.name.toLowerCase(), each])),
      allByName: new Map(all.map((each) => [each.name.toLowerCase(), each])),
    });
  }
  return types;
}

/** How a field's value is kept in SQLite: numbers but whole ones as exact decimal text, dates and date-times as ISO text. */
export const sqliteType = (field: Field): 'integer' | 'text' => (field.type === 'boolean' || field.type === 'int' ? 'integer' : 'text');

/** `"name"`, safe in SQL. */
export const quoted = (name: string): string => (name.includes('"') ? `"${name.replace(/"/g, '""')}"` : `"${name}"`);
