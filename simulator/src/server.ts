import { createServer } from 'node:http';
import type { IncomingMessage, Server, ServerResponse } from 'node:http';
import { authenticate } from './auth.ts';
import { ApiError, OAuthError } from './errors.ts';
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

async function answer(org: Org, router: Router, request: IncomingMessage, response: ServerResponse): Promise<void> {
  const startedMs = performance.now();
  const origin = `http://${request.headers.host ?? '127.0.0.1'}`;
  const pathAndQuery = (request.url ?? '/').replace(/^\/+/, '/');
  let path = pathAndQuery.split('?')[0] ?? '/';
  let rows = 0;
  response.setHeader('Date', new Date(org.nowMs()).toUTCString());
  try {
    commitDue(org);
    emptyOldBin(org);
    const url = URL.canParse(pathAndQuery, origin) ? new URL(pathAndQuery, origin) : undefined;
    if (url === undefined) throw new ApiError(400, 'BAD_REQUEST', 'Bad request');
    const found = router.find(request.method ?? 'GET', url.pathname);
    const isRest = url.pathname.replace(/^\/+/, '').toLowerCase().startsWith('services/data/');
    if (isRest && url.pathname.split('/').filter((part) => part !== '').length > 2) {
      countRequest(org);
      response.setHeader('Sforce-Limit-Info', limitInfo(org));
    }
    if (found === null) throw new ApiError(404, 'NOT_FOUND', 'The requested resource does not exist');
    if (found === 'method') throw new ApiError(405, 'METHOD_NOT_ALLOWED', `HTTP Method '${request.method}' not allowed.`);
    path = found.route.pattern;
    if (found.route.access !== 'none') authenticate(org, request, url);
    const call: Call = { org, request, response, url, params: found.params, origin, rows: 0 };
    const result = await found.route.handler(call);
    rows = call.rows;
    if (result !== 'sent') send(response, result instanceof Reply ? result : new Reply(result === undefined ? 204 : 200, result));
  } catch (error) {
    sendError(response, error);
  }
  if (!request.complete) request.resume();
  if (!path.startsWith('/__simulator')) {
    org.log.add({
      at: new Date(org.nowMs()).toISOString(),
      method: request.method ?? 'GET',
      path,
      url: pathAndQuery.split('?')[0] ?? '/',
      status: response.statusCode,
      ms: Math.round(performance.now() - startedMs),
      rows,
    });
  }
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
