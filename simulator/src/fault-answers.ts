import type { IncomingMessage, ServerResponse } from 'node:http';
import { Readable } from 'node:stream';
import { setTimeout as pause } from 'node:timers/promises';
import { endToken } from './auth.ts';
import { readText } from './body.ts';
import { ApiError } from './errors.ts';
import { tamper } from './fault-response.ts';
import type { Fault, FaultRule } from './faults.ts';
import type { Org } from './org.ts';
import { Reply } from './router.ts';

/** One request and what struck it; `request` can still be read, whatever a rule has looked at. */
export type Struck = { readonly rule: FaultRule | undefined; readonly request: IncomingMessage };

/** The rule for a request. A body that a rule looks into is read here (32 MB at most) and handed on. */
export async function findFault(org: Org, request: IncomingMessage, url: URL): Promise<Struck> {
  if (url.pathname.startsWith('/__simulator')) return { rule: undefined, request };
  let read: IncomingMessage | undefined;
  const content = async (): Promise<string> => {
    const body = await readText(request);
    const { method, headers, socket } = request;
    const { 'content-encoding': _unzipped, ...plain } = headers;
    read = Object.assign(Readable.from([Buffer.from(body)]), { method, headers: plain, socket, url: request.url, complete: true }) as IncomingMessage;
    return `${decoded(url.search)}\n${body}`;
  };
  const rule = await org.faults.take({ method: request.method ?? 'GET', path: url.pathname, content });
  return { rule, request: read ?? request };
}

const decoded = (search: string): string => [...new URLSearchParams(search)].map(([name, value]) => `${name}=${value}`).join('\n');

/**
 * Does what a rule says before the org has seen the request. @returns the answer instead of the org's; `'sent'` when there is none;
 * undefined: the org goes on, with what the fault does to its answer, its job or its rows. @throws {ApiError} INVALID_SESSION_ID
 */
export async function strike(
  org: Org,
  rule: FaultRule,
  request: IncomingMessage,
  response: ServerResponse,
  url: URL,
): Promise<Reply | 'sent' | undefined> {
  const { fault, delayMs } = rule;
  const waitMs = fault.kind === 'delay' ? fault.ms : delayMs;
  if (waitMs !== undefined) {
    await pause(waitMs, undefined, { ref: false });
    // The client may have gone: the work is done all the same. The org may have stopped: nothing is.
    if (!org.store.db.isOpen) return 'sent';
  }
  switch (fault.kind) {
    case 'status':
      return statusReply(fault);
    case 'requestLimit':
      return limitReply(org, fault.limit, response);
    case 'html':
      return new Reply(fault.status ?? 503, htmlPage, { 'Content-Type': 'text/html; charset=UTF-8' });
    case 'close':
      response.destroy();
      return 'sent';
    case 'sessionExpired':
      endToken(org, request, url);
      throw new ApiError(401, 'INVALID_SESSION_ID', 'Session expired or invalid');
    case 'loseAnswer':
    case 'drip':
    case 'cut':
    case 'garbage':
    case 'locator':
    case 'wrongCount':
    case 'dropRows':
      tamper(request, response, url, fault);
      return undefined;
    case 'delay':
    case 'job':
    case 'rowError':
      return undefined;
    default:
      return fault satisfies never;
  }
}

const htmlPage = '<!DOCTYPE html>\n<html><head><title>Service Unavailable</title></head><body><h1>We are down for maintenance.</h1></body></html>\n';

function statusReply({ status, errorCode, message, body, contentType }: Extract<Fault, { kind: 'status' }>): Reply {
  const headers = contentType === undefined ? {} : { 'Content-Type': contentType };
  if (body !== undefined) return new Reply(status, body, headers);
  if (errorCode === undefined && message === undefined) return new Reply(status, undefined, headers);
  return new Reply(status, [{ message: message ?? 'An unexpected error occurred.', errorCode: errorCode ?? 'UNKNOWN_EXCEPTION' }], headers);
}

function limitReply(org: Org, limit: 'total' | 'concurrent', response: ServerResponse): Reply {
  const max = org.settings.dailyApiRequests;
  if (limit === 'total') response.setHeader('Sforce-Limit-Info', `api-usage=${max}/${max}`);
  const message = limit === 'total' ? 'TotalRequests Limit exceeded.' : 'ConcurrentRequests (Concurrent API Requests) Limit exceeded.';
  return new Reply(403, [{ message, errorCode: 'REQUEST_LIMIT_EXCEEDED' }]);
}
