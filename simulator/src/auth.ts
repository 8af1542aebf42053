import { createHmac, randomBytes, timingSafeEqual, verify } from 'node:crypto';
import type { IncomingMessage } from 'node:http';
import { readText } from './body.ts';
import { ApiError, OAuthError } from './errors.ts';
import type { Org } from './org.ts';
import { Reply } from './router.ts';
import type { Call } from './router.ts';

const same = (left: string, right: string): boolean => {
  const a = Buffer.from(left);
  const b = Buffer.from(right);
  return a.length === b.length && timingSafeEqual(a, b);
};

/** The access token of a request: `Authorization: Bearer` (or `OAuth`), or the query's `oauth_token` as jsforce's identity sends it. */
function tokenOf(request: IncomingMessage, url: URL): string | null {
  const header = /^(?:Bearer|OAuth)\s+(.+)$/i.exec(request.headers.authorization ?? '');
  return header?.[1] ?? url.searchParams.get('oauth_token');
}

/** @throws {ApiError} INVALID_SESSION_ID (401) for a token that is missing, unknown, revoked or expired */
export function authenticate(org: Org, request: IncomingMessage, url: URL): void {
  const token = tokenOf(request, url);
  if (token === null || !isLiveToken(org, token)) throw new ApiError(401, 'INVALID_SESSION_ID', 'Session expired or invalid');
}

/** Ends the access token of a request, if it has one. */
export function endToken(org: Org, request: IncomingMessage, url: URL): void {
  org.store.sql('delete from tokens where token = ?').run(tokenOf(request, url) ?? '');
}

/** Issued, neither revoked nor older than the token lifetime as it is set now. */
export function isLiveToken(org: Org, token: string): boolean {
  const row = org.store.sql('select created_ms from tokens where token = ?').get(token);
  return row !== undefined && Number(row['created_ms']) + org.settings.tokenLifetimeMs > org.nowMs();
}

/** Ends every access token. */
export function revokeAll(org: Org): void {
  org.store.sql('delete from tokens').run();
}

export const isPassword = ({ credentials }: Org, username: string, password: string): boolean =>
  username.toLowerCase() === credentials.username.toLowerCase() && same(password, credentials.password);

/** A new access token of the org's one user, as `00D...!...`. */
export function issueToken(org: Org): string {
  const token = `${org.credentials.organizationId.slice(0, 15)}!AQ${randomBytes(48).toString('base64url').replace(/-/g, '.')}`;
  org.store.sql('delete from tokens where expires_ms < ?').run(org.nowMs() - 24 * 3600_000);
  org.store
    .sql('insert into tokens (token, created_ms, expires_ms) values (?, ?, ?)')
    .run(token, org.nowMs(), org.nowMs() + org.settings.tokenLifetimeMs);
  return token;
}

type Client = { readonly id: string; readonly secret: string | null };

function clientOf(request: IncomingMessage, form: URLSearchParams): Client {
  const basic = /^Basic\s+(.+)$/i.exec(request.headers.authorization ?? '');
  if (basic !== null) {
    const [id = '', ...rest] = Buffer.from(basic[1] ?? '', 'base64')
      .toString('utf8')
      .split(':');
    return { id: formDecoded(id), secret: formDecoded(rest.join(':')) };
  }
  return { id: form.get('client_id') ?? '', secret: form.get('client_secret') };
}

const formDecoded = (text: string): string => new URLSearchParams(`v=${text.replace(/&/g, '%26')}`).get('v') ?? text;

function checkClient(org: Org, client: Client, secretNeeded: boolean): void {
  if (!same(client.id, org.credentials.clientId)) throw new OAuthError('invalid_client_id', 'client identifier invalid');
  if (client.secret === null && !secretNeeded) return;
  if (client.secret === null || !same(client.secret, org.credentials.clientSecret))
    throw new OAuthError('invalid_client', 'invalid client credentials');
}

type Claims = { readonly iss?: unknown; readonly sub?: unknown; readonly aud?: unknown; readonly exp?: unknown };

/** Checks signature, iss, sub, aud and exp (seconds, milliseconds or either as text). @throws {OAuthError} */
function checkAssertion(org: Org, assertion: string, origin: string): void {
  const [header = '', payload = '', signature = '', ...more] = assertion.split('.');
  const json = (part: string): unknown => {
    try {
      return JSON.parse(Buffer.from(part, 'base64url').toString('utf8'));
    } catch (error) {
      if (error instanceof SyntaxError) throw new OAuthError('invalid_grant', 'invalid assertion');
      throw error;
    }
  };
  const algorithm = (json(header) as { alg?: unknown } | null)?.alg;
  const claims = json(payload) as Claims | null;
  if (more.length > 0 || claims === null || typeof claims !== 'object') throw new OAuthError('invalid_grant', 'invalid assertion');
  if (claims.iss !== org.credentials.clientId) throw new OAuthError('invalid_client_id', 'client identifier invalid');
  const signed = Buffer.from(`${header}.${payload}`);
  if (algorithm !== 'RS256' || !verify('RSA-SHA256', signed, org.credentials.publicKey, Buffer.from(signature, 'base64url'))) {
    throw new OAuthError('invalid_grant', 'invalid assertion');
  }
  const audience = String(claims.aud).replace(/\/+$/, '');
  const audiences = ['https://login.salesforce.com', 'https://test.salesforce.com', origin, `${origin}/services/oauth2/token`];
  if (!audiences.includes(audience) && !isLoopback(audience)) throw new OAuthError('invalid_grant', 'audience is invalid');
  if (typeof claims.sub !== 'string' || claims.sub.toLowerCase() !== org.credentials.username.toLowerCase()) {
    throw new OAuthError('invalid_grant', "user hasn't approved this consumer");
  }
  const exp = Number(claims.exp);
  const expiresMs = exp > 100_000_000_000 ? exp : exp * 1000;
  if (!Number.isFinite(expiresMs) || expiresMs <= org.nowMs()) throw new OAuthError('invalid_grant', 'expired authorization code');
}

const isLoopback = (audience: string): boolean => URL.canParse(audience) && ['localhost', '127.0.0.1', '[::1]'].includes(new URL(audience).hostname);

/** POST /services/oauth2/token, in its four flows. */
export async function token({ org, request, origin }: Call): Promise<unknown> {
  const form = new URLSearchParams(await readText(request));
  const client = clientOf(request, form);
  const grant = form.get('grant_type');
  const { credentials } = org;
  switch (grant) {
    case 'client_credentials':
      checkClient(org, client, true);
      return grantAnswer(org, origin, {});
    case 'password':
      checkClient(org, client, true);
      if (!isPassword(org, form.get('username') ?? '', form.get('password') ?? '')) {
        throw new OAuthError('invalid_grant', 'authentication failure');
      }
      return grantAnswer(org, origin, {});
    case 'urn:ietf:params:oauth:grant-type:jwt-bearer':
      checkAssertion(org, form.get('assertion') ?? '', origin);
      return grantAnswer(org, origin, { scope: 'api web refresh_token' });
    case 'refresh_token':
      checkClient(org, client, false);
      if (!same(form.get('refresh_token') ?? '', credentials.refreshToken)) throw new OAuthError('invalid_grant', 'expired access/refresh token');
      return grantAnswer(org, origin, { scope: 'api web refresh_token' });
    default:
      throw new OAuthError('unsupported_grant_type', 'grant type not supported');
  }
}

function grantAnswer(org: Org, origin: string, more: Record<string, string>): Record<string, string> {
  const id = identityUrl(org, origin);
  const issuedAt = String(org.nowMs());
  return {
    access_token: issueToken(org),
    signature: createHmac('sha256', org.credentials.clientSecret)
      .update(id + issuedAt)
      .digest('base64'),
    scope: 'api web',
    instance_url: origin,
    id,
    token_type: 'Bearer',
    issued_at: issuedAt,
    ...more,
  };
}

const identityUrl = (org: Org, origin: string): string => `${origin}/id/${org.credentials.organizationId}/${org.credentials.userId}`;

/** POST (or GET) /services/oauth2/revoke: always 200, as a revoked token tells nothing. */
export async function revoke({ org, request, url }: Call): Promise<unknown> {
  const form = new URLSearchParams(await readText(request));
  org.store.sql('delete from tokens where token = ?').run(form.get('token') ?? url.searchParams.get('token') ?? '');
  return new Reply(200);
}

export function userinfo({ org, origin }: Call): unknown {
  const { userId, organizationId, username } = org.credentials;
  return {
    sub: identityUrl(org, origin),
    user_id: userId,
    organization_id: organizationId,
    preferred_username: username,
    nickname: 'integration',
    name: 'Integration User',
    email: username,
    email_verified: true,
    given_name: 'Integration',
    family_name: 'User',
    active: true,
    user_type: 'STANDARD',
    language: 'en_US',
    locale: 'en_US',
    utcOffset: 0,
    zoneinfo: 'UTC',
    urls: urls(origin, userId),
  };
}

/** GET /id/{org}/{user} */
export function identity({ org, origin }: Call): unknown {
  const { userId, organizationId, username } = org.credentials;
  return {
    id: identityUrl(org, origin),
    asserted_user: true,
    user_id: userId,
    organization_id: organizationId,
    username,
    nick_name: 'integration',
    display_name: 'Integration User',
    email: username,
    first_name: 'Integration',
    last_name: 'User',
    active: true,
    user_type: 'STANDARD',
    language: 'en_US',
    locale: 'en_US',
    utcOffset: 0,
    last_modified_date: '2026-01-01T00:00:00.000+0000',
    urls: urls(origin, userId),
  };
}

const urls = (origin: string, userId: string): Record<string, string> => ({
  rest: `${origin}/services/data/v{version}/`,
  sobjects: `${origin}/services/data/v{version}/sobjects/`,
  query: `${origin}/services/data/v{version}/query/`,
  partner: `${origin}/services/Soap/u/{version}/`,
  profile: `${origin}/${userId}`,
});
