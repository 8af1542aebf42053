import { createServer } from 'node:http';
import type { IncomingMessage, Server, ServerResponse } from 'node:http';
import { authenticate } from './auth.ts';
import { ApiError, OAuthError } from './errors.ts';
import { findFault, strike } from './fault-answers.ts';
import type { FaultRule } from './faults.ts';
import { commitDue } from './late-commits.ts';
import { countRequest, limitInfo } from './limits.ts';
import type { Org } from './org.ts';
import { emptyOldBin } from './recycle-bin.ts';
import { Reply, Router } from './router.ts';
import type { Call, Route } from './router.ts';

/** The HTTP server of an org: finds the route, checks the token, counts the request, turns errors into Salesforce's answers. */
export function createOrgServer(org: Org, routes: readonly Route[]): Server {
  const router = new Router(routes);
  const server = createServer((request, response) => {
    void answer(org, router, request, response);
  });
  server.keepAliveTimeout = 60_000;
  server.requestTimeout = 0;
  return server;
}

/** What the log says of a request beside its answer; filled in on the way. */
type Noted = { path: string; rows: number; rule: FaultRule | undefined };

async function answer(org: Org, router: Router, request: IncomingMessage, response: ServerResponse): Promise<void> {
  const startedMs = performance.now();
  const pathAndQuery = (request.url ?? '/').replace(/^\/+/, '/');
  const url = pathAndQuery.split('?')[0] ?? '/';
  const noted: Noted = { path: url, rows: 0, rule: undefined };
  response.setHeader('Date', new Date(org.nowMs()).toUTCString());
  try {
    await work(org, router, request, response, pathAndQuery, noted);
  } catch (error) {
    sendError(response, error);
  }
  if (!request.complete) request.resume();
  if (noted.path.startsWith('/__simulator')) return;
  org.log.add({
    at: new Date(org.nowMs()).toISOString(),
    method: request.method ?? 'GET',
    path: noted.path,
    url,
    status: response.destroyed && !response.headersSent ? 0 : response.statusCode,
    ms: Math.round(performance.now() - startedMs),
    rows: noted.rows,
    ...(noted.rule === undefined ? {} : { fault: noted.rule.name }),
  });
}

async function work(
  org: Org,
  router: Router,
  incoming: IncomingMessage,
  response: ServerResponse,
  pathAndQuery: string,
  noted: Noted,
): Promise<void> {
  commitDue(org);
  emptyOldBin(org);
  const origin = `http://${incoming.headers.host ?? '127.0.0.1'}`;
  const url = URL.canParse(pathAndQuery, origin) ? new URL(pathAndQuery, origin) : undefined;
  if (url === undefined) throw new ApiError(400, 'BAD_REQUEST', 'Bad request');
  const found = router.find(incoming.method ?? 'GET', url.pathname);
  if (found !== null && found !== 'method') noted.path = found.route.pattern;
  const { rule, request } = await findFault(org, incoming, url);
  noted.rule = rule;
  const isRest = url.pathname.replace(/^\/+/, '').toLowerCase().startsWith('services/data/');
  if (isRest && url.pathname.split('/').filter((part) => part !== '').length > 2) {
    countRequest(org);
    response.setHeader('Sforce-Limit-Info', limitInfo(org));
  }
  const instead = rule === undefined ? undefined : await strike(org, rule, request, response, url);
  if (instead === 'sent') return;
  if (instead !== undefined) {
    send(response, instead);
    return;
  }
  if (found === null) throw new ApiError(404, 'NOT_FOUND', 'The requested resource does not exist');
  if (found === 'method') throw new ApiError(405, 'METHOD_NOT_ALLOWED', `HTTP Method '${request.method}' not allowed.`);
  if (found.route.access !== 'none') authenticate(org, request, url);
  const call: Call = { org, request, response, url, params: found.params, origin, fault: rule?.fault ?? null, rows: 0 };
  const result = await found.route.handler(call);
  noted.rows = call.rows;
  if (result !== 'sent') send(response, result instanceof Reply ? result : new Reply(result === undefined ? 204 : 200, result));
}

function send(response: ServerResponse, reply: Reply): void {
  if (response.headersSent || response.destroyed) return;
  response.statusCode = reply.status;
  for (const [name, value] of Object.entries(reply.headers)) response.setHeader(name, value);
  if (reply.body === undefined) {
    response.end();
    return;
  }
  const isText = typeof reply.body === 'string';
  if (!response.hasHeader('content-type')) response.setHeader('Content-Type', isText ? 'text/plain;charset=UTF-8' : 'application/json;charset=UTF-8');
  const body = Buffer.from(isText ? String(reply.body) : JSON.stringify(reply.body));
  response.setHeader('Content-Length', body.length);
  response.end(body);
}

function sendError(response: ServerResponse, error: unknown): void {
  if (response.headersSent) {
    response.destroy();
    return;
  }
  if (error instanceof OAuthError) {
    send(response, new Reply(error.status, { error: error.error, error_description: error.message }));
  } else if (error instanceof ApiError) {
    if (error.status === 401) response.setHeader('WWW-Authenticate', 'Token');
    send(
      response,
      new Reply(error.status, [
        { message: error.message, errorCode: error.errorCode, ...(error.fields === undefined ? {} : { fields: error.fields }) },
      ]),
    );
  } else {
    process.stderr.write(`simulator: ${error instanceof Error ? (error.stack ?? error.message) : String(error)}\n`);
    send(response, new Reply(500, [{ message: 'An unexpected error occurred.', errorCode: 'UNKNOWN_EXCEPTION' }]));
  }
}
