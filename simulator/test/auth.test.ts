import { createSign, generateKeyPairSync } from 'node:crypto';
import { readFileSync, statSync } from 'node:fs';
import { expect, test } from 'vitest';
import { call, orgWith } from './harness.ts';
import { tokenRequest } from './token.ts';
import type { Session } from './harness.ts';

const grant = 'urn:ietf:params:oauth:grant-type:jwt-bearer';

function assertion(
  session: Session,
  claims: Record<string, unknown> = {},
  key = readFileSync(session.simulator.credentials.privateKeyFile, 'utf8'),
): string {
  const { clientId, username } = session.simulator.credentials;
  const part = (value: unknown): string => Buffer.from(JSON.stringify(value)).toString('base64url');
  const signed = `${part({ alg: 'RS256' })}.${part({ iss: clientId, sub: username, aud: session.simulator.url, exp: Math.floor(Date.now() / 1000) + 180, ...claims })}`;
  return `${signed}.${createSign('RSA-SHA256').update(signed).sign(key, 'base64url')}`;
}

test('client credentials in the body or as Basic give a token of the org; a wrong secret is invalid_client', async () => {
  const session = await orgWith({});
  const { url, credentials } = session.simulator;
  expect(session.token).toMatch(/^00D\w{12}![.\w]+$/);
  const basic = await fetch(`${url}/services/oauth2/token`, {
    method: 'POST',
    body: new URLSearchParams({ grant_type: 'client_credentials' }),
    headers: { authorization: `Basic ${Buffer.from(`${credentials.clientId}:${credentials.clientSecret}`).toString('base64')}` },
  });
  expect(basic.status).toBe(200);
  const wrong = await tokenRequest(url, { grant_type: 'client_credentials', client_id: credentials.clientId, client_secret: 'no' });
  expect(wrong).toMatchObject({ status: 400, json: { error: 'invalid_client' } });
});

test('password and refresh token flows give tokens; wrong ones are invalid_grant', async () => {
  const {
    simulator: { url, credentials },
  } = await orgWith({});
  const client = { client_id: credentials.clientId, client_secret: credentials.clientSecret };
  expect(
    (await tokenRequest(url, { grant_type: 'password', ...client, username: credentials.username, password: credentials.password })).status,
  ).toBe(200);
  expect((await tokenRequest(url, { grant_type: 'password', ...client, username: credentials.username, password: 'x' })).json).toEqual({
    error: 'invalid_grant',
    error_description: 'authentication failure',
  });
  expect((await tokenRequest(url, { grant_type: 'refresh_token', ...client, refresh_token: credentials.refreshToken })).status).toBe(200);
  expect((await tokenRequest(url, { grant_type: 'refresh_token', ...client, refresh_token: 'x' })).json['error']).toBe('invalid_grant');
  expect((await tokenRequest(url, { grant_type: 'guess', ...client })).json['error']).toBe('unsupported_grant_type');
});

test('a JWT is taken with exp in seconds, milliseconds or as text; not with another key, user, audience, or when it has expired', async () => {
  const session = await orgWith({});
  const { url, credentials } = session.simulator;
  expect(statSync(credentials.privateKeyFile).mode & 0o777).toBe(0o600);
  const ask = async (text: string): Promise<unknown> => {
    const { status, json } = await tokenRequest(url, { grant_type: grant, assertion: text });
    return status === 200 ? 'token' : json['error_description'];
  };
  expect(await ask(assertion(session))).toBe('token');
  expect(await ask(assertion(session, { exp: Date.now() + 180_000 }))).toBe('token');
  expect(await ask(assertion(session, { exp: String(Math.floor(Date.now() / 1000) + 180) }))).toBe('token');
  const { privateKey } = generateKeyPairSync('rsa', {
    modulusLength: 2048,
    privateKeyEncoding: { type: 'pkcs8', format: 'pem' },
    publicKeyEncoding: { type: 'spki', format: 'pem' },
  });
  expect(await ask(assertion(session, {}, privateKey))).toBe('invalid assertion');
  expect(await ask(assertion(session, { sub: 'else@example.com' }))).toBe("user hasn't approved this consumer");
  expect(await ask(assertion(session, { aud: 'https://elsewhere.example.com' }))).toBe('audience is invalid');
  expect(await ask(assertion(session, { exp: 1000 }))).toBe('expired authorization code');
  expect(await ask('not.a.jwt')).toBe('invalid assertion');
});

test('a request without, with a revoked or with an expired token is INVALID_SESSION_ID', async () => {
  let now = Date.now();
  const session = await orgWith({}, { tokenLifetimeMs: 60_000, nowMs: () => now });
  expect((await call(session, 'GET', '/limits')).status).toBe(200);
  expect((await call({ ...session, token: 'x' }, 'GET', '/limits')).json).toEqual([
    { message: 'Session expired or invalid', errorCode: 'INVALID_SESSION_ID' },
  ]);
  now += 61_000;
  expect((await call(session, 'GET', '/limits')).status).toBe(401);
});

test('revoke ends a token; userinfo and identity name user and organization', async () => {
  const session = await orgWith({});
  const { url, credentials } = session.simulator;
  expect((await call(session, 'GET', `${url}/services/oauth2/userinfo`)).json).toMatchObject({
    user_id: credentials.userId,
    organization_id: credentials.organizationId,
  });
  expect((await call(session, 'GET', `${url}/id/${credentials.organizationId}/${credentials.userId}`)).json).toMatchObject({
    username: credentials.username,
  });
  await fetch(`${url}/services/oauth2/revoke`, { method: 'POST', body: new URLSearchParams({ token: session.token }) });
  expect((await call(session, 'GET', '/limits')).status).toBe(401);
});

test('every REST answer counts down the budget; a spent one is REQUEST_LIMIT_EXCEEDED', async () => {
  const session = await orgWith({}, { dailyApiRequests: 3 });
  expect((await call(session, 'GET', '/limits')).headers.get('sforce-limit-info')).toBe('api-usage=1/3');
  expect((await call(session, 'GET', '/limits')).json.DailyApiRequests).toEqual({ Max: 3, Remaining: 1 });
  await call(session, 'GET', '/limits');
  expect(await call(session, 'GET', '/limits')).toMatchObject({
    status: 403,
    json: [{ errorCode: 'REQUEST_LIMIT_EXCEEDED', message: 'TotalRequests Limit exceeded.' }],
  });
});
