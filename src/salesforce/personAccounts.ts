/**
 * Where a person account keeps a contact's field on its account (R22): the fields that keep their name and those that get another; a custom field `X__c` is `X__pc`.
 * Addresses are written part by part.
 */
const addressParts = [
  'Street',
  'City',
  'State',
  'StateCode',
  'PostalCode',
  'Country',
  'CountryCode',
  'Latitude',
  'Longitude',
  'GeocodeAccuracy',
] as const;

const sameName = [
  'FirstName',
  'LastName',
  'Salutation',
  'MiddleName',
  'Suffix',
  'Phone',
  'Fax',
  'Description',
  'OwnerId',
  'Jigsaw',
  'RecordTypeId',
] as const;

const prefixed = [
  'Email',
  'MobilePhone',
  'HomePhone',
  'OtherPhone',
  'AssistantPhone',
  'AssistantName',
  'Title',
  'Department',
  'DepartmentGroup',
  'TitleType',
  'Birthdate',
  'LeadSource',
  'GenderIdentity',
  'Pronouns',
  'HasOptedOutOfEmail',
  'HasOptedOutOfFax',
  'DoNotCall',
  'IndividualId',
  'LastCURequestDate',
  'LastCUUpdateDate',
  'EmailBouncedReason',
  'EmailBouncedDate',
] as const;

const accountFieldOf: ReadonlyMap<string, string> = new Map(
  [
    ...sameName.map((name): [string, string] => [name, name]),
    ...prefixed.map((name): [string, string] => [name, `Person${name}`]),
    ...['Mailing', 'Other'].flatMap((kind) => addressParts.map((part): [string, string] => [`${kind}${part}`, `Person${kind}${part}`])),
  ].map(([contactField, accountField]) => [contactField.toLowerCase(), accountField]),
);

/** The account's name for a contact's field, or null where a person account has none (then the push of that field is refused). Case of the argument does not matter. */
export function personAccountField(contactField: string): string | null {
  const custom = /^(.+)__c$/i.exec(contactField);
  return custom?.[1] === undefined ? (accountFieldOf.get(contactField.toLowerCase()) ?? null) : `${custom[1]}__pc`;
}
