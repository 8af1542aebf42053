import { Duplex } from 'node:stream';
import { StreamPromise } from 'jsforce/lib/util/promise.js';
import type { Call, Method } from './http.ts';

/**
 * What jsforce sends its calls through. Its own transport raises an uncaughtException when a body is cut, retries by itself and follows a 401 for ever, so it gets ours:
 * `_transport` is private, hence the exact version in package.json and the contract tests of `test/salesforce/traps.test.ts`.
 */
export interface WithTransport {
  _transport: JsforceTransport;
}

export interface JsforceAnswer {
  readonly statusCode: number;
  readonly headers: Readonly<Record<string, string | undefined>>;
  readonly body: string;
}

interface JsforceRequest {
  readonly url: string;
  readonly method: Method;
  readonly headers?: Readonly<Record<string, string>>;
  readonly body?: string | null;
}

export interface JsforceTransport {
  httpRequest(request: JsforceRequest): Promise<JsforceAnswer>;
}

/** jsforce reads the answer from the promise; the stream beside it is for result files, which we read ourselves. */
function emptyStream(): Duplex {
  const stream = new Duplex({ read: () => undefined, write: (_chunk, _encoding, done) => done() });
  stream.push(null);
  return stream;
}

/** A transport that answers only what went well: `send` throws its Failure for any error status, and jsforce hands it on. */
export function transportOf(send: (call: Omit<Call, 'doing'>) => Promise<JsforceAnswer>): JsforceTransport {
  return {
    httpRequest({ url, method, headers, body }) {
      const promise = send({
        url,
        method,
        ...(headers === undefined ? {} : { headers }),
        ...(body === undefined || body === null ? {} : { body }),
      });
      return StreamPromise.create(() => ({ stream: emptyStream(), promise }));
    },
  };
}
