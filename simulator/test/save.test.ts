import jsforce from 'jsforce';
import { expect, test } from 'vitest';
import { call, orgWith, soql } from './harness.ts';
import type { Session } from './harness.ts';

const world = {
  'Account.csv': 'Id,Name\n001000000000001AAA,Edge\n',
  'Contact.csv':
    'Id,FirstName,LastName,Email,Score__c,Text__c,IsDeleted\n003000000000001AAA,Ada,King,ada@x.com,1,a,\n003000000000002AAA,Gone,Girl,,2,b,true\n',
  'Lead.csv': 'Id,LastName,Company,IsConverted\n00Q000000000001EAA,L,C,true\n',
};
const one = '003000000000001AAA';

async function update(
  session: Session,
  record: Record<string, unknown>,
  type = 'Contact',
): Promise<{ success: boolean; id?: string; errors: { statusCode: string; message: string; fields: string[] }[] }> {
  const { status, json } = await call(session, 'PATCH', '/composite/sobjects', { allOrNone: false, records: [{ attributes: { type }, ...record }] });
  expect(status).toBe(200);
  return json[0];
}

test('a save trims, lower-cases e-mail, reads numbers, makes empty null, and stamps to the second', async () => {
  const session = await orgWith(world, { nowMs: () => Date.UTC(2026, 10, 24, 12, 0, 0, 987) });
  expect(
    await update(session, { id: one, Email: ' Ada.King@X.com ', Score__c: 12.5, Text__c: '', FirstName: ' Eve ', Birthdate: '2000-02-29' }),
  ).toEqual({ id: one, success: true, errors: [] });
  const { json } = await call(session, 'GET', `/sobjects/Contact/${one.slice(0, 15)}`);
  expect(json).toMatchObject({
    Email: 'ada.king@x.com',
    Score__c: 12.5,
    Text__c: null,
    Name: 'Eve King',
    Birthdate: '2000-02-29',
    SystemModstamp: '2026-11-24T12:00:00.000+0000',
    LastModifiedDate: '2026-11-24T12:00:00.000+0000',
    LastModifiedById: session.simulator.credentials.userId,
  });
});

test('keepEmailCase keeps the case of a saved address', async () => {
  const session = await orgWith(world, { keepEmailCase: true });
  await update(session, { id: one, Email: 'Ada@X.com' });
  expect((await soql(session, 'select Email from Contact')).json.records[0].Email).toBe('Ada@X.com');
});

test.each([
  [{ id: one, FirstName: 'x'.repeat(41) }, 'STRING_TOO_LONG', ['FirstName']],
  [{ id: one, CleanStatus: 'Dirty' }, 'INVALID_OR_NULL_FOR_RESTRICTED_PICKLIST', ['CleanStatus']],
  [{ id: one, LastName: '' }, 'REQUIRED_FIELD_MISSING', ['LastName']],
  [{ id: one, Email: 'nobody' }, 'INVALID_EMAIL_ADDRESS', ['Email']],
  [{ id: one, Score__c: 'abc' }, 'INVALID_TYPE_ON_FIELD_IN_RECORD', ['Score__c']],
  [{ id: one, Birthdate: '2001-02-29' }, 'INVALID_TYPE_ON_FIELD_IN_RECORD', ['Birthdate']],
  [{ id: one, Nope__c: 1 }, 'INVALID_FIELD', []],
  [{ id: one, CreatedDate: '2026-01-01T00:00:00Z' }, 'INVALID_FIELD_FOR_INSERT_UPDATE', ['CreatedDate']],
  [{ id: one, AccountId: '001000000000009AAA' }, 'INVALID_CROSS_REFERENCE_KEY', ['AccountId']],
  [{ id: '003000000000002AAA', Title: 'x' }, 'ENTITY_IS_DELETED', []],
  [{ id: '003000000000009AAA', Title: 'x' }, 'INVALID_CROSS_REFERENCE_KEY', []],
  [{ id: '003000000000001AAB', Title: 'x' }, 'MALFORMED_ID', ['Id']],
  [{ id: '001000000000001AAA', Title: 'x' }, 'MALFORMED_ID', ['Id']],
  [{ Title: 'x' }, 'MISSING_ARGUMENT', []],
])('%j is refused as %s', async (record, statusCode, fields) => {
  const session = await orgWith(world);
  const result = await update(session, record);
  expect(result).toMatchObject({ success: false, errors: [{ statusCode, fields }] });
  expect((await soql(session, 'select FirstName from Contact')).json.records).toMatchObject([{ FirstName: 'Ada' }]);
});

test('a converted lead is read-only', async () => {
  const session = await orgWith(world);
  expect((await update(session, { id: '00Q000000000001', Title: 'x' }, 'Lead')).errors[0]?.statusCode).toBe('CANNOT_UPDATE_CONVERTED_LEAD');
});

test('collections answer in request order; allOrNone keeps nothing when one fails; retrieve gives null for a missing row', async () => {
  const session = await orgWith(world);
  const connection = new jsforce.Connection({ instanceUrl: session.simulator.url, accessToken: session.token, version: '66.0' });
  const results = await connection.sobject('Contact').update([
    { Id: '003000000000009AAA', Title: 'x' },
    { Id: one, Title: 'y' },
  ]);
  expect(results.map((result) => result.success)).toEqual([false, true]);
  const rows = [
    { attributes: { type: 'Contact' }, id: one, Title: 'z' },
    { attributes: { type: 'Contact' }, id: one, Email: 'bad' },
  ];
  const { json } = await call(session, 'PATCH', '/composite/sobjects', { allOrNone: true, records: rows });
  expect(json.map((result: { errors: { statusCode: string }[] }) => result.errors[0]?.statusCode)).toEqual([
    'ALL_OR_NONE_OPERATION_ROLLED_BACK',
    'INVALID_EMAIL_ADDRESS',
  ]);
  const read = await call(session, 'POST', '/composite/sobjects/Contact', {
    ids: ['003000000000009AAA', one, '003000000000002AAA'],
    fields: ['Id', 'title'],
  });
  expect(read.json).toEqual([
    null,
    { attributes: { type: 'Contact', url: `/services/data/v66.0/sobjects/Contact/${one}` }, Id: one, Title: 'y' },
    null,
  ]);
  expect((await call(session, 'PATCH', '/composite/sobjects', { records: Array.from({ length: 201 }, () => rows[0]) })).status).toBe(400);
});

test('created rows get an id with the prefix and a right checksum; deleted ones go to the recycle bin', async () => {
  const session = await orgWith(world);
  const connection = new jsforce.Connection({ instanceUrl: session.simulator.url, accessToken: session.token, version: '66.0' });
  const created = await connection.sobject('Lead').create({ LastName: 'New', Company: 'Co', Email: 'N@x.com' });
  expect(created.id).toMatch(/^00Q\w{15}$/);
  expect(await connection.sobject('Lead').retrieve(String(created.id))).toMatchObject({
    Name: 'New',
    Email: 'n@x.com',
    Status: 'Open - Not Contacted',
  });
  expect((await call(session, 'POST', '/sobjects/Lead', { FirstName: 'x' })).json).toMatchObject([
    { errorCode: 'REQUIRED_FIELD_MISSING', fields: ['LastName', 'Company'] },
  ]);
  await connection.sobject('Lead').destroy([String(created.id)]);
  expect((await soql(session, `select Id from Lead where Id = '${created.id}'`)).json.totalSize).toBe(0);
  expect((await soql(session, `select IsDeleted from Lead where Id = '${created.id}'`, 'queryAll')).json.records[0].IsDeleted).toBe(true);
});

test('If-Unmodified-Since: 412 when the row is newer, 204 when not, 400 for no date', async () => {
  const session = await orgWith(world, { nowMs: () => Date.UTC(2026, 10, 24, 12) });
  const patch = async (since: string): Promise<number> =>
    (await call(session, 'PATCH', `/sobjects/Contact/${one}`, { Title: 'x' }, { 'If-Unmodified-Since': since })).status;
  expect(await patch('Tue, 24 Nov 2026 11:59:59 GMT')).toBe(412);
  expect(await patch('Tue, 24 Nov 2026 12:00:00 GMT')).toBe(204);
  expect(await patch('yesterday-ish')).toBe(400);
});

test('how often a record was written, and by which requests, can be asked', async () => {
  const session = await orgWith(world);
  await update(session, { id: one, Title: 'x' });
  await update(session, { id: one, Email: 'bad' });
  await call(session, 'PATCH', `/sobjects/Contact/${one}`, { Title: 'y' });
  const answer = (await (await fetch(`${session.simulator.url}/__simulator/updates?object=Contact`)).json()) as unknown;
  expect(answer).toEqual([
    {
      id: one,
      updates: 2,
      requests: [expect.stringMatching(/^PATCH \/composite\/sobjects #\d+$/), expect.stringMatching(/^PATCH \/sobjects\/Contact\//)],
    },
  ]);
});

test('paths, methods and bodies that are wrong get Salesforce errors', async () => {
  const session = await orgWith(world);
  expect(await call(session, 'GET', '/nothing/here')).toMatchObject({ status: 404, json: [{ errorCode: 'NOT_FOUND' }] });
  expect(await call(session, 'GET', '/sobjects/Nope/describe')).toMatchObject({ status: 404, json: [{ errorCode: 'NOT_FOUND' }] });
  expect(await call(session, 'PUT', '/limits')).toMatchObject({ status: 405 });
  expect(await call(session, 'GET', '/sobjects/Contact/xyz')).toMatchObject({ status: 400, json: [{ errorCode: 'MALFORMED_ID' }] });
  expect(await call(session, 'POST', '/sobjects/Lead', '{', { 'content-type': 'application/json' })).toMatchObject({
    status: 400,
    json: [{ errorCode: 'JSON_PARSER_ERROR' }],
  });
});
