import { createHash } from 'node:crypto';
import type { SalesforceAuth, Settings } from './settings.ts';

/** JSON with the keys of every map in order, so that equal settings give equal text. */
function stableJson(value: unknown): string {
  if (Array.isArray(value)) return `[${value.map(stableJson).join(',')}]`;
  if (typeof value !== 'object' || value === null) return JSON.stringify(value) ?? 'null';
  const entries = Object.entries(value).filter(([, item]) => item !== undefined);
  return `{${entries
    .toSorted(([a], [b]) => (a < b ? -1 : 1))
    .map(([key, item]) => `${JSON.stringify(key)}:${stableJson(item)}`)
    .join(',')}}`;
}

/**
 * SHA-256 (hexadecimal) of everything that decides what a run does. Connections and secrets are no part of it: a
 * new password, or another port of the same database, changes nothing that was decided.
 */
export function settingsHash(settings: Settings): string {
  const { salesforce, personalization, ledger: _ledger, encryption: _encryption, ...rest } = settings;
  const decides = {
    ...rest,
    salesforce: { apiVersion: salesforce.apiVersion, apiBudget: salesforce.apiBudget },
    personalization: { store: personalization.store },
  };
  return createHash('sha256').update(stableJson(decides)).digest('hex');
}

const hidden = '(hidden)';

/** A database address without user, password and parameters. */
function redactUrl(address: string | undefined): string | undefined {
  if (address === undefined) return undefined;
  const url = URL.parse(address);
  return url === null ? hidden : `${url.protocol}//${url.host}${url.pathname}`;
}

function redactAuth(auth: SalesforceAuth): SalesforceAuth {
  switch (auth.flow) {
    case 'jwtBearer':
      return { ...auth, username: hidden };
    case 'clientCredentials':
      return { ...auth, clientSecret: hidden };
    case 'refreshToken':
      return { ...auth, clientSecret: auth.clientSecret === undefined ? undefined : hidden, refreshToken: hidden };
    default:
      return auth satisfies never;
  }
}

/** The settings without secrets and without the name of a user: fit for logs, reports and the ledger. */
export function redact(settings: Settings): Settings {
  const { salesforce, personalization, ledger, encryption } = settings;
  return {
    ...settings,
    salesforce: { ...salesforce, loginUrl: redactUrl(salesforce.loginUrl), auth: salesforce.auth && redactAuth(salesforce.auth) },
    personalization: { ...personalization, url: redactUrl(personalization.url) },
    ledger: { url: redactUrl(ledger.url) },
    encryption: { ...encryption, keys: encryption.keys && hidden },
  };
}
