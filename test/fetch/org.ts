import { createSalesforce } from '../../src/salesforce/side.ts';
import type { CrmObject, Salesforce } from '../../src/salesforce/side.ts';
import type { World } from '../night/world.ts';

/** The org as its own users change it: over its public API, with a clock that the test sets. */
export interface Org {
  readonly salesforce: Salesforce;
  create(object: CrmObject, values: object): Promise<string>;
  change(object: CrmObject, id: string, values: object, commitDelaySeconds?: number): Promise<void>;
  remove(object: CrmObject, id: string): Promise<void>;
  /** A call of the SOAP partner API. */
  soap(call: string): Promise<string>;
  settings(change: object): Promise<void>;
  /** Moves the org's clock: changes before lie in the past then. */
  pass(seconds: number): Promise<void>;
  /** Paths of the calls since the last time, without the login; each `GET /.../updated`. */
  calls(): Promise<readonly string[]>;
  close(): Promise<void>;
}

interface Logged {
  readonly method: string;
  readonly path: string;
}

export async function openOrg({ simulator }: Pick<World, 'simulator'>): Promise<Org> {
  const { clientId, clientSecret } = simulator.credentials;
  const auth = { flow: 'clientCredentials', clientId, clientSecret } as const;
  const salesforce = createSalesforce({ loginUrl: simulator.url, apiVersion: '66.0', auth });
  const token = async (): Promise<string> => {
    const body = new URLSearchParams({ grant_type: 'client_credentials', client_id: clientId, client_secret: clientSecret });
    const answer = await fetch(`${simulator.url}/services/oauth2/token`, { method: 'POST', body });
    return ((await answer.json()) as { access_token: string }).access_token;
  };
  const call = async (method: string, path: string, body?: object, headers: Record<string, string> = {}): Promise<unknown> => {
    const answer = await fetch(`${simulator.url}/services/data/v66.0/${path}`, {
      method,
      headers: { authorization: `Bearer ${await token()}`, 'content-type': 'application/json', ...headers },
      ...(body === undefined ? {} : { body: JSON.stringify(body) }),
    });
    const text = await answer.text();
    if (!answer.ok) throw new Error(`${method} ${path}: ${answer.status} ${text}`);
    return text === '' ? null : JSON.parse(text);
  };
  const settings = async (change: object): Promise<void> => {
    const answer = await fetch(`${simulator.url}/__simulator/settings`, { method: 'POST', body: JSON.stringify(change) });
    if (!answer.ok) throw new Error(await answer.text());
  };
  return {
    salesforce,
    create: async (object, values) => ((await call('POST', `sobjects/${object}`, values)) as { id: string }).id,
    change: async (object, id, values, commitDelaySeconds) => {
      await call(
        'PATCH',
        `sobjects/${object}/${id}`,
        values,
        commitDelaySeconds === undefined ? {} : { 'X-Simulator-Commit-Delay': String(commitDelaySeconds) },
      );
    },
    remove: async (object, id) => {
      await call('DELETE', `sobjects/${object}/${id}`);
    },
    soap: async (inner) => {
      const envelope = `<?xml version="1.0" encoding="utf-8"?><soapenv:Envelope xmlns:soapenv="http://schemas.xmlsoap.org/soap/envelope/" xmlns:urn="urn:partner.soap.sforce.com" xmlns:sobj="urn:sobject.partner.soap.sforce.com"><soapenv:Header><urn:SessionHeader><urn:sessionId>${await token()}</urn:sessionId></urn:SessionHeader></soapenv:Header><soapenv:Body>${inner}</soapenv:Body></soapenv:Envelope>`;
      const answer = await fetch(`${simulator.url}/services/Soap/u/66.0`, {
        method: 'POST',
        headers: { 'content-type': 'text/xml', SOAPAction: '""' },
        body: envelope,
      });
      const text = await answer.text();
      if (!answer.ok || !text.includes('<success>true</success>')) throw new Error(text);
      return text;
    },
    settings,
    pass: (seconds) => settings({ advanceSeconds: seconds }),
    calls: async () => {
      const answer = await fetch(`${simulator.url}/__simulator/requests`);
      const logged = ((await answer.json()) as readonly Logged[]).map(({ method, path }) => `${method} ${path}`);
      await fetch(`${simulator.url}/__simulator/requests`, { method: 'DELETE' });
      return logged.filter((each) => each.includes('/services/data'));
    },
    close: () => salesforce.close(),
  };
}
