import { text } from 'node:stream/consumers';
import { parse } from 'csv-parse/sync';
import jsforce from 'jsforce';
import type { Connection } from 'jsforce';
import { tokenOf } from '../../simulator/test/token.ts';
import type { OrgAddress } from '../../simulator/test/token.ts';
import { objectFacts, objectTypes } from '../../src/domain/objects.ts';
import type { ObjectType } from '../../src/domain/objects.ts';
import type { WorldPerson, WorldRecord } from '../match/match-fixture.ts';
import type { PersonalizationStore } from '../../src/personalization/store.ts';
import { fieldTypes } from './model-settings.ts';

/** A record as the org shows it; values are texts by R6, blank ones are absent. */
export interface SideRecord extends WorldRecord {
  readonly personAccount: boolean;
}

/** An org and a store that can be asked and changed. */
export interface TwoSides {
  readonly simulator: OrgAddress;
  readonly store: PersonalizationStore;
}

/** Both sides as their public interfaces show them. */
export interface Sides {
  readonly records: Readonly<Record<ObjectType, readonly SideRecord[]>>;
  readonly persons: Readonly<Record<'user' | 'account', readonly WorldPerson[]>>;
}

export const recordFields: Readonly<Record<ObjectType, readonly string[]>> = {
  account: ['Name', 'Phone', 'Region__c', 'Site', 'Tier__c', 'NumberOfEmployees'],
  contact: [
    ...['Name', 'Email', 'Phone', 'Loyalty__c', 'Title', 'Department', 'Birthdate', 'AssistantName'],
    ...['Score__c', 'Note__c', 'Alt__c', 'Seen__c', 'Active__c'],
  ],
  lead: ['Name', 'Email', 'Phone', 'Loyalty__c', 'Title', 'Company', 'Score__c', 'Note__c'],
};
const stateFields: Readonly<Record<ObjectType, readonly string[]>> = {
  account: ['IsPersonAccount'],
  contact: ['IsPersonAccount', 'AccountId'],
  lead: ['IsConverted', 'ConvertedContactId'],
};

export const userAttributes = [
  ...['emailAddress', 'name', 'loyalty', 'card', 'phone', 'sfcrmContactId', 'sfcrmLeadId'],
  ...['score', 'segments', 'altMail', 'seen', 'active', 'assistant'],
  ...['jobTitle', 'department', 'birthday', 'leadTitle', 'leadCompany'],
];
export const accountAttributes = ['name', 'region', 'phone', 'sfcrmAccountId', 'tier', 'staff', 'site'];

/** R22: what a contact's field is called on a person account. */
export function personField(name: string): string {
  if (name.endsWith('__c')) return name.replace(/__c$/, '__pc');
  return ['LastName', 'Phone'].includes(name) ? name : `Person${name}`;
}

async function connectionTo(world: TwoSides): Promise<Connection> {
  return new jsforce.Connection({ instanceUrl: world.simulator.url, accessToken: await tokenOf(world.simulator), version: '66.0', logLevel: 'NONE' });
}

/** What the org returns of all objects, the recycle bin included, and everybody in the store. `contactsWhere`: SOQL, of these contacts alone. */
export async function readSides(world: TwoSides, contactsWhere?: string): Promise<Sides> {
  const connection = await connectionTo(world);
  const records = await Promise.all(
    objectTypes.map(async (object) => [object, await readRecords(connection, object, object === 'contact' ? contactsWhere : undefined)] as const),
  );
  return {
    records: Object.fromEntries(records) as unknown as Sides['records'],
    persons: { user: await readPersons(world, 'user', userAttributes), account: await readPersons(world, 'account', accountAttributes) },
  };
}

type Row = Readonly<Record<string, unknown>>;

async function readRecords(connection: Connection, object: ObjectType, where?: string): Promise<readonly SideRecord[]> {
  const fields = ['Id', 'IsDeleted', 'MasterRecordId', ...stateFields[object], ...recordFields[object]];
  const soql = `select ${fields.join(', ')} from ${objectFacts[object].crmName} ${where === undefined ? '' : `where ${where}`} order by Id`;
  const { records } = await connection.query<Row>(soql, { autoFetch: true, scanAll: true, maxFetch: 10_000 });
  return records.map((row) => sideRecord(object, row));
}

function sideRecord(object: ObjectType, row: Row): SideRecord {
  const textOf = (name: string): string => {
    const value = row[name];
    if (value === null || value === undefined) return '';
    return fieldTypes[name] === 'datetime' ? new Date(String(value)).toISOString() : String(value);
  };
  const values = recordFields[object].map((name) => [name, textOf(name)] as const).filter(([, value]) => value !== '');
  const [master, converted, account] = ['MasterRecordId', 'ConvertedContactId', 'AccountId'].map(textOf);
  const why = row['IsDeleted'] === true ? 'deleted' : row['IsConverted'] === true ? 'converted' : null;
  const ineligible = why ?? (object === 'account' && row['IsPersonAccount'] === true ? 'personAccount' : null);
  return {
    id: String(row['Id']),
    values: Object.fromEntries(values),
    personAccount: row['IsPersonAccount'] === true,
    ...(ineligible === null ? {} : { ineligible }),
    ...(master ? { masterId: master } : {}),
    ...(converted ? { convertedId: converted } : {}),
    ...(account ? { accountId: account } : {}),
  };
}

async function readPersons({ store }: TwoSides, kind: 'user' | 'account', attributes: readonly string[]): Promise<readonly WorldPerson[]> {
  const { csv } = await store.readPage({ kind, attributes }, 'start');
  const rows: string[][] = parse(await text(csv), { from_line: 2 });
  return rows.map(([id = '', accountId = '', ...texts]) => ({
    id,
    values: Object.fromEntries(attributes.map((name, at) => [name, texts[at] ?? ''] as const).filter(([, value]) => value !== '')),
    ...(kind === 'user' && accountId !== '' ? { accountId } : {}),
  }));
}
