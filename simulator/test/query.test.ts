import jsforce from 'jsforce';
import { expect, test } from 'vitest';
import { call, namesOf, orgWith, soql } from './harness.ts';

const world = {
  'Account.csv':
    'Id,Name,NumberOfEmployees,AnnualRevenue\n001000000000001AAA,Edge,100,1000.50\n001000000000002AAA,Über GmbH,20,\n001000000000003AAA,Grand 100%,3,3.5E8\n',
  'Contact.csv':
    "Id,FirstName,LastName,Email,AccountId,CreatedDate,Birthdate,Score__c\n003000000000001AAA,Ada,King,ada@x.com,001000000000001AAA,2026-01-05T00:00:00Z,1980-01-01,9\n003000000000002AAA,Bo,Ärger,,001000000000002AAA,2026-01-06T00:00:00Z,,10\n003000000000003AAA,Cy,O'Neil,CY@x.com,,2026-01-07T12:00:00Z,,\n",
};

test('comparisons ignore case, Unicode letters too; != and not find rows without a value', async () => {
  const session = await orgWith(world);
  expect(await namesOf(session, "select Name from Contact where Email = 'ADA@X.COM'")).toEqual(['Ada King']);
  expect(await namesOf(session, "SELECT name FROM contact WHERE lastname = 'äRGER'")).toEqual(['Bo Ärger']);
  expect(await namesOf(session, "select Name from Account where Name like 'ÜBER%'")).toEqual(['Über GmbH']);
  expect(await namesOf(session, "select Name from Account where Name like '%100\\%'")).toEqual(['Grand 100%']);
  expect(await namesOf(session, "select Name from Contact where Email != 'ada@x.com' order by Id")).toEqual(['Bo Ärger', "Cy O'Neil"]);
  expect(await namesOf(session, "select Name from Contact where not (Email = 'ada@x.com') order by Id")).toEqual(['Bo Ärger', "Cy O'Neil"]);
  expect(await namesOf(session, "select Name from Contact where LastName = 'o\\'neil'")).toEqual(["Cy O'Neil"]);
});

test('null, in, not in, and/or with parentheses, ids of 15 characters, numbers by value', async () => {
  const session = await orgWith(world);
  expect(await namesOf(session, 'select Name from Contact where AccountId = null')).toEqual(["Cy O'Neil"]);
  expect(await namesOf(session, "select Name from Contact where Id in ('003000000000001', '003000000000003AAA') order by Name desc")).toEqual([
    "Cy O'Neil",
    'Ada King',
  ]);
  expect(await namesOf(session, "select Name from Contact where Email not in ('ada@x.com') order by Id")).toEqual(['Bo Ärger', "Cy O'Neil"]);
  expect(await namesOf(session, "select Name from Contact where (FirstName = 'ada' or FirstName = 'bo') and Score__c > 9.5")).toEqual(['Bo Ärger']);
  expect(await namesOf(session, 'select Name from Account where AnnualRevenue >= 1000 order by AnnualRevenue desc')).toEqual(['Grand 100%', 'Edge']);
  expect(await namesOf(session, 'select Name from Contact order by Score__c nulls last, Name limit 1 offset 1')).toEqual(['Bo Ärger']);
});

test('dates, date-times and date literals', async () => {
  const session = await orgWith(world, { nowMs: () => Date.UTC(2026, 0, 7, 13) });
  expect(await namesOf(session, 'select Name from Contact where CreatedDate = TODAY')).toEqual(["Cy O'Neil"]);
  expect(await namesOf(session, 'select Name from Contact where CreatedDate = YESTERDAY')).toEqual(['Bo Ärger']);
  expect(await namesOf(session, 'select Name from Contact where CreatedDate >= LAST_N_DAYS:1 order by Id')).toEqual(['Bo Ärger', "Cy O'Neil"]);
  expect(await namesOf(session, 'select Name from Contact where CreatedDate < 2026-01-06T01:00:00+01:00')).toEqual(['Ada King']);
  expect(await namesOf(session, 'select Name from Contact where Birthdate < 1990-01-01')).toEqual(['Ada King']);
});

test('count() has a total only, count(Id) is an AggregateResult, a parent that is missing is null', async () => {
  const session = await orgWith(world);
  expect((await soql(session, 'select count() from Contact')).json).toEqual({ totalSize: 3, done: true, records: [] });
  expect((await soql(session, 'select count(Id) from Contact')).json.records).toEqual([{ attributes: { type: 'AggregateResult' }, expr0: 3 }]);
  const { json } = await soql(session, 'select Account.Name, Owner.Name from Contact c order by Id');
  expect(json.records[0]).toMatchObject({ Account: { attributes: { type: 'Account' }, Name: 'Edge' }, Owner: { Name: 'Integration User' } });
  expect(json.records[2].Account).toBeNull();
});

test.each([
  ['select Nope from Contact', 'INVALID_FIELD', /^No such column 'Nope' on entity 'Contact'/],
  ["select Id from Contact where Acount.Name = 'x'", 'INVALID_FIELD', /^Didn't understand relationship 'Acount' in field path/],
  ['select Id from Contcat', 'INVALID_TYPE', /^sObject type 'Contcat' is not supported/],
  ['select Id Contact', 'MALFORMED_QUERY', /unexpected token/],
  ["select Id from Contact where CreatedDate > '2026-01-01'", 'INVALID_FIELD', /must be of type dateTime and should not be enclosed in quotes/],
  ["select Id from Contact where AccountId = 'x'", 'INVALID_QUERY_FILTER_OPERATOR', /invalid ID field: x/],
])('%s is %s', async (query, errorCode, message) => {
  const session = await orgWith(world);
  const { status, json } = await soql(session, query);
  expect(status).toBe(400);
  expect(json).toEqual([{ errorCode, message: expect.stringMatching(message) }]);
});

test('pages of batchSize (at least 200) by a locator that can be asked again; jsforce reads them all', async () => {
  const session = await orgWith({}, { synthetic: { contacts: 5000, seed: 1 } });
  const query = encodeURIComponent('select Id from Contact order by Id');
  const first = (await call(session, 'GET', `/queryAll?q=${query}`, undefined, { 'Sforce-Query-Options': 'batchSize=10' })).json;
  expect(first).toMatchObject({ totalSize: 5000, done: false });
  expect(first.records).toHaveLength(200);
  expect(first.nextRecordsUrl).toMatch(/^\/services\/data\/v66\.0\/query\/0r8\w{15}-200$/);
  const url = session.simulator.url + first.nextRecordsUrl;
  expect((await call(session, 'GET', url)).json).toEqual((await call(session, 'GET', url)).json);
  expect((await call(session, 'GET', '/query/0r8000000000099AAA-200')).json).toEqual([
    { errorCode: 'INVALID_QUERY_LOCATOR', message: 'invalid query locator' },
  ]);
  const connection = new jsforce.Connection({ instanceUrl: session.simulator.url, accessToken: session.token, version: '66.0' });
  const result = await connection.query('select Id, Name from Contact', { autoFetch: true, maxFetch: 100_000 });
  expect(new Set(result.records.map((record) => record['Id'])).size).toBe(4900);
});

test('describe has the full shape, and jsforce reads versions, objects, limits and identity', async () => {
  const session = await orgWith(world);
  const connection = new jsforce.Connection({ instanceUrl: session.simulator.url, accessToken: session.token, version: '66.0' });
  const { fields, keyPrefix } = await connection.describe('Contact');
  expect(keyPrefix).toBe('003');
  const email = fields.find((field) => field.name === 'Email');
  expect(email).toMatchObject({ type: 'email', length: 80, updateable: true, nillable: true, soapType: 'xsd:string', picklistValues: [] });
  expect(Object.keys(email ?? {}).length).toBeGreaterThan(50);
  expect(fields.find((field) => field.name === 'Score__c')).toMatchObject({ type: 'double', precision: 18, scale: 10, custom: true });
  expect((await connection.describeGlobal()).sobjects.map((each) => each.name)).toContain('Lead');
  expect((await connection.identity()).organization_id).toBe(session.simulator.credentials.organizationId);
  const versions = (await (await fetch(`${session.simulator.url}//services/data/`)).json()) as { version: string; label: string }[];
  expect(versions.at(-1)).toEqual({ label: "Summer '26", url: '/services/data/v67.0', version: '67.0' });
  expect((await call(session, 'GET', '/limits/recordCount?sObjects=Contact')).json).toEqual({ sObjects: [{ count: 3, name: 'Contact' }] });
});

test('updated and deleted say what changed, and how far they cover', async () => {
  let now = Date.UTC(2026, 10, 24, 12, 0, 30);
  const session = await orgWith(world, { nowMs: () => now });
  await call(session, 'PATCH', '/sobjects/Contact/003000000000001', { Title: 'x' });
  await call(session, 'DELETE', '/sobjects/Contact/003000000000002AAA');
  now += 120_000;
  const window = 'start=2026-11-24T11:00:00%2B00:00&end=2026-11-24T13:00:00%2B00:00';
  expect((await call(session, 'GET', `/sobjects/Contact/updated?${window}`)).json).toEqual({
    ids: ['003000000000001AAA'],
    latestDateCovered: '2026-11-24T12:02:30.000+0000',
  });
  expect((await call(session, 'GET', `/sobjects/Contact/deleted?${window}`)).json).toMatchObject({
    deletedRecords: [{ id: '003000000000002AAA', deletedDate: '2026-11-24T12:00:30.000+0000' }],
    latestDateCovered: '2026-11-24T12:02:30.000+0000',
  });
});

test('the request log names method, path pattern, status and rows, and no body', async () => {
  const session = await orgWith(world);
  await fetch(`${session.simulator.url}/__simulator/requests`, { method: 'DELETE' });
  await soql(session, 'select Id from Contact');
  const log = (await (await fetch(`${session.simulator.url}/__simulator/requests`)).json()) as unknown[];
  expect(log).toMatchObject([{ method: 'GET', path: '/services/data/:v/query', url: '/services/data/v66.0/query', status: 200, rows: 3 }]);
  expect(session.simulator.requestLog()).toEqual(log);
});
