import { createServer } from 'node:http';
import type { IncomingMessage, Server, ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { createSalesforce } from '../../src/salesforce/side.ts';
import type { Salesforce } from '../../src/salesforce/side.ts';

export interface SeenRequest {
  readonly method: string;
  readonly url: string;
  readonly headers: IncomingMessage['headers'];
  readonly body: string;
}

type Handler = (request: SeenRequest, response: ServerResponse) => void;

/** Answers one path prefix after `/services/data/v66.0/`; the test decides what goes wrong. */
export type Handlers = Readonly<Record<string, Handler>>;

export interface StubOrg {
  readonly url: string;
  readonly server: Server;
  readonly seen: SeenRequest[];
  readonly salesforce: Salesforce;
  /** Requests whose path begins so. */
  count(prefix: string): number;
  [Symbol.asyncDispose](): Promise<void>;
}

export function json(response: ServerResponse, value: unknown, status = 200): void {
  response.writeHead(status, { 'content-type': 'application/json;charset=UTF-8', 'sforce-limit-info': 'api-usage=18/15000' });
  response.end(JSON.stringify(value));
}

const dataRoot = '/services/data/v66.0/';

/** An org of a few lines, for answers that no proper server gives: cut bodies, missing headers, a 401 that stays. */
export async function stubOrg(handlers: Handlers): Promise<StubOrg> {
  const seen: SeenRequest[] = [];
  const server = createServer((request, response) => {
    const chunks: Buffer[] = [];
    request.on('data', (chunk: Buffer) => chunks.push(chunk));
    request.on('end', () => {
      const url = request.url ?? '';
      const entry = { method: request.method ?? '', url, headers: request.headers, body: Buffer.concat(chunks).toString('utf8') };
      seen.push(entry);
      const path = url.startsWith(dataRoot) ? url.slice(dataRoot.length) : url;
      const handler = Object.entries(handlers).find(([prefix]) => path.startsWith(prefix))?.[1];
      if (handler !== undefined) handler(entry, response);
      else if (url === '/services/oauth2/token') {
        const { port } = server.address() as AddressInfo;
        const base = `http://127.0.0.1:${port}`;
        json(response, {
          access_token: `00D!${seen.length}`,
          instance_url: `${base}/`,
          id: `${base}/id/00D000000000062EAA/005000000000001AAA`,
          token_type: 'Bearer',
        });
      } else json(response, [{ errorCode: 'NOT_FOUND', message: 'The requested resource does not exist' }], 404);
    });
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const url = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
  const salesforce = createSalesforce(
    { loginUrl: url, apiVersion: '66.0', auth: { flow: 'clientCredentials', clientId: 'client', clientSecret: 'hush-hush' } },
    { connectMs: 2_000, headersMs: 2_000, bodyIdleMs: 1_000 },
  );
  return {
    url,
    server,
    seen,
    salesforce,
    count: (prefix) => seen.filter((request) => request.url.startsWith(prefix)).length,
    async [Symbol.asyncDispose]() {
      await salesforce.close();
      server.closeAllConnections();
      await new Promise((resolve) => server.close(resolve));
    },
  };
}
