import jsforce from 'jsforce';
import { expect, test } from 'vitest';
import { call, jsforceOf, orgWith, set, soql } from './harness.ts';
import type { Session } from './harness.ts';

const world = { 'Contact.csv': 'Id,LastName\n003000000000001AAA,King\n' };
const envelope = (header: string, body: string): string =>
  `<?xml version="1.0"?><e:Envelope xmlns:e="http://schemas.xmlsoap.org/soap/envelope/" xmlns:u="urn:partner.soap.sforce.com"><e:Header>${header}</e:Header><e:Body>${body}</e:Body></e:Envelope>`;
const sessionHeader = (id: string): string => `<u:SessionHeader><u:sessionId>${id}</u:sessionId></u:SessionHeader>`;

async function post(session: Session, xml: string, version = '66.0'): Promise<{ status: number; type: string | null; text: string }> {
  const response = await fetch(`${session.simulator.url}/services/Soap/u/${version}`, {
    method: 'POST',
    headers: { 'content-type': 'text/xml', SOAPAction: '""' },
    body: xml,
  });
  return { status: response.status, type: response.headers.get('content-type'), text: await response.text() };
}

test('login gives a session for REST and SOAP up to version 64.0; a wrong password is INVALID_LOGIN', async () => {
  const session = await orgWith(world);
  const { url, credentials } = session.simulator;
  const connection = new jsforce.Connection({ loginUrl: url, version: '64.0', logLevel: 'NONE' });
  const user = await connection.login(credentials.username, credentials.password);
  expect(user).toMatchObject({ id: credentials.userId, organizationId: credentials.organizationId });
  expect((await connection.query('select LastName from Contact')).records).toMatchObject([{ LastName: 'King' }]);
  await expect(connection.login(credentials.username, 'wrong')).rejects.toThrow(/INVALID_LOGIN: Invalid username, password/);
  const late = new jsforce.Connection({ loginUrl: url, version: '65.0', logLevel: 'NONE' });
  await expect(late.login(credentials.username, credentials.password)).rejects.toThrow(/not available in API version 65\.0/);
});

test('a call without a session, or with one that has ended, is the fault INVALID_SESSION_ID', async () => {
  const session = await orgWith(world);
  const body = '<u:getServerTimestamp/>';
  expect((await post(session, envelope(sessionHeader(session.token), body))).status).toBe(200);
  for (const header of ['', sessionHeader('00Dx!wrong')]) {
    const { status, type, text } = await post(session, envelope(header, body));
    expect({ status, type }).toEqual({ status: 500, type: 'text/xml; charset=utf-8' });
    expect(text).toMatch(/<faultcode>sf:INVALID_SESSION_ID<\/faultcode><faultstring>INVALID_SESSION_ID: /);
    expect(text).toContain('<sf:exceptionCode>INVALID_SESSION_ID</sf:exceptionCode>');
  }
  await post(session, envelope(sessionHeader(session.token), '<u:logout/>'));
  expect((await post(session, envelope(sessionHeader(session.token), body))).status).toBe(500);
  expect((await soql(session, 'select Id from Contact')).status).toBe(401);
});

test('merge takes the element that the WSDL names, and a call that names nothing to merge is refused', async () => {
  const session = await orgWith({ 'Contact.csv': 'Id,LastName\n003000000000001AAA,King\n003000000000002AAA,King\n' });
  const body = (element: string): string =>
    `<u:merge><u:${element}><u:masterRecord><u:type>Contact</u:type><u:Id>003000000000001AAA</u:Id></u:masterRecord><u:recordToMergeIds>003000000000002AAA</u:recordToMergeIds></u:${element}></u:merge>`;
  expect((await post(session, envelope(sessionHeader(session.token), body('requests')))).text).toContain('<faultcode>');
  expect((await post(session, envelope(sessionHeader(session.token), body('request')))).text).toContain('<success>true</success>');
});

test('what is no SOAP, no operation or no version is a fault', async () => {
  const session = await orgWith(world);
  const header = sessionHeader(session.token);
  expect((await post(session, 'hello')).text).toContain('<faultcode>soapenv:Client</faultcode>');
  expect((await post(session, envelope(header, '<u:getServerTimestamp>'))).text).toContain('soapenv:Client');
  expect((await post(session, `<!DOCTYPE x [<!ENTITY a "b">]>${envelope(header, '<u:getServerTimestamp/>')}`)).text).toContain('soapenv:Client');
  expect((await post(session, envelope(header, '<u:describeLayout/>'))).text).toContain(
    'No operation available for request {urn:partner.soap.sforce.com}describeLayout',
  );
  expect((await post(session, envelope(header, '<u:getServerTimestamp/>'), '12.0')).text).toContain('sf:UNSUPPORTED_API_VERSION');
});

test('SOAP calls count in the budget, and a spent one is the fault REQUEST_LIMIT_EXCEEDED', async () => {
  const session = await orgWith(world);
  const xml = envelope(sessionHeader(session.token), '<u:getServerTimestamp/>');
  await set(session, { apiRequestsUsed: 5, dailyApiRequests: 6 });
  expect((await post(session, xml)).text).toContain('<current>6</current><limit>6</limit>');
  expect(await post(session, xml)).toMatchObject({ status: 500, text: expect.stringContaining('sf:REQUEST_LIMIT_EXCEEDED') });
});

test('a row that cannot be done has its error in its result, the others are done', async () => {
  const session = await orgWith(world);
  const connection = jsforceOf(session);
  const results = await connection.soap.delete(['003000000000001AAA', '003000000000009AAA', 'xyz']);
  expect(results).toMatchObject([
    { id: '003000000000001AAA', success: true },
    { success: false, errors: [{ statusCode: 'INVALID_CROSS_REFERENCE_KEY' }] },
    { success: false, errors: [{ statusCode: 'MALFORMED_ID', fields: ['Id'] }] },
  ]);
  const log = (await (await fetch(`${session.simulator.url}/__simulator/updates?object=Contact`)).json()) as unknown;
  expect(log).toMatchObject([{ id: '003000000000001AAA', updates: 1, requests: [expect.stringMatching(/^SOAP delete #\d+$/)] }]);
  expect((await call(session, 'GET', '/limits')).status).toBe(200);
});
