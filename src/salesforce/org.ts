import { Connection } from 'jsforce';
import type { SalesforceConnection } from './connection.ts';
import { failureFrom, failureOf } from './errors.ts';
import { readErrorText, readText } from './http.ts';
import type { Answer, Call, Http } from './http.ts';
import { createSession } from './session.ts';
import type { Grant } from './session.ts';
import { transportOf } from './transport.ts';
import type { WithTransport } from './transport.ts';

export interface OrgCall extends Omit<Call, 'url'> {
  /** From the root (`/services/data/...`) or, without a slash, from the version's own: `limits`. */
  readonly path: string;
}

/** One org, logged in to. A session that ran out is renewed once a request; a second 401 is the request's Failure. */
export interface Org {
  grant(): Promise<Grant>;
  /** An answer with status 2xx; anything else is thrown. */
  send(call: OrgCall): Promise<Answer>;
  /** Runs jsforce over `send`. `doing` stands in the messages of all its calls. */
  jsforce<Result>(doing: string, work: (connection: Connection) => Promise<Result>): Promise<Result>;
}

export function createOrg(connection: SalesforceConnection, http: Http): Org {
  const session = createSession(connection, http);
  const root = `/services/data/v${connection.apiVersion}/`;

  async function sendWith(grant: Grant, { path, ...call }: OrgCall): Promise<Answer> {
    const headers = { ...call.headers, authorization: `Bearer ${grant.accessToken}` };
    return http.send({ ...call, headers, url: grant.instanceUrl + (path.startsWith('/') ? path : root + path) });
  }

  async function send(call: OrgCall): Promise<Answer> {
    const grant = await session.current();
    let answer = await sendWith(grant, call);
    if (answer.status === 401) {
      await readErrorText(answer);
      answer = await sendWith(await session.renew(grant), call);
    }
    if (answer.status >= 200 && answer.status < 300) return answer;
    throw failureFrom(answer.status, await readErrorText(answer), call.doing);
  }

  return {
    grant: () => session.current(),
    send,
    async jsforce(doing, work) {
      const grant = await session.current();
      // no client id and no refresh token: jsforce must not renew the session itself, it would follow a 401 for ever
      const jsforce = new Connection({ instanceUrl: grant.instanceUrl, accessToken: grant.accessToken, version: connection.apiVersion });
      (jsforce as unknown as WithTransport)._transport = transportOf(async ({ url, headers, ...call }) => {
        const { pathname, search } = new URL(url);
        const kept = Object.fromEntries(Object.entries(headers ?? {}).filter(([name]) => name.toLowerCase() !== 'authorization'));
        const answer = await send({ ...call, headers: kept, path: pathname + search, doing });
        const body = await readText(answer, doing);
        // jsforce would hand on what is no JSON as text, and read XML or CSV where the header says so
        if (body !== '') parsed(body, answer.status, doing, JSON.parse);
        return { statusCode: answer.status, headers: { ...answer.headers, 'content-type': 'application/json' }, body };
      });
      try {
        return await work(jsforce);
      } catch (error) {
        // jsforce takes apart what comes as if it were what it hopes for
        throw error instanceof TypeError || error instanceof RangeError ? failureOf('BAD_ANSWER', doing, { cause: error }) : error;
      }
    },
  };
}

function parsed(text: string, httpStatus: number, doing: string, parse: (text: string) => unknown): unknown {
  try {
    return parse(text);
  } catch (error) {
    // a RangeError: nested deeper than the stack
    if (error instanceof SyntaxError || error instanceof RangeError) throw failureOf('NOT_JSON', doing, { httpStatus });
    throw error;
  }
}

/** The body as JSON by `parse`; a body that is none (a proxy's page, or half an answer) is a transient Failure. */
export async function readBody(answer: Answer, doing: string, parse: (text: string) => unknown): Promise<unknown> {
  return parsed(await readText(answer, doing), answer.status, doing, parse);
}
