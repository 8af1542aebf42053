import { expect, test } from 'vitest';
import { startSimulator } from '../src/simulator.ts';
import { call, directoryWith, orgWith, soql } from './harness.ts';
import type { Session } from './harness.ts';

const records = async (session: Session, query: string): Promise<Record<string, unknown>[]> =>
  ((await soql(session, query, 'queryAll')).json.records as Record<string, unknown>[]).map(({ attributes: _attributes, ...rest }) => rest);
const customTypes = async (session: Session, object: string): Promise<Record<string, string>> => {
  const { json } = await call(session, 'GET', `/sobjects/${object}/describe`);
  return Object.fromEntries(
    (json.fields as { name: string; type: string; custom: boolean }[]).filter((field) => field.custom).map((field) => [field.name, field.type]),
  );
};

test('without Id, ids are made of the row number with prefix and checksum, bad rows counted', async () => {
  const session = await orgWith({ 'Lead.csv': 'LastName,Company\nA,x\nB\nC,x\n' });
  expect(await records(session, 'select Id, LastName from Lead order by Id')).toEqual([
    { Id: '00Q000000000001EAA', LastName: 'A' },
    { Id: '00Q000000000003EAA', LastName: 'C' },
  ]);
  expect(session.warnings).toEqual([expect.stringMatching(/Lead\.csv:3: 1 cells where the header has 2; the row is skipped$/)]);
});

test('a __c column is a number if every value that is not empty is one in canonical form; schema.json overrides; types are per object', async () => {
  const session = await orgWith({
    'Contact.csv': 'LastName,A__c,B__c,C__c,D__c,E__c,F__c,G__c\na,1,007,1.50,+1,1e3,-0.5,1\nb,,2,2,2,2,12345678901234567890.123456789012,2\n',
    'Account.csv': 'Name,A__c\nx,text\n',
    'schema.json': '{"Contact": {"G__c": "text", "H__c": "number"}}',
  });
  expect(await customTypes(session, 'Contact')).toEqual({
    A__c: 'double',
    B__c: 'string',
    C__c: 'string',
    D__c: 'string',
    E__c: 'string',
    F__c: 'double',
    G__c: 'string',
    H__c: 'double',
  });
  expect(await customTypes(session, 'Account')).toEqual({ A__c: 'string' });
  expect((await soql(session, 'select F__c from Contact order by LastName')).text).toContain('"F__c":12345678901234567890.123456789012');
});

test('an unknown column is ignored with a warning, and Name of contacts is made of FirstName and LastName', async () => {
  const session = await orgWith({ 'Contact.csv': 'FirstName,LastName,Nickname,Name\nAda,King,x,Wrong\n,Solo,y,\n' });
  expect(await records(session, 'select Name from Contact order by LastName')).toEqual([{ Name: 'Ada King' }, { Name: 'Solo' }]);
  expect(session.warnings.join('\n')).toMatch(/column Nickname is neither a standard field of Contact nor ends in __c; ignored/);
});

test('BOM, CRLF, quoted line ends, quotes, emoji, formulas and 30 kB are kept to the letter', async () => {
  const long = 'x'.repeat(30_000);
  const session = await orgWith({
    'Contact.csv': `\ufeffLastName,Text__c\r\n"O""Neil, 😀","a\r\nb\nc"\r\n=cmd(),  spaced  \r\n"long",${long}\r\n\r\n`,
  });
  expect(session.warnings).toEqual([]);
  expect(await records(session, 'select LastName, Text__c from Contact order by Id')).toEqual([
    { LastName: 'O"Neil, 😀', Text__c: 'a\r\nb\nc' },
    { LastName: '=cmd()', Text__c: '  spaced  ' },
    { LastName: 'long', Text__c: long },
  ]);
});

test('NUL, wrong checksum, wrong prefix, blank and repeated Id, unreadable number and date make bad rows with file and line', async () => {
  const session = await orgWith({
    'Contact.csv':
      'Id,LastName,Birthdate\n003000000000001AAA,ok,2000-02-29\n003000000000002AAB,checksum,\n001000000000003AAA,prefix,\n,blank,\n003000000000001,again,\n003000000000004AAA,nul\0,\n003000000000005AAA,date,2001-02-29\n003000000000006AAA,last,\n',
    'Account.csv': 'Name,NumberOfEmployees\nx,abc\ny,12\n',
  });
  expect(await records(session, 'select LastName from Contact order by Id')).toEqual([{ LastName: 'ok' }, { LastName: 'last' }]);
  expect(session.warnings.map((line) => /(\w+\.csv:\d+): (.*);/.exec(line)?.slice(1).join(' '))).toEqual([
    'Account.csv:2 the value of NumberOfEmployees cannot be read as its type',
    'Contact.csv:3 the Id is no Salesforce id (15 characters, or 18 with the right checksum)',
    'Contact.csv:4 the Id does not begin with 003, the prefix of Contact',
    'Contact.csv:5 no Id',
    'Contact.csv:6 the Id stands in the file twice',
    'Contact.csv:7 a NUL character',
    'Contact.csv:8 the value of Birthdate cannot be read as its type',
  ]);
});

test('a stray quote is a letter; one that is never closed makes a bad row', async () => {
  const session = await orgWith({ 'Contact.csv': 'LastName,Title\na,x\nb,y"z\ne,x\n"open,x\nf,x\n' });
  expect(await records(session, 'select LastName, Title from Contact order by Id')).toEqual([
    { LastName: 'a', Title: 'x' },
    { LastName: 'b', Title: 'y"z' },
    { LastName: 'e', Title: 'x' },
  ]);
  expect(session.warnings).toEqual([expect.stringMatching(/Contact\.csv:\d+: a quote that is never closed/)]);
});

test.each([
  ['an empty name', 'Id,,LastName\n', /column 2 of the header has no name/],
  ['a name twice', 'LastName,lastname\n', /names lastname twice/],
  ['nothing', '', /no header/],
  ['a header that is no UTF-8', Buffer.from('\ufeffLastName\nb\n', 'utf16le'), /the header is not UTF-8; save the file as UTF-8/],
])('a file with %s is refused by name, exit code 2', async (_what, content, message) => {
  await expect(startSimulator({ dataDirectory: directoryWith({ 'Lead.csv': content }) })).rejects.toMatchObject({
    exitCode: 2,
    message: expect.stringMatching(message),
  });
});

test('a row that is not UTF-8 is told and skipped, one that holds the replacement character is not', async () => {
  const spoilt = Buffer.concat([
    Buffer.from('LastName,Title\na,é\nb,'),
    Buffer.from([0xff]),
    Buffer.from('\nc,\ufffd\nd,"x\n'),
    Buffer.from([0xc3]),
    Buffer.from('"\ne,'),
  ]);
  const session = await orgWith({ 'Lead.csv': spoilt });
  expect(await records(session, 'select LastName, Title from Lead order by LastName')).toEqual([
    { LastName: 'a', Title: 'é' },
    { LastName: 'c', Title: '\ufffd' },
    { LastName: 'e', Title: null },
  ]);
  expect(session.warnings.map((line) => line.replace(/^.*Lead/, 'Lead'))).toEqual([
    'Lead.csv:3: bytes that are not UTF-8; the row is skipped',
    'Lead.csv:5: bytes that are not UTF-8; the row is skipped',
  ]);
});

test('a wrong schema.json and a missing directory are refused with what is allowed', async () => {
  await expect(startSimulator({ dataDirectory: directoryWith({ 'schema.json': '{"Lead": {"X__c": "blob"}}' }) })).rejects.toMatchObject({
    exitCode: 2,
    message: expect.stringMatching(/allowed are text, number/),
  });
  await expect(startSimulator({ dataDirectory: '/nowhere/at/all' })).rejects.toMatchObject({ exitCode: 2 });
});

test('e-mail values are lower-cased on loading, not with keepEmailCase; loading checks no length, picklist or required field', async () => {
  const files = { 'Contact.csv': `Email,CleanStatus,FirstName\nAda@X.com,Strange,${'n'.repeat(60)}\n` };
  const session = await orgWith(files);
  expect(await records(session, 'select Email, CleanStatus, FirstName, LastName from Contact')).toEqual([
    { Email: 'ada@x.com', CleanStatus: 'Strange', FirstName: 'n'.repeat(60), LastName: null },
  ]);
  const kept = await orgWith(files, { keepEmailCase: true });
  expect(await records(kept, 'select Email from Contact')).toEqual([{ Email: 'Ada@X.com' }]);
});

test('system fields are taken if present, the recycle bin included', async () => {
  const session = await orgWith({
    'Contact.csv':
      'Id,LastName,IsDeleted,MasterRecordId,SystemModstamp,CreatedDate,IsPersonAccount\n003000000000001AAA,gone,true,003000000000002,2026-01-02T03:04:05.678+0200,2025-01-01T00:00:00Z,false\n003000000000002AAA,master,,,,,true\n',
  });
  expect(await records(session, 'select Id, IsDeleted, MasterRecordId, SystemModstamp, IsPersonAccount from Contact where IsDeleted = true')).toEqual(
    [
      {
        Id: '003000000000001AAA',
        IsDeleted: true,
        MasterRecordId: '003000000000002AAA',
        SystemModstamp: '2026-01-02T01:04:05.000+0000',
        IsPersonAccount: false,
      },
    ],
  );
  expect((await soql(session, 'select count() from Contact')).json.totalSize).toBe(1);
});

test('started again on its state the org keeps data and credentials, and loads nothing again', async () => {
  const stateDirectory = directoryWith({});
  const dataDirectory = directoryWith({ 'Lead.csv': 'LastName,X__c\na,1\n' });
  const first = await startSimulator({ dataDirectory, stateDirectory });
  await first.stop();
  const session = await orgWith({}, { dataDirectory, stateDirectory });
  expect(session.warnings).toEqual([expect.stringMatching(/already holds data: nothing is loaded again/)]);
  expect(session.simulator.credentials.clientSecret).toBe(first.credentials.clientSecret);
  expect(await records(session, 'select LastName, X__c from Lead')).toEqual([{ LastName: 'a', X__c: 1 }]);
});
