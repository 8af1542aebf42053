import { readFileSync } from 'node:fs';

/** One field of an object, what a describe says of it and the store needs. */
export type Field = {
  readonly name: string;
  readonly label: string;
  readonly type: string;
  readonly soapType: string;
  readonly length: number;
  readonly byteLength: number;
  readonly precision: number;
  readonly scale: number;
  readonly digits: number;
  readonly nillable: boolean;
  readonly createable: boolean;
  readonly updateable: boolean;
  readonly filterable: boolean;
  readonly sortable: boolean;
  readonly groupable: boolean;
  readonly unique: boolean;
  readonly caseSensitive: boolean;
  readonly externalId: boolean;
  readonly idLookup: boolean;
  readonly nameField: boolean;
  readonly calculated: boolean;
  readonly defaultedOnCreate: boolean;
  readonly permissionable: boolean;
  readonly custom: boolean;
  readonly restrictedPicklist: boolean;
  readonly compoundFieldName: string | null;
  readonly relationshipName: string | null;
  readonly referenceTo: readonly string[];
  readonly picklistValues: readonly string[];
  /** Where the value is read from when the field has no column of its own. */
  readonly source?: FieldSource;
};

export type FieldSource =
  /** A person account's field, kept in this column of its contact row. */
  | { readonly kind: 'person'; readonly column: string }
  /** Computed at each read: the text at `path` (`['Title']`, or `['Account', 'Name']` through a reference), changed by `as`, after `prefix`; blank stays blank. */
  | { readonly kind: 'formula'; readonly path: readonly string[]; readonly as: 'copy' | 'upper' | 'lower'; readonly prefix: string };

const base: Field = {
  name: '',
  label: '',
  type: 'string',
  soapType: 'xsd:string',
  length: 0,
  byteLength: 0,
  precision: 0,
  scale: 0,
  digits: 0,
  nillable: true,
  createable: true,
  updateable: true,
  filterable: true,
  sortable: true,
  groupable: true,
  unique: false,
  caseSensitive: false,
  externalId: false,
  idLookup: false,
  nameField: false,
  calculated: false,
  defaultedOnCreate: false,
  permissionable: true,
  custom: false,
  restrictedPicklist: false,
  compoundFieldName: null,
  relationshipName: null,
  referenceTo: [],
  picklistValues: [],
};

/** The picklists that an org restricts to their values; the other standard ones take any text. */
const isRestricted = (name: string): boolean => name === 'CleanStatus' || name.endsWith('GeocodeAccuracy');

/** The standard fields of `Account`, `Contact` or `Lead`, from `fields/<object>.tsv` beside the source. */
export function standardFields(object: string): Field[] {
  const lines = readFileSync(new URL(`../fields/${object}.tsv`, import.meta.url), 'utf8').split('\n');
  const header = (lines[0] ?? '').split('\t');
  const fields: Field[] = [];
  for (const line of lines.slice(1)) {
    if (line.trim() === '') continue;
    const cells = line.replace(/\r$/, '').split('\t');
    const cell = (name: string): string => cells[header.indexOf(name)] ?? '';
    const flag = (name: string): boolean => cell(name) === 'true';
    const list = (text: string, separator: string): string[] => (text === '' ? [] : text.split(separator));
    fields.push({
      name: cell('name'),
      label: cell('label'),
      type: cell('type'),
      soapType: cell('soapType'),
      length: Number(cell('length')),
      byteLength: Number(cell('byteLength')),
      precision: Number(cell('precision')),
      scale: Number(cell('scale')),
      digits: Number(cell('digits')),
      nillable: flag('nillable'),
      createable: flag('createable'),
      updateable: flag('updateable'),
      filterable: flag('filterable'),
      sortable: flag('sortable'),
      groupable: flag('groupable'),
      unique: flag('unique'),
      caseSensitive: flag('caseSensitive'),
      externalId: flag('externalId'),
      idLookup: flag('idLookup'),
      nameField: flag('nameField'),
      calculated: flag('calculated'),
      defaultedOnCreate: flag('defaultedOnCreate'),
      permissionable: flag('permissionable'),
      custom: false,
      restrictedPicklist: isRestricted(cell('name')),
      compoundFieldName: cell('compoundFieldName') || null,
      relationshipName: cell('relationshipName') || null,
      referenceTo: list(cell('referenceTo'), ','),
      picklistValues: list(cell('picklistValues'), ';'),
    });
  }
  return fields;
}

/** The types that `schema.json` may name for a custom field, and the field they make. */
const customTypes = {
  text: { type: 'string', soapType: 'xsd:string', length: 131072, byteLength: 393216 },
  number: { type: 'double', soapType: 'xsd:double', precision: 18, scale: 10, length: 0 },
  boolean: { type: 'boolean', soapType: 'xsd:boolean', nillable: false, defaultedOnCreate: true },
  date: { type: 'date', soapType: 'xsd:date' },
  datetime: { type: 'datetime', soapType: 'xsd:dateTime' },
  email: { type: 'email', soapType: 'xsd:string', length: 80, byteLength: 240, idLookup: true },
  phone: { type: 'phone', soapType: 'xsd:string', length: 40, byteLength: 120 },
  url: { type: 'url', soapType: 'xsd:string', length: 255, byteLength: 765 },
} as const satisfies Record<string, Partial<Field>>;

export type CustomType = keyof typeof customTypes;
export const customTypeNames = Object.keys(customTypes) as CustomType[];
export const isCustomType = (name: string): name is CustomType => Object.hasOwn(customTypes, name);

/** A custom field; a number's `scale` grows with the digits after the point that its values have. */
export function customField(name: string, customType: CustomType, scale = 10): Field {
  const label = name.replace(/__c$/, '').replace(/_/g, ' ');
  const made: Field = { ...base, ...customTypes[customType], name, label, custom: true };
  return customType === 'number' ? { ...made, scale: Math.max(10, scale) } : made;
}

/** A custom formula field of type text: read-only, and never a reason for a new SystemModstamp. */
export const formulaField = (name: string, source: FieldSource): Field => ({
  ...base,
  ...customTypes.text,
  name,
  label: name.replace(/__c$/, '').replace(/_/g, ' '),
  custom: true,
  calculated: true,
  createable: false,
  updateable: false,
  length: 1300,
  byteLength: 3900,
  source,
});

const field = (name: string, type: string, more: Partial<Field> = {}): Field => ({
  ...base,
  name,
  label: name,
  type,
  createable: false,
  updateable: false,
  permissionable: false,
  ...more,
});

const systemFields: readonly Field[] = [
  field('CreatedDate', 'datetime', { soapType: 'xsd:dateTime', nillable: false, defaultedOnCreate: true }),
  field('LastModifiedDate', 'datetime', { soapType: 'xsd:dateTime', nillable: false, defaultedOnCreate: true }),
  field('SystemModstamp', 'datetime', { soapType: 'xsd:dateTime', nillable: false, defaultedOnCreate: true }),
];
const idField = field('Id', 'id', { soapType: 'tns:ID', length: 18, byteLength: 18, nillable: false, idLookup: true, defaultedOnCreate: true });
const flag = (name: string): Field => field(name, 'boolean', { soapType: 'xsd:boolean', nillable: false, defaultedOnCreate: true });
const text = (name: string, length: number, more: Partial<Field> = {}): Field => field(name, 'string', { length, byteLength: length * 3, ...more });

/** The one user and the one organization: as much of them as clients ask for. */
export const userFields: readonly Field[] = [
  idField,
  text('Username', 80),
  text('LastName', 80),
  text('FirstName', 40),
  text('Name', 121, { nameField: true }),
  field('Email', 'email', { length: 128, byteLength: 384 }),
  flag('IsActive'),
  text('ProfileId', 18),
  text('UserType', 40),
  text('TimeZoneSidKey', 40),
  text('LocaleSidKey', 40),
  text('LanguageLocaleKey', 40),
  ...systemFields,
];
export const organizationFields: readonly Field[] = [
  idField,
  text('Name', 80, { nameField: true }),
  text('InstanceName', 5),
  flag('IsSandbox'),
  text('OrganizationType', 40),
  text('NamespacePrefix', 15),
  field('TrialExpirationDate', 'datetime', { soapType: 'xsd:dateTime' }),
  text('DefaultLocaleSidKey', 40),
  text('LanguageLocaleKey', 40),
  text('TimeZoneSidKey', 40),
  ...systemFields,
];

/** The fields that an org with person accounts has besides. */
export const personAccountFlag = flag('IsPersonAccount');
export const personContactId = field('PersonContactId', 'reference', {
  soapType: 'tns:ID',
  length: 18,
  byteLength: 18,
  relationshipName: 'PersonContact',
  referenceTo: ['Contact'],
});
