import { createServer } from 'node:http';
import type { ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { once } from 'node:events';
import { createSalesforce } from '../../src/salesforce/side.ts';
import type { Salesforce } from '../../src/salesforce/side.ts';

export interface HostileOrg extends AsyncDisposable {
  readonly salesforce: Salesforce;
  /** How the next data calls are answered. Logins are answered well, unless `login` says otherwise. */
  answerWith(answer: (response: ServerResponse, path: string) => void, login?: (response: ServerResponse) => void): void;
  /** Data calls since the last `answerWith`. */
  calls(): number;
}

const idleMs = 700;

/** An org that answers whatever the test says. */
export async function hostileOrg(): Promise<HostileOrg> {
  let answer: (response: ServerResponse, path: string) => void = (response) => response.end();
  let login: ((response: ServerResponse) => void) | undefined;
  let calls = 0;
  const server = createServer((request, response) => {
    response.on('error', () => undefined);
    request.resume().on('end', () => {
      const path = request.url ?? '';
      if (!path.startsWith('/services/oauth2/token')) {
        calls += 1;
        answer(response, path);
      } else if (login !== undefined) login(response);
      else {
        const base = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
        response.end(JSON.stringify({ access_token: `00D!${calls}`, instance_url: base, id: `${base}/id/00D000000000062EAA/005000000000001AAA` }));
      }
    });
  });
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  const url = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
  const auth = { flow: 'clientCredentials', clientId: 'client', clientSecret: 'hush-hush' } as const;
  const make = (): Salesforce =>
    createSalesforce({ loginUrl: url, apiVersion: '66.0', auth }, { connectMs: idleMs, headersMs: idleMs, bodyIdleMs: idleMs });
  let salesforce = make();
  return {
    get salesforce() {
      return salesforce;
    },
    answerWith: (next, nextLogin) => {
      [answer, login, calls] = [next, nextLogin, 0];
      if (nextLogin === undefined) return;
      void salesforce.close();
      salesforce = make();
    },
    calls: () => calls,
    async [Symbol.asyncDispose]() {
      await salesforce.close();
      server.closeAllConnections();
      server.close();
    },
  };
}
