/** Names of field types as Salesforce's describe gives them. */
export const crmFieldTypes = [
  'address',
  'anyType',
  'base64',
  'boolean',
  'combobox',
  'complexvalue',
  'currency',
  'date',
  'datetime',
  'double',
  'email',
  'encryptedstring',
  'id',
  'int',
  'json',
  'location',
  'long',
  'multipicklist',
  'percent',
  'phone',
  'picklist',
  'reference',
  'string',
  'textarea',
  'time',
  'url',
] as const;
export type CrmFieldType = (typeof crmFieldTypes)[number];

/** What a describe says of one field of an object; only what the sync needs. */
export interface FieldFacts {
  /** API name in the org's spelling. */
  readonly name: string;
  readonly type: CrmFieldType;
  /** Characters; 0 for types that are no text. */
  readonly length: number;
  /** Digits of a number in all, and after the point. */
  readonly precision: number;
  readonly scale: number;
  readonly updateable: boolean;
  /** A formula or roll-up: never written. */
  readonly calculated: boolean;
  readonly nillable: boolean;
  readonly restrictedPicklist: boolean;
}

/** Types made of several values: they are neither compared nor written as one. */
export const compoundTypes: ReadonlySet<CrmFieldType> = new Set(['address', 'location', 'complexvalue']);

/** Types whose values no match field can compare (R6). */
export const incomparableTypes: ReadonlySet<CrmFieldType> = new Set([...compoundTypes, 'base64', 'anyType', 'json']);
