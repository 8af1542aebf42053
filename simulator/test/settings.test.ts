import { request } from 'node:http';
import { networkInterfaces } from 'node:os';
import { expect, test } from 'vitest';
import { startSimulator } from '../src/simulator.ts';
import { bulkQuery, call, directoryWith, jsforceOf, orgWith, rowsOf, set, soql } from './harness.ts';
import { tokenOf } from './token.ts';

const ada = '003000000000001AAA';
const account = '001000000000001AAA';
const world = {
  'Account.csv': `Id,Name\n${account},Edge\n`,
  'Contact.csv': `Id,FirstName,LastName,AccountId,Title,Score__c,SystemModstamp\n${ada},Ada,King,${account},Boss,1,2026-11-01T00:00:00Z\n`,
};
const noon = Date.UTC(2026, 10, 24, 12);

test('the clock can be moved: Date, stamps and the life of tokens follow', async () => {
  const session = await orgWith(world, { nowMs: () => noon, clockOffsetMs: 600_000 });
  expect((await soql(session, 'select Id from Contact')).headers.get('date')).toBe('Tue, 24 Nov 2026 12:10:00 GMT');
  expect(await set(session, { advanceSeconds: 3600 })).toMatchObject({ now: '2026-11-24T13:10:00.000Z', clockOffsetMs: 4_200_000 });
  await call(session, 'PATCH', `/sobjects/Contact/${ada}`, { Title: 'x' });
  expect(await rowsOf(session, 'select SystemModstamp from Contact')).toEqual([{ SystemModstamp: '2026-11-24T13:10:00.000+0000' }]);
  expect(await set(session, { now: '2026-11-24T14:10:00Z' })).toMatchObject({ now: '2026-11-24T14:10:00.000Z' });
  expect(await soql(session, 'select Id from Contact')).toMatchObject({ status: 401, json: [{ errorCode: 'INVALID_SESSION_ID' }] });
});

test('token lifetime and revokeTokens end tokens that are out; a new one is given', async () => {
  const session = await orgWith(world, { nowMs: () => noon });
  await set(session, { tokenLifetimeMs: 1000, advanceSeconds: 1 });
  expect((await soql(session, 'select Id from Contact')).status).toBe(401);
  const next = { ...session, token: await tokenOf(session.simulator) };
  expect((await soql(next, 'select Id from Contact')).status).toBe(200);
  await set(session, { revokeTokens: true });
  expect((await soql(next, 'select Id from Contact')).status).toBe(401);
});

test('a hidden field is not in the describe, INVALID_FIELD in SOQL, Bulk and saving, and back when it is shown again', async () => {
  const session = await orgWith(world);
  const fieldNames = async (): Promise<string[]> => (await jsforceOf(session).describe('Contact')).fields.map((field) => field.name);
  expect(await fieldNames()).toContain('Score__c');
  expect(await set(session, { hiddenFields: ['contact.score__C', 'Contact.Title'] })).toMatchObject({
    hiddenFields: ['Contact.Score__c', 'Contact.Title'],
  });
  expect(await fieldNames()).not.toContain('Score__c');
  for (const query of ['select Score__c from Contact', 'select Id from Contact where Title = null', 'select Id from Contact order by Title']) {
    expect(await soql(session, query)).toMatchObject({
      status: 400,
      json: [{ errorCode: 'INVALID_FIELD', message: expect.stringContaining('No such column') }],
    });
  }
  expect(await call(session, 'POST', '/jobs/query', { operation: 'query', query: 'select Title from Contact' })).toMatchObject({
    status: 400,
    json: [{ errorCode: 'INVALID_FIELD' }],
  });
  expect(await call(session, 'PATCH', `/sobjects/Contact/${ada}`, { Title: 'x' })).toMatchObject({
    status: 400,
    json: [{ errorCode: 'INVALID_FIELD' }],
  });
  expect((await call(session, 'GET', `/sobjects/Contact/${ada}`)).json).not.toHaveProperty('Title');
  await set(session, { hiddenFields: [] });
  expect(await rowsOf(session, 'select Title, Score__c from Contact')).toEqual([{ Title: 'Boss', Score__c: 1 }]);
});

test('a read-only field is seen and not saved: INVALID_FIELD_FOR_INSERT_UPDATE', async () => {
  const session = await orgWith(world, { readOnlyFields: ['Contact.Title'] });
  const { json } = await call(session, 'GET', '/sobjects/Contact/describe');
  expect(json.fields.find((field: { name: string }) => field.name === 'Title')).toMatchObject({ updateable: false, createable: false });
  expect(await call(session, 'PATCH', `/sobjects/Contact/${ada}`, { Title: 'x' })).toMatchObject({
    status: 400,
    json: [{ errorCode: 'INVALID_FIELD_FOR_INSERT_UPDATE', fields: ['Title'] }],
  });
  expect(await rowsOf(session, 'select Title from Contact')).toEqual([{ Title: 'Boss' }]);
});

test('a trigger changes a field on every save that names another, whichever way it comes', async () => {
  const session = await orgWith(world);
  await set(session, {
    triggers: [
      { object: 'Contact', when: 'Title', set: 'Department', to: 'Board' },
      { object: 'Contact', when: 'Department', set: 'Score__c', to: 9 },
    ],
  });
  await call(session, 'PATCH', `/sobjects/Contact/${ada}`, { FirstName: 'Eve' });
  expect(await rowsOf(session, 'select Department from Contact')).toEqual([{ Department: null }]);
  await call(session, 'PATCH', '/composite/sobjects', { records: [{ attributes: { type: 'Contact' }, id: ada, Title: 'Chief' }] });
  expect(await rowsOf(session, 'select Title, Department, Score__c from Contact')).toEqual([{ Title: 'Chief', Department: 'Board', Score__c: 9 }]);
  await set(session, { triggers: [{ object: 'Contact', when: 'Title', set: 'Title', to: 'Staff' }] });
  await call(session, 'PATCH', `/sobjects/Contact/${ada}`, { Title: 'Chief' });
  expect(await rowsOf(session, 'select Title from Contact')).toEqual([{ Title: 'Staff' }]);
});

test('a formula field changes with its parent or its definition and never moves SystemModstamp; it is read-only', async () => {
  const session = await orgWith(world);
  await set(session, {
    formulas: [
      { object: 'Contact', name: 'Company__c', source: 'Account.Name' },
      { object: 'Contact', name: 'Rank__c', source: 'Title', as: 'upper', prefix: 'R:' },
    ],
  });
  const { json } = await call(session, 'GET', '/sobjects/Contact/describe');
  expect(json.fields.find((field: { name: string }) => field.name === 'Company__c')).toMatchObject({
    calculated: true,
    updateable: false,
    custom: true,
    type: 'string',
  });
  const query = 'select Company__c, Rank__c, SystemModstamp from Contact';
  const SystemModstamp = '2026-11-01T00:00:00.000+0000';
  expect(await rowsOf(session, query)).toEqual([{ Company__c: 'Edge', Rank__c: 'R:BOSS', SystemModstamp }]);
  await call(session, 'PATCH', `/sobjects/Account/${account}`, { Name: 'New Edge' });
  await set(session, {
    formulas: [
      { object: 'Contact', name: 'Company__c', source: 'Account.Name' },
      { object: 'Contact', name: 'Rank__c', source: 'Title', as: 'lower' },
    ],
  });
  expect(await rowsOf(session, query)).toEqual([{ Company__c: 'New Edge', Rank__c: 'boss', SystemModstamp }]);
  expect(await rowsOf(session, "select Id from Contact where Company__c = 'new edge'")).toEqual([{ Id: ada }]);
  const job = await bulkQuery(session, 'select Company__c, Rank__c from Contact');
  expect((await call(session, 'GET', `/jobs/query/${job.id}/results`)).text).toBe('"Company__c","Rank__c"\n"New Edge","boss"\n');
  expect(await call(session, 'PATCH', `/sobjects/Contact/${ada}`, { Company__c: 'x' })).toMatchObject({
    status: 400,
    json: [{ errorCode: 'INVALID_FIELD_FOR_INSERT_UPDATE' }],
  });
});

test('another organization answers under the same address: new id everywhere, old tokens end', async () => {
  const session = await orgWith(world);
  const before = session.simulator.credentials;
  const organizationId = '00D000000000099EAA';
  expect(await set(session, { organizationId: organizationId.slice(0, 15) })).toMatchObject({ organizationId });
  expect((await soql(session, 'select Id from Contact')).status).toBe(401);
  const next = { ...session, token: await tokenOf(session.simulator) };
  expect(next.token.startsWith(organizationId.slice(0, 15))).toBe(true);
  expect((await jsforceOf(next).identity()).organization_id).toBe(organizationId);
  expect(await rowsOf(next, 'select Id from Organization')).toEqual([{ Id: organizationId }]);
  expect(await rowsOf(next, 'select Id from Contact')).toEqual([{ Id: ada }]);
  expect(before.organizationId).not.toBe(organizationId);
});

test.each([
  [{ nope: 1 }, /no setting nope/],
  [{ commitDelaySeconds: -1 }, /commitDelaySeconds takes a whole number from 0/],
  [{ hiddenFields: ['Contact.Id'] }, /everybody sees Contact\.Id/],
  [{ hiddenFields: ['Contact.Nope'] }, /a field of Contact, not "Nope"/],
  [{ hiddenFields: 'Contact.Title' }, /hiddenFields takes a list/],
  [{ triggers: [{ object: 'Contact', when: 'Title', set: 'CreatedDate', to: 'x' }] }, /CreatedDate cannot be changed/],
  [{ triggers: [{ object: 'Contact', when: 'Title', set: 'Score__c', to: 'x' }] }, /Score__c cannot be "x"/],
  [{ formulas: [{ object: 'Contact', name: 'Score__c', source: 'Title' }] }, /Score__c is a field already/],
  [{ formulas: [{ object: 'Contact', name: 'X__c', source: 'Account.Owner.Name' }] }, /formulas: source/],
  [{ organizationId: '001000000000001AAA' }, /beginning with 00D/],
  [{ now: 'tomorrow' }, /now takes a date-time/],
  [{ personContactUpdates: 'maybe' }, /refused or allowed/],
])('%j is refused with what is allowed, and nothing is changed', async (settings, message) => {
  const session = await orgWith(world, { nowMs: () => noon });
  const before = await set(session, {});
  await expect(set(session, { advanceSeconds: 60, bulkPageRows: 7, ...settings })).rejects.toThrow(message);
  expect(await set(session, {})).toEqual(before);
  expect(await rowsOf(session, 'select Title from Contact')).toEqual([{ Title: 'Boss' }]);
});

test('settings at the start are checked: exit code 2', async () => {
  await expect(startSimulator({ dataDirectory: directoryWith(world), hiddenFields: ['Contact.Nope'] })).rejects.toMatchObject({
    exitCode: 2,
    message: expect.stringMatching(/settings: hiddenFields/),
  });
});

test('the settings answer this machine only', async () => {
  const simulator = await startSimulator({ dataDirectory: directoryWith(world), host: '0.0.0.0' });
  try {
    const address = Object.values(networkInterfaces())
      .flat()
      .find((each) => each?.family === 'IPv4' && !each.internal)?.address;
    const status = (host: string): Promise<number> =>
      new Promise((resolve, reject) => {
        request({ host, port: simulator.port, path: '/__simulator/settings' }, (response) => {
          response.resume();
          resolve(response.statusCode ?? 0);
        })
          .on('error', reject)
          .end();
      });
    expect(await status('127.0.0.1')).toBe(200);
    if (address !== undefined) expect(await status(address)).toBe(404);
  } finally {
    await simulator.stop();
  }
});
