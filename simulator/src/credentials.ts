import { createPrivateKey, createPublicKey, generateKeyPairSync, randomBytes } from 'node:crypto';
import type { KeyObject } from 'node:crypto';
import { existsSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { checksumOf } from './ids.ts';
import type { Store } from './store.ts';

/** Who may come in. Random for each state directory, and kept in it. */
export type Credentials = {
  readonly clientId: string;
  readonly clientSecret: string;
  readonly username: string;
  readonly password: string;
  readonly refreshToken: string;
  readonly privateKeyFile: string;
  readonly publicKey: KeyObject;
  /** 18 characters. */
  readonly organizationId: string;
  /** 18 characters. */
  readonly userId: string;
};

const random = (bytes: number): string => randomBytes(bytes).toString('hex');
const randomId = (prefix: string): string => {
  const id15 = `${prefix}${random(6).toUpperCase()}`;
  return id15 + checksumOf(id15);
};

type Kept = Omit<Credentials, 'privateKeyFile' | 'publicKey'>;

/** The credentials of this state directory, made on the first start; the private key is a file of its own, mode 0600. */
export function readCredentials(store: Store): Credentials {
  const privateKeyFile = join(store.directory, 'jwt-key.pem');
  if (!existsSync(privateKeyFile)) {
    const { privateKey } = generateKeyPairSync('rsa', {
      modulusLength: 2048,
      privateKeyEncoding: { type: 'pkcs8', format: 'pem' },
      publicKeyEncoding: { type: 'spki', format: 'pem' },
    });
    writeFileSync(privateKeyFile, privateKey, { mode: 0o600 });
  }
  const publicKey = createPublicKey(createPrivateKey(readFileSync(privateKeyFile)));
  const stored = store.meta('credentials');
  if (stored !== undefined) return { ...(JSON.parse(stored) as Kept), privateKeyFile, publicKey };
  const kept: Kept = {
    clientId: `3MVG9${random(20)}`,
    clientSecret: random(32).toUpperCase(),
    username: `integration-${random(4)}@crm.example.com`,
    password: random(12),
    refreshToken: `5Aep${random(30)}`,
    organizationId: randomId('00D'),
    userId: randomId('005'),
  };
  store.setMeta('credentials', JSON.stringify(kept));
  return { ...kept, privateKeyFile, publicKey };
}

/** Gives the org another organization id, as if another org answered under its address; who may come in stays. */
export function changeOrganization(org: { readonly store: Store; credentials: Credentials }, organizationId: string): void {
  org.store.sql('delete from "Organization" where "Id" = ?').run(org.credentials.organizationId);
  org.credentials = { ...org.credentials, organizationId };
  const { privateKeyFile: _file, publicKey: _key, ...kept } = org.credentials;
  org.store.setMeta('credentials', JSON.stringify(kept satisfies Kept));
}
