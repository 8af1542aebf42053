import { createPublicKey, generateKeyPairSync, verify } from 'node:crypto';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { createServer } from 'node:net';
import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { Failure } from '../../src/domain/failure.ts';
import type { SalesforceAuth } from '../../src/salesforce/connection.ts';
import { createSalesforce } from '../../src/salesforce/side.ts';
import { json, stubOrg } from './stubOrg.ts';
import type { StubOrg } from './stubOrg.ts';

const secret = 'very-secret-indeed';
let folder: string;
let keyFile: string;
let publicKeyPem: string;

beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'crm-sync-login-'));
  const pair = generateKeyPairSync('rsa', {
    modulusLength: 2048,
    publicKeyEncoding: { type: 'spki', format: 'pem' },
    privateKeyEncoding: { type: 'pkcs8', format: 'pem' },
  });
  keyFile = join(folder, 'key.pem');
  publicKeyPem = pair.publicKey;
  await writeFile(keyFile, pair.privateKey, { mode: 0o600 });
  await writeFile(join(folder, 'no-key.pem'), 'this is no key');
});
afterAll(() => rm(folder, { recursive: true }));

/** What becomes of a login with these credentials: the Failure, or null. */
async function loginWith(loginUrl: string, auth: SalesforceAuth): Promise<Failure | null> {
  const salesforce = createSalesforce({ loginUrl, apiVersion: '66.0', auth }, { connectMs: 2_000, headersMs: 2_000, bodyIdleMs: 2_000 });
  try {
    await salesforce.identity();
    return null;
  } catch (error) {
    if (!(error instanceof Failure)) throw error;
    return error;
  } finally {
    await salesforce.close();
  }
}

const byKey = (privateKeyFile: string): SalesforceAuth => ({ flow: 'jwtBearer', clientId: 'client', username: 'sync@example.com', privateKeyFile });
const bySecret: SalesforceAuth = { flow: 'clientCredentials', clientId: 'client', clientSecret: secret };

function formOf(org: StubOrg): Record<string, string> {
  return Object.fromEntries(new URLSearchParams(org.seen.at(-1)?.body ?? ''));
}

test('client credentials: identity comes with 18 characters, and a login is no call of the data API', async () => {
  await using org = await stubOrg({});
  expect(await org.salesforce.identity()).toEqual({ organizationId: '00D000000000062EAA', userId: '005000000000001AAA' });
  expect(formOf(org)).toMatchObject({ grant_type: 'client_credentials', client_id: 'client', client_secret: 'hush-hush' });
  expect(org.salesforce.apiCalls()).toBe(0);
});

test('JWT bearer: the assertion is signed with the key, for this client, this user and this login URL, and soon over', async () => {
  await using org = await stubOrg({});
  expect(await loginWith(`${org.url}/`, byKey(keyFile))).toBeNull();
  const { grant_type: grantType, assertion = '' } = formOf(org);
  const [head = '', claims = '', signature = ''] = assertion.split('.');
  expect(grantType).toBe('urn:ietf:params:oauth:grant-type:jwt-bearer');
  expect(verify('sha256', Buffer.from(`${head}.${claims}`), createPublicKey(publicKeyPem), Buffer.from(signature, 'base64url'))).toBe(true);
  const said = JSON.parse(Buffer.from(claims, 'base64url').toString()) as Record<string, unknown>;
  expect(said).toMatchObject({ iss: 'client', sub: 'sync@example.com', aud: org.url });
  expect(Number(said['exp']) - Date.now() / 1000).toBeLessThanOrEqual(180);
});

test.each([{ clientSecret: secret }, {}])('refresh token with %j', async (more) => {
  await using org = await stubOrg({});
  expect(await loginWith(org.url, { flow: 'refreshToken', clientId: 'client', refreshToken: 'r-token', ...more })).toBeNull();
  expect(formOf(org)).toEqual({
    grant_type: 'refresh_token',
    client_id: 'client',
    refresh_token: 'r-token',
    ...('clientSecret' in more ? { client_secret: secret } : {}),
  });
});

test.each(['invalid_client', 'invalid_grant', 'invalid_client_id', 'something_new'])(
  'a login refused with %s is permanent, has a remedy and no secret',
  async (error) => {
    await using org = await stubOrg({
      '/services/oauth2/token': (_request, response) => json(response, { error, error_description: `bad secret ${secret} of sync@example.com` }, 400),
    });
    const failure = await loginWith(org.url, bySecret);
    expect(failure).toMatchObject({ kind: 'permanent', code: error === 'something_new' ? 'LOGIN_REFUSED' : error });
    expect(failure?.remedy).toContain('salesforce.auth');
    expect(JSON.stringify([failure?.message, failure?.remedy, String(failure?.cause)])).not.toMatch(/very-secret|sync@example/);
    expect(org.count('/')).toBe(1);
  },
);

test('a login that failed is not kept: the next call tries again', async () => {
  let refuse = true;
  await using org = await stubOrg({
    '/services/oauth2/token': (_request, response) => {
      if (refuse) json(response, { error: 'invalid_grant' }, 400);
      else json(response, { access_token: 't', instance_url: org.url, id: `${org.url}/id/00D000000000062/005000000000001` });
    },
  });
  await expect(org.salesforce.identity()).rejects.toMatchObject({ code: 'invalid_grant' });
  refuse = false;
  expect(await org.salesforce.identity()).toEqual({ organizationId: '00D000000000062EAA', userId: '005000000000001AAA' });
});

test.each(['missing.pem', 'no-key.pem'])('the key file %s is named, with what to do', async (name) => {
  const failure = await loginWith('http://127.0.0.1:1', byKey(join(folder, name)));
  expect(failure).toMatchObject({ kind: 'permanent', code: 'KEY_UNREADABLE' });
  expect(failure?.message).toContain(name);
  expect(failure?.remedy).toContain('privateKeyFile');
});

test('an org that is down is a transient failure that names the address', async () => {
  const server = createServer();
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const url = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
  await new Promise((resolve) => server.close(resolve));
  const failure = await loginWith(url, bySecret);
  expect(failure).toMatchObject({ kind: 'transient', code: 'UNREACHABLE' });
  expect(failure?.message).toContain(url);
  expect(failure?.remedy).toContain('salesforce.loginUrl');
});

test.each([
  ['invalid_grant', 'login rate exceeded', 'TOO_MANY_REQUESTS', 'throttled'],
  ['unknown_error', 'retry your request', 'unknown_error', 'transient'],
])('a login answered with %s, %s, may go well later', async (error, description, code, kind) => {
  await using org = await stubOrg({
    '/services/oauth2/token': (_request, response) => json(response, { error, error_description: description }, 400),
  });
  expect(await loginWith(org.url, bySecret)).toMatchObject({ code, kind });
});

test.each(['no address', 'ftp://127.0.0.1', 'http://no-such-host.invalid', ''])('the login URL %j cannot be reached', async (url) => {
  expect(await loginWith(url, bySecret)).toMatchObject({ code: 'UNREACHABLE', remedy: expect.stringContaining('loginUrl') as string });
});

test.each([
  [200, 'NOT_JSON', 'transient'],
  [404, 'NOT_JSON', 'transient'],
  [302, 'REDIRECTED', 'permanent'],
  [503, 'SERVER_UNAVAILABLE', 'transient'],
])('a login URL that answers with a web page and HTTP %i is %s', async (status, code, kind) => {
  await using org = await stubOrg({
    '/services/oauth2/token': (_request, response) => {
      response.writeHead(status, { 'content-type': 'text/html', ...(status === 302 ? { location: 'https://example.com/' } : {}) });
      response.end('<html>welcome</html>');
    },
  });
  expect(await loginWith(org.url, bySecret)).toMatchObject({ code, kind });
});
