import type { Field } from './fields.ts';

/** Fields of a contact that a person account shows under the same name. */
const ownNames = ['FirstName', 'LastName', 'Salutation'];
/** Fields of a contact that a person account shows as `Person...`. */
const prefixedNames = [
  'Email',
  'MobilePhone',
  'HomePhone',
  'OtherPhone',
  'AssistantPhone',
  'AssistantName',
  'Title',
  'Department',
  'Birthdate',
  'LeadSource',
  'IndividualId',
  'LastCURequestDate',
  'LastCUUpdateDate',
  'EmailBouncedReason',
  'EmailBouncedDate',
  'HasOptedOutOfEmail',
  'HasOptedOutOfFax',
  'DoNotCall',
  'Pronouns',
  'GenderIdentity',
];
const addressPattern = /^(?:Mailing|Other)(?:Street|City|State|PostalCode|Country|Latitude|Longitude|GeocodeAccuracy|Address)$/;

/** Fields that the account and the contact row of a person account both have, with one value. */
export const sharedPersonFields = ['Phone', 'Fax', 'Description', 'OwnerId', 'Jigsaw'] as const;

/** The account's name for a contact's field; null when a person account has none. */
export function personFieldName(contactField: string): string | null {
  if (ownNames.includes(contactField)) return contactField;
  if (prefixedNames.includes(contactField) || addressPattern.test(contactField)) return `Person${contactField}`;
  return contactField.endsWith('__c') ? `${contactField.slice(0, -3)}__pc` : null;
}

/** The fields that accounts have in an org with person accounts: those of the contact row, under the account's names. */
export function personFields(contactFields: readonly Field[]): Field[] {
  return contactFields.flatMap((field): Field[] => {
    const name = personFieldName(field.name);
    if (name === null) return [];
    const compound =
      field.compoundFieldName === null || field.compoundFieldName === 'Name' ? field.compoundFieldName : `Person${field.compoundFieldName}`;
    return [
      {
        ...field,
        name,
        compoundFieldName: compound,
        nillable: field.type !== 'boolean',
        idLookup: false,
        ...(field.type === 'address' ? {} : { source: { kind: 'person' as const, column: field.name } }),
      },
    ];
  });
}
