/** How the sync proves who it is: by one of three OAuth flows. SOAP login and passwords are not among them: Salesforce retires them. */
export type SalesforceAuth =
  | { readonly flow: 'clientCredentials'; readonly clientId: string; readonly clientSecret: string }
  | { readonly flow: 'jwtBearer'; readonly clientId: string; readonly username: string; readonly privateKeyFile: string }
  | { readonly flow: 'refreshToken'; readonly clientId: string; readonly clientSecret?: string | undefined; readonly refreshToken: string };

export interface SalesforceConnection {
  /** `https://login.salesforce.com`, `https://test.salesforce.com` or the org's My Domain address. */
  readonly loginUrl: string;
  /** `66.0`: one version for a job's whole life, another one's answer is HTTP 409. */
  readonly apiVersion: string;
  readonly auth: SalesforceAuth;
}

/** How long one call may stay silent before it counts as lost. */
export interface Timeouts {
  readonly connectMs: number;
  /** From the request to the first byte: a SOQL query may take 120 s. */
  readonly headersMs: number;
  /** Between two parts of a body. */
  readonly bodyIdleMs: number;
}

export const defaultTimeouts: Timeouts = { connectMs: 10_000, headersMs: 150_000, bodyIdleMs: 60_000 };
