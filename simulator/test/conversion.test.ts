import { expect, test } from 'vitest';
import { call, jsforceOf, orgWith, rowsOf, soql } from './harness.ts';
import type { Session } from './harness.ts';

const account = '001000000000001AAA';
const contact = '003000000000001AAA';
const [lead, converted] = ['00Q000000000001EAA', '00Q000000000002EAA'] as const;
const old = '2026-11-01T00:00:00Z';
const world = {
  'Account.csv': `Id,Name,Website,SystemModstamp\n${account},Edge,edge.example,${old}\n001000000000002AAA,Other,,${old}\n`,
  'Contact.csv': `Id,FirstName,LastName,Email,Title,AccountId,Points__c,SystemModstamp\n${contact},Ada,King,ada@x.com,,${account},,${old}\n`,
  'Lead.csv': `Id,FirstName,LastName,Company,Email,Title,Website,Street,LeadSource,Points__c,Only__c,IsConverted\n${lead},Ada,Quick,New Co,quick@x.com,Boss,new.example,Main St 1,Web,7,x,\n${converted},Done,Already,Co,,,,,,,,true\n`,
};
const noon = Date.UTC(2026, 10, 24, 12);
type Answer = { success: boolean; accountId?: string; contactId?: string; leadId?: string; errors: { statusCode: string; message: string }[] };
const status = 'Closed - Converted';

async function convert(session: Session, request: Record<string, unknown>): Promise<Answer> {
  return (await jsforceOf(session).soap.convertLead({
    convertedStatus: status,
    doNotCreateOpportunity: true,
    ...request,
  } as never)) as unknown as Answer;
}

test('a lead becomes a new contact of a new account, and is read-only afterwards', async () => {
  const session = await orgWith(world, { nowMs: () => noon });
  const answer = await convert(session, { leadId: lead });
  expect(answer).toMatchObject({ success: true, leadId: lead, accountId: expect.stringMatching(/^001/), contactId: expect.stringMatching(/^003/) });
  const stamp = '2026-11-24T12:00:00.000+0000';
  expect(
    await rowsOf(
      session,
      `select IsConverted, Status, ConvertedDate, ConvertedAccountId, ConvertedContactId, IsDeleted, SystemModstamp from Lead where Id = '${lead}'`,
    ),
  ).toEqual([
    {
      IsConverted: true,
      Status: status,
      ConvertedDate: '2026-11-24',
      ConvertedAccountId: answer.accountId,
      ConvertedContactId: answer.contactId,
      IsDeleted: false,
      SystemModstamp: stamp,
    },
  ]);
  expect(
    await rowsOf(
      session,
      `select Name, Email, Title, MailingStreet, LeadSource, AccountId, Points__c, SystemModstamp from Contact where Id = '${answer.contactId}'`,
    ),
  ).toEqual([
    {
      Name: 'Ada Quick',
      Email: 'quick@x.com',
      Title: 'Boss',
      MailingStreet: 'Main St 1',
      LeadSource: 'Web',
      AccountId: answer.accountId,
      Points__c: 7,
      SystemModstamp: stamp,
    },
  ]);
  expect(await rowsOf(session, `select Name, Website, BillingStreet from Account where Id = '${answer.accountId}'`)).toEqual([
    { Name: 'New Co', Website: 'new.example', BillingStreet: 'Main St 1' },
  ]);
  expect((await call(session, 'PATCH', `/sobjects/Lead/${lead}`, { Title: 'x' })).json).toMatchObject([
    { errorCode: 'CANNOT_UPDATE_CONVERTED_LEAD' },
  ]);
  expect((await soql(session, `select Id from Lead where IsConverted = true and Id = '${lead}'`)).json.totalSize).toBe(1);
});

test('into an existing contact only its empty fields are filled; overwriteLeadSource overwrites that one', async () => {
  const session = await orgWith(world, { nowMs: () => noon });
  await call(session, 'PATCH', `/sobjects/Contact/${contact}`, { LeadSource: 'Phone' });
  expect(await convert(session, { leadId: lead, accountId: account, contactId: contact, overwriteLeadSource: true })).toMatchObject({
    success: true,
    accountId: account,
    contactId: contact,
  });
  expect(await rowsOf(session, `select LastName, Email, Title, LeadSource, Points__c from Contact where Id = '${contact}'`)).toEqual([
    { LastName: 'King', Email: 'ada@x.com', Title: 'Boss', LeadSource: 'Web', Points__c: 7 },
  ]);
  expect(await rowsOf(session, `select Name, Website, BillingStreet from Account where Id = '${account}'`)).toEqual([
    { Name: 'Edge', Website: 'edge.example', BillingStreet: 'Main St 1' },
  ]);
});

test('into an existing account a new contact is made', async () => {
  const session = await orgWith(world);
  const answer = await convert(session, { leadId: lead, accountId: account });
  expect(answer).toMatchObject({ success: true, accountId: account });
  expect(await rowsOf(session, `select AccountId from Contact where Id = '${answer.contactId}'`)).toEqual([{ AccountId: account }]);
});

test.each([
  ['a lead that is converted already', { leadId: converted }, 'CANNOT_UPDATE_CONVERTED_LEAD'],
  ['a lead that is not there', { leadId: '00Q000000000009EAA' }, 'INVALID_CROSS_REFERENCE_KEY'],
  ['a status that is none', { leadId: lead, convertedStatus: 'Nearly' }, 'INVALID_STATUS'],
  ['a contact without its account', { leadId: lead, contactId: contact }, 'INVALID_ID_FIELD'],
  ['a contact of another account', { leadId: lead, accountId: '001000000000002AAA', contactId: contact }, 'INVALID_ID_FIELD'],
  ['an account that is not there', { leadId: lead, accountId: '001000000000009AAA' }, 'INVALID_CROSS_REFERENCE_KEY'],
])('%s is refused and changes nothing', async (_what, request, statusCode) => {
  const session = await orgWith(world, { nowMs: () => noon });
  expect(await convert(session, request)).toMatchObject({ success: false, errors: [{ statusCode }] });
  expect(await rowsOf(session, `select Id from Lead where Id = '${lead}' and IsConverted = true`)).toEqual([]);
  expect(await rowsOf(session, 'select Id from Contact')).toEqual([{ Id: contact }]);
});
