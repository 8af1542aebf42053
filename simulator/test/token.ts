/** Where an org answers, and what it lets in. */
export interface OrgAddress {
  readonly url: string;
  readonly credentials: { readonly clientId: string; readonly clientSecret: string };
}

/** An access token by client credentials. */
export async function tokenOf({ url, credentials }: OrgAddress): Promise<string> {
  const { status, json } = await tokenRequest(url, {
    grant_type: 'client_credentials',
    client_id: credentials.clientId,
    client_secret: credentials.clientSecret,
  });
  if (status !== 200) throw new Error(`no token: ${status}`);
  return String(json['access_token']);
}

export async function tokenRequest(url: string, form: Record<string, string>): Promise<{ status: number; json: Record<string, unknown> }> {
  const response = await fetch(`${url}/services/oauth2/token`, { method: 'POST', body: new URLSearchParams(form) });
  return { status: response.status, json: (await response.json()) as Record<string, unknown> };
}
