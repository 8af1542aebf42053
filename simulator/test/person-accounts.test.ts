import { expect, test } from 'vitest';
import { bulkQuery, call, ingest, jsforceOf, orgWith, rowsOf, set, soql } from './harness.ts';
import type { Answer, Session } from './harness.ts';

const [person, business, person2] = ['001000000000001AAA', '001000000000002AAA', '001000000000003AAA'] as const;
const [shadow, plain, shadow2] = ['003000000000001AAA', '003000000000002AAA', '003000000000003AAA'] as const;
const old = '2026-11-01T00:00:00Z';
const world = {
  'Account.csv': `Id,Name,IsPersonAccount,PersonContactId,Phone,SystemModstamp\n${person},Ada King,true,${shadow},1,${old}\n${business},Edge,false,,,${old}\n${person2},Bo Long,true,,,${old}\n`,
  'Contact.csv':
    `Id,FirstName,LastName,Email,Title,AccountId,IsPersonAccount,MailingCity,Score__c,SystemModstamp\n${shadow},Ada,King,ada@x.com,Boss,${person},true,Oslo,5,${old}\n` +
    `${plain},Cy,Plain,cy@x.com,,${business},false,,,${old}\n${shadow2},Bo,Long,bo@x.com,,${person2},true,,,${old}\n`,
};
const noon = Date.UTC(2026, 10, 24, 12);
const stamp = '2026-11-24T12:00:00.000+0000';
const patch = (session: Session, path: string, body: unknown): Promise<Answer> => call(session, 'PATCH', path, body);

test('the account shows the fields of its contact row under its own names, in describe, SOQL, rows and Bulk', async () => {
  const session = await orgWith(world);
  const { fields } = await jsforceOf(session).describe('Account');
  const named = new Map(fields.map((field) => [field.name, field]));
  for (const name of [
    'IsPersonAccount',
    'PersonContactId',
    'FirstName',
    'LastName',
    'PersonTitle',
    'PersonMailingCity',
    'PersonMailingAddress',
    'PersonBirthdate',
    'PersonMobilePhone',
  ])
    expect(named.has(name), name).toBe(true);
  expect(named.get('PersonEmail')).toMatchObject({ type: 'email', updateable: true, length: 80 });
  expect(named.get('Score__pc')).toMatchObject({ type: 'double', custom: true, updateable: true });
  const query = 'select Id, PersonEmail, PersonTitle, Score__pc, PersonContactId, PersonContact.Email, LastName from Account order by Id';
  expect(await rowsOf(session, query)).toMatchObject([
    { PersonEmail: 'ada@x.com', PersonTitle: 'Boss', Score__pc: 5, PersonContactId: shadow, PersonContact: { Email: 'ada@x.com' }, LastName: 'King' },
    { PersonEmail: null, PersonTitle: null, Score__pc: null, PersonContactId: null, LastName: null },
    { PersonEmail: 'bo@x.com', PersonContactId: shadow2 },
  ]);
  expect(await rowsOf(session, "select Id from Account where PersonEmail = 'ADA@x.com' and Score__pc > 4")).toEqual([{ Id: person }]);
  expect((await call(session, 'GET', `/sobjects/Account/${person}?fields=PersonMailingAddress,PersonMailingCity`)).json).toMatchObject({
    PersonMailingCity: 'Oslo',
    PersonMailingAddress: { city: 'Oslo' },
  });
  const job = await bulkQuery(session, `select PersonEmail, Score__pc from Account where Id = '${person}'`);
  expect((await call(session, 'GET', `/jobs/query/${job.id}/results`)).text).toBe('"PersonEmail","Score__pc"\n"ada@x.com","5"\n');
});

test('an org without person accounts has none of these fields, one that is started with them has', async () => {
  const without = await orgWith({ 'Account.csv': 'Id,Name\n' });
  expect((await soql(without, 'select PersonEmail from Account')).json).toMatchObject([{ errorCode: 'INVALID_FIELD' }]);
  expect((await jsforceOf(without).describe('Contact')).fields.some((field) => field.name === 'IsPersonAccount')).toBe(false);
  const started = await orgWith({ 'Account.csv': 'Id,Name\n' }, { personAccounts: true });
  expect((await soql(started, 'select PersonEmail, IsPersonAccount from Account')).json.totalSize).toBe(0);
});

test("saving the account's person fields writes the contact row and moves both stamps", async () => {
  const session = await orgWith(world, { nowMs: () => noon });
  expect(
    (
      await patch(session, `/sobjects/Account/${person}`, {
        PersonTitle: ' Chief ',
        PersonEmail: 'Ada@Y.com',
        Score__pc: 6,
        LastName: 'Queen',
        Phone: '22',
      })
    ).status,
  ).toBe(204);
  expect(await rowsOf(session, `select Name, Title, Email, Score__c, Phone, LastName, SystemModstamp from Contact where Id = '${shadow}'`)).toEqual([
    { Name: 'Ada Queen', Title: 'Chief', Email: 'ada@y.com', Score__c: 6, Phone: '22', LastName: 'Queen', SystemModstamp: stamp },
  ]);
  expect(await rowsOf(session, `select Name, PersonTitle, Phone, SystemModstamp from Account where Id = '${person}'`)).toEqual([
    { Name: 'Ada Queen', PersonTitle: 'Chief', Phone: '22', SystemModstamp: stamp },
  ]);
});

test("collections and Bulk ingest take person fields; wrong values name the account's field", async () => {
  const session = await orgWith(world);
  const { json } = await patch(session, '/composite/sobjects', {
    records: [
      { attributes: { type: 'Account' }, id: person, PersonTitle: 'A' },
      { attributes: { type: 'Account' }, id: person2, PersonEmail: 'nobody' },
    ],
  });
  expect(json).toMatchObject([{ success: true }, { success: false, errors: [{ statusCode: 'INVALID_EMAIL_ADDRESS', fields: ['PersonEmail'] }] }]);
  expect(await ingest(session, { object: 'Account', operation: 'update' }, `Id,PersonDepartment,Score__pc\n${person},Board,8\n`)).toMatchObject({
    numberRecordsFailed: 0,
  });
  expect(await rowsOf(session, `select Title, Department, Score__c from Contact where Id = '${shadow}'`)).toEqual([
    { Title: 'A', Department: 'Board', Score__c: 8 },
  ]);
});

test('person fields of a business account, and the name of a person account, are bad field names', async () => {
  const session = await orgWith(world);
  expect((await patch(session, `/sobjects/Account/${business}`, { PersonTitle: 'x' })).json).toMatchObject([
    { errorCode: 'INVALID_FIELD_FOR_INSERT_UPDATE', fields: ['PersonTitle'] },
  ]);
  expect((await patch(session, `/sobjects/Account/${person}`, { Name: 'x' })).json).toMatchObject([
    { errorCode: 'INVALID_FIELD_FOR_INSERT_UPDATE', fields: ['Name'] },
  ]);
});

test('the contact row of a person account is neither changed nor deleted directly, unless the org allows it', async () => {
  const session = await orgWith(world, { nowMs: () => noon });
  const refused = { status: 400, json: [{ errorCode: 'INSUFFICIENT_ACCESS_OR_READONLY' }] };
  expect(await patch(session, `/sobjects/Contact/${shadow}`, { Title: 'x' })).toMatchObject(refused);
  expect(await call(session, 'DELETE', `/sobjects/Contact/${shadow}`)).toMatchObject(refused);
  expect((await patch(session, `/sobjects/Contact/${plain}`, { Title: 'x' })).status).toBe(204);
  await set(session, { personContactUpdates: 'allowed' });
  expect((await patch(session, `/sobjects/Contact/${shadow}`, { FirstName: 'Eve' })).status).toBe(204);
  expect(await rowsOf(session, `select Name, SystemModstamp from Account where Id = '${person}'`)).toEqual([
    { Name: 'Eve King', SystemModstamp: stamp },
  ]);
});

test('an account with a last name is made as a person account with its contact row', async () => {
  const session = await orgWith(world);
  const { json } = await call(session, 'POST', '/sobjects/Account', { FirstName: 'New', LastName: 'One', PersonEmail: 'new@x.com', Phone: '3' });
  const [made] = await rowsOf(session, `select Name, IsPersonAccount, PersonContactId, PersonEmail from Account where Id = '${json.id}'`);
  expect(made).toMatchObject({ Name: 'New One', IsPersonAccount: true, PersonEmail: 'new@x.com' });
  expect(
    await rowsOf(session, `select AccountId, IsPersonAccount, Name, Phone from Contact where Id = '${String(made?.['PersonContactId'])}'`),
  ).toEqual([{ AccountId: json.id, IsPersonAccount: true, Name: 'New One', Phone: '3' }]);
  expect((await call(session, 'POST', '/sobjects/Account', { PersonEmail: 'x@x.com', Name: 'Co' })).json).toMatchObject([
    { errorCode: 'INVALID_FIELD_FOR_INSERT_UPDATE' },
  ]);
});

test('deleting the account deletes both rows, undeleting brings both back', async () => {
  const session = await orgWith(world);
  await call(session, 'DELETE', `/sobjects/Account/${person}`);
  expect(await rowsOf(session, 'select Id from Contact where IsDeleted = true')).toEqual([{ Id: shadow }]);
  await jsforceOf(session).soap.undelete([person]);
  expect(await rowsOf(session, 'select Id from Contact where IsDeleted = true')).toEqual([]);
});

test('person accounts are merged with their contact rows, with person accounts only, and not through the contacts', async () => {
  const session = await orgWith(world);
  const { soap } = jsforceOf(session);
  const merge = (type: string, master: string, loser: string): Promise<unknown> =>
    soap.merge({ masterRecord: { type, Id: master }, recordToMergeIds: [loser] } as never);
  expect(await merge('Account', person, business)).toMatchObject({ success: false, errors: [{ statusCode: 'FIELD_INTEGRITY_EXCEPTION' }] });
  expect(await merge('Contact', shadow, shadow2)).toMatchObject({ success: false, errors: [{ statusCode: 'INSUFFICIENT_ACCESS_OR_READONLY' }] });
  expect(await merge('Account', person, person2)).toMatchObject({ success: true });
  expect(await rowsOf(session, 'select Id, MasterRecordId from Contact where IsDeleted = true')).toEqual([{ Id: shadow2, MasterRecordId: shadow }]);
  await soap.undelete([person2]);
  expect(await rowsOf(session, `select IsDeleted, MasterRecordId from Contact where Id = '${shadow2}'`)).toEqual([
    { IsDeleted: false, MasterRecordId: null },
  ]);
});

test('a lead without company becomes a person account; one into a person account fills its contact row', async () => {
  const session = await orgWith({
    ...world,
    'Lead.csv': 'Id,FirstName,LastName,Company,Email,MobilePhone\n00Q000000000001EAA,Di,Solo,,di@x.com,\n00Q000000000002EAA,X,Y,Co,x@x.com,99\n',
  });
  const { soap } = jsforceOf(session);
  const convert = async (request: Record<string, unknown>): Promise<{ success: boolean; accountId: string; contactId: string }> =>
    (await soap.convertLead({ convertedStatus: 'Closed - Converted', ...request } as never)) as never;
  const solo = await convert({ leadId: '00Q000000000001EAA' });
  expect(await rowsOf(session, `select Name, IsPersonAccount, PersonContactId, PersonEmail from Account where Id = '${solo.accountId}'`)).toEqual([
    { Name: 'Di Solo', IsPersonAccount: true, PersonContactId: solo.contactId, PersonEmail: 'di@x.com' },
  ]);
  expect(await convert({ leadId: '00Q000000000002EAA', accountId: person })).toMatchObject({ success: true, contactId: shadow });
  expect(await rowsOf(session, `select Email, MobilePhone, Name from Contact where Id = '${shadow}'`)).toEqual([
    { Email: 'ada@x.com', MobilePhone: '99', Name: 'Ada King' },
  ]);
});

test("the permission on a contact's field is that on the person account's", async () => {
  const session = await orgWith(world, { hiddenFields: ['Contact.Score__c'] });
  expect((await soql(session, 'select Score__pc from Account')).json).toMatchObject([{ errorCode: 'INVALID_FIELD' }]);
});

test('person columns of Account.csv are ignored with a warning; what only one file says of a person account is joined', async () => {
  const session = await orgWith({
    ...world,
    'Account.csv': `Id,Name,IsPersonAccount,PersonContactId,PersonEmail\n${person},Ada King,true,${shadow},other@x.com\n`,
    'Contact.csv': `Id,LastName,Email,AccountId\n${shadow},King,ada@x.com,${person}\n`,
  });
  expect(session.warnings).toEqual([expect.stringMatching(/Account\.csv: column PersonEmail is taken from the contact row/)]);
  expect(await rowsOf(session, 'select IsPersonAccount, Account.PersonEmail from Contact')).toMatchObject([
    { IsPersonAccount: true, Account: { PersonEmail: 'ada@x.com' } },
  ]);
});
