import { createPrivateKey, sign } from 'node:crypto';
import { readFile } from 'node:fs/promises';
import { OAuth2 } from 'jsforce';
import { Failure } from '../domain/failure.ts';
import { salesforceId } from './ids.ts';
import type { SalesforceAuth, SalesforceConnection } from './connection.ts';
import { failureOf, loginFailureFrom } from './errors.ts';
import { readErrorText, readText } from './http.ts';
import type { Http } from './http.ts';
import { transportOf } from './transport.ts';
import type { WithTransport } from './transport.ts';

export interface Grant {
  readonly accessToken: string;
  /** Without a slash at its end. */
  readonly instanceUrl: string;
  /** 18 characters. */
  readonly organizationId: string;
  readonly userId: string;
}

export interface Session {
  /** Logs in the first time; callers at the same time share one login. */
  current(): Promise<Grant>;
  /** A new grant in place of this one, unless somebody else has renewed it meanwhile. */
  renew(stale: Grant): Promise<Grant>;
}

type Flow<Name extends SalesforceAuth['flow']> = Extract<SalesforceAuth, { readonly flow: Name }>;

const assertionLifeS = 180;

function encoded(part: object): string {
  return Buffer.from(JSON.stringify(part)).toString('base64url');
}

/** A signed JWT (RS256) that says: this client logs in as this user. The audience is the login URL. */
async function assertionOf(auth: Flow<'jwtBearer'>, loginUrl: string): Promise<string> {
  const doing = `login at ${loginUrl} with the key file ${auth.privateKeyFile}`;
  let key;
  try {
    key = createPrivateKey(await readFile(auth.privateKeyFile));
  } catch (error) {
    throw failureOf('KEY_UNREADABLE', doing, { cause: error });
  }
  if (key.asymmetricKeyType !== 'rsa') throw failureOf('KEY_UNREADABLE', doing);
  const expiresS = Math.floor(Date.now() / 1000) + assertionLifeS;
  const unsigned = `${encoded({ alg: 'RS256', typ: 'JWT' })}.${encoded({ iss: auth.clientId, sub: auth.username, aud: loginUrl, exp: expiresS })}`;
  return `${unsigned}.${sign('sha256', Buffer.from(unsigned), key).toString('base64url')}`;
}

async function tokenOf(oauth: OAuth2, auth: SalesforceAuth, loginUrl: string): Promise<unknown> {
  switch (auth.flow) {
    case 'clientCredentials':
      return oauth.requestToken({ grant_type: 'client_credentials' });
    case 'jwtBearer':
      return oauth.requestToken({
        grant_type: 'urn:ietf:params:oauth:grant-type:jwt-bearer',
        assertion: await assertionOf(auth, loginUrl),
      });
    case 'refreshToken':
      return oauth.refreshToken(auth.refreshToken);
    default:
      return auth satisfies never;
  }
}

function grantOf(token: unknown, loginUrl: string): Grant {
  const { access_token: accessToken, instance_url: instanceUrl, id } = (token ?? {}) as Record<string, unknown>;
  const [organization, user] = typeof id === 'string' ? id.split('/').slice(-2) : [];
  const organizationId = salesforceId(organization ?? '');
  const userId = salesforceId(user ?? '');
  if (
    typeof accessToken !== 'string' ||
    typeof instanceUrl !== 'string' ||
    URL.parse(instanceUrl) === null ||
    organizationId === null ||
    userId === null
  ) {
    throw failureOf('NOT_JSON', `login at ${loginUrl}`);
  }
  return { accessToken, instanceUrl: instanceUrl.replace(/\/+$/, ''), organizationId, userId };
}

export function createSession(connection: SalesforceConnection, http: Http): Session {
  const { auth } = connection;
  const loginUrl = connection.loginUrl.replace(/\/+$/, '');

  let organization: string | null = null;
  /** One session is one org: another that answers under the same address, as after the refresh of a sandbox, gets no call. */
  function sameOrg(granted: Grant): Grant {
    organization ??= granted.organizationId;
    if (granted.organizationId === organization) return granted;
    throw new Failure(`the login at ${loginUrl} is answered by org ${granted.organizationId}; until now it was ${organization}`, {
      kind: 'permanent',
      code: 'OTHER_ORG',
      exitCode: 2,
      remedy: 'Connect the org that this sync is bound to, or give the new one a sync of its own with another `name`; then start the workers again.',
    });
  }

  async function login(): Promise<Grant> {
    if (URL.parse(loginUrl) === null) throw failureOf('UNREACHABLE', `login at ${loginUrl}`);
    const secret = 'clientSecret' in auth ? auth.clientSecret : undefined;
    const oauth = new OAuth2({ loginUrl, clientId: auth.clientId, ...(secret === undefined ? {} : { clientSecret: secret }) });
    (oauth as unknown as WithTransport)._transport = transportOf(async (call) => {
      const answer = await http.send({ ...call, doing: `login at ${loginUrl}` });
      if (answer.status !== 200) throw loginFailureFrom(answer.status, await readErrorText(answer), loginUrl);
      const body = await readText(answer, `login at ${loginUrl}`);
      return { statusCode: answer.status, headers: answer.headers, body };
    });
    return sameOrg(grantOf(await tokenOf(oauth, auth, loginUrl), loginUrl));
  }

  let grant: Promise<Grant> | null = null;
  function loginOnce(): Promise<Grant> {
    const mine = login();
    grant = mine;
    // a login that failed is not kept: the next call tries again
    mine.catch(() => {
      if (grant === mine) grant = null;
    });
    return mine;
  }

  return {
    current: () => grant ?? loginOnce(),
    async renew(stale) {
      const now = await (grant ?? loginOnce());
      return now === stale ? loginOnce() : now;
    },
  };
}
