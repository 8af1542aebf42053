import { objectNamed } from './org.ts';
import type { Field } from './fields.ts';
import type { Call } from './router.ts';
import type { ObjectType } from './schema.ts';

export const versions = Array.from({ length: 8 }, (_, index) => 60 + index);
const seasons = ['Spring', 'Summer', 'Winter'] as const;

/** Version 60.0 is Spring '24; three releases a year, winter named after the year to come. */
function label(version: number): string {
  const release = version - 60;
  const season = seasons[release % 3] ?? 'Spring';
  const year = 24 + Math.floor(release / 3) + (season === 'Winter' ? 1 : 0);
  return `${season} '${year}`;
}

export const listVersions = (): unknown =>
  versions.map((version) => ({ label: label(version), url: `/services/data/v${version}.0`, version: `${version}.0` }));

export function resources({ params, org, origin }: Call): unknown {
  const root = `/services/data/${params['v']}`;
  return {
    tooling: `${root}/tooling`,
    query: `${root}/query`,
    queryAll: `${root}/queryAll`,
    search: `${root}/search`,
    jobs: `${root}/jobs`,
    composite: `${root}/composite`,
    sobjects: `${root}/sobjects`,
    limits: `${root}/limits`,
    identity: `${origin}/id/${org.credentials.organizationId}/${org.credentials.userId}`,
  };
}

function fieldDescribe(field: Field): Record<string, unknown> {
  return {
    aggregatable: field.type !== 'address' && field.filterable,
    aiPredictionField: false,
    autoNumber: false,
    byteLength: field.byteLength,
    calculated: field.calculated,
    calculatedFormula: null,
    cascadeDelete: false,
    caseSensitive: field.caseSensitive,
    compoundFieldName: field.compoundFieldName,
    controllerName: null,
    createable: field.createable,
    custom: field.custom,
    defaultValue: field.type === 'boolean' ? false : null,
    defaultValueFormula: null,
    defaultedOnCreate: field.defaultedOnCreate,
    dependentPicklist: false,
    deprecatedAndHidden: false,
    digits: field.digits,
    displayLocationInDecimal: false,
    encrypted: false,
    externalId: field.externalId,
    extraTypeInfo: field.type === 'textarea' ? 'plaintextarea' : null,
    filterable: field.filterable,
    filteredLookupInfo: null,
    formulaTreatNullNumberAsZero: false,
    groupable: field.groupable,
    highScaleNumber: false,
    htmlFormatted: false,
    idLookup: field.idLookup,
    inlineHelpText: null,
    label: field.label,
    length: field.length,
    mask: null,
    maskType: null,
    name: field.name,
    nameField: field.nameField,
    namePointing: false,
    nillable: field.nillable,
    permissionable: field.permissionable,
    picklistValues: field.picklistValues.map((value) => ({ active: true, defaultValue: false, label: value, validFor: null, value })),
    polymorphicForeignKey: field.referenceTo.length > 1,
    precision: field.precision,
    queryByDistance: field.type === 'address',
    referenceTargetField: null,
    referenceTo: field.referenceTo,
    relationshipName: field.relationshipName,
    relationshipOrder: null,
    restrictedDelete: false,
    restrictedPicklist: field.restrictedPicklist,
    scale: field.scale,
    searchPrefilterable: field.type === 'reference' || field.type === 'id',
    soapType: field.soapType,
    sortable: field.sortable,
    type: field.type,
    unique: field.unique,
    updateable: field.updateable,
    writeRequiresMasterRead: false,
  };
}

function brief(type: ObjectType, version: string): Record<string, unknown> {
  const root = `/services/data/${version}/sobjects/${type.name}`;
  return {
    activateable: false,
    associateEntityType: null,
    associateParentEntity: null,
    createable: type.writable,
    custom: false,
    customSetting: false,
    deepCloneable: false,
    deletable: type.writable,
    deprecatedAndHidden: false,
    feedEnabled: type.writable,
    hasSubtypes: false,
    isInterface: false,
    isSubtype: false,
    keyPrefix: type.keyPrefix,
    label: type.label,
    labelPlural: type.labelPlural,
    layoutable: true,
    mergeable: type.writable,
    mruEnabled: type.writable,
    name: type.name,
    queryable: true,
    replicateable: true,
    retrieveable: true,
    searchable: true,
    triggerable: type.writable,
    undeletable: type.writable,
    updateable: type.writable,
    urls: { rowTemplate: `${root}/{ID}`, describe: `${root}/describe`, sobject: root },
  };
}

export const listObjects = ({ org, params }: Call): unknown => ({
  encoding: 'UTF-8',
  maxBatchSize: 200,
  sobjects: org.store.types().map((type) => brief(type, params['v'] ?? '')),
});

export const objectInfo = ({ org, params }: Call): unknown => ({
  objectDescribe: brief(objectNamed(org, params['object'] ?? ''), params['v'] ?? ''),
  recentItems: [],
});

export function describe({ org, params }: Call): unknown {
  const type = objectNamed(org, params['object'] ?? '');
  return {
    actionOverrides: [],
    ...brief(type, params['v'] ?? ''),
    childRelationships: [],
    compactLayoutable: true,
    defaultImplementation: null,
    extendedBy: null,
    extendsInterfaces: null,
    fields: type.fields.map(fieldDescribe),
    implementedBy: null,
    implementsInterfaces: null,
    listviewable: null,
    lookupLayoutable: null,
    namedLayoutInfos: [],
    networkScopeFieldName: null,
    recordTypeInfos: [
      {
        active: true,
        available: true,
        defaultRecordTypeMapping: true,
        developerName: 'Master',
        master: true,
        name: 'Master',
        recordTypeId: '012000000000000AAA',
        urls: {},
      },
    ],
    searchLayoutable: true,
    sobjectDescribeOption: 'FULL',
    supportedScopes: [{ label: 'All', name: 'everything' }],
  };
}
