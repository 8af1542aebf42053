import type { IncomingMessage, ServerResponse } from 'node:http';
import type { Fault } from './faults.ts';
import type { Org } from './org.ts';

/** One request on its way through a handler. `params` are the path's variable parts, decoded. */
export type Call = {
  readonly org: Org;
  readonly request: IncomingMessage;
  readonly response: ServerResponse;
  readonly url: URL;
  readonly params: Readonly<Record<string, string>>;
  /** `http://host:port`, as the client called it. */
  readonly origin: string;
  /** What is to go wrong with its rows or its job. */
  readonly fault: Fault | null;
  /** Rows sent or taken, for the request log. */
  rows: number;
};

/** Answers `undefined` (204), a JSON value (200), or a `Reply`; or has written the response itself and answers `'sent'`. */
export type Handler = (call: Call) => unknown;

export class Reply {
  readonly status: number;
  readonly body: unknown;
  readonly headers: Readonly<Record<string, string>>;
  constructor(status: number, body?: unknown, headers: Record<string, string> = {}) {
    this.status = status;
    this.body = body;
    this.headers = headers;
  }
}

export type Route = {
  readonly method: string;
  /** `/services/data/:v/sobjects/:object`; fixed parts are met in any case. */
  readonly pattern: string;
  /** `none` for what needs no access token. */
  readonly access?: 'none';
  readonly handler: Handler;
};

type Compiled = { readonly parts: readonly string[]; readonly route: Route };

/** Finds the route of a method and path; double slashes and a last slash do not matter. */
export class Router {
  readonly #routes: readonly Compiled[];

  constructor(routes: readonly Route[]) {
    this.#routes = routes.map((route) => ({ parts: route.pattern.split('/').filter((part) => part !== ''), route }));
  }

  /** The route with its parameters; `'method'` when the path exists with other methods only; null when there is no such path. */
  find(method: string, pathname: string): { route: Route; params: Record<string, string> } | 'method' | null {
    const parts = pathname.split('/').filter((part) => part !== '');
    let pathExists = false;
    for (const { parts: pattern, route } of this.#routes) {
      const params = match(pattern, parts);
      if (params === null) continue;
      if (route.method === method) return { route, params };
      pathExists = true;
    }
    return pathExists ? 'method' : null;
  }
}

function match(pattern: readonly string[], parts: readonly string[]): Record<string, string> | null {
  if (pattern.length !== parts.length) return null;
  const params: Record<string, string> = {};
  for (const [index, expected] of pattern.entries()) {
    const part = parts[index] ?? '';
    if (expected.startsWith(':')) params[expected.slice(1)] = decode(part);
    else if (expected.toLowerCase() !== part.toLowerCase()) return null;
  }
  return params;
}

function decode(part: string): string {
  try {
    return decodeURIComponent(part);
  } catch (error) {
    if (error instanceof URIError) return part;
    throw error;
  }
}
