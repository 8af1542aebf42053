import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { expect, inject, onTestFinished, test } from 'vitest';
import { crmSync } from '../cli/run-cli.ts';
import { startCrmSync } from '../cli/running-cli.ts';
import { testDatabaseUrl } from '../services/database.ts';
import { testNamespace } from '../services/namespace.ts';
import { identityBy, makeAuthority } from './certificates.ts';
import { tlsProxy } from './tls-proxy.ts';

const database = await testDatabaseUrl();
const temporal = await testNamespace();
const authority = makeAuthority();
const server = identityBy(authority, 'the server');
const client = identityBy(authority, 'the sync');

/** A sync whose org does not answer: what is asked here is Temporal. */
async function configured(): Promise<{ readonly cwd: string; readonly file: (name: string) => string }> {
  const cwd = await mkdtemp(path.join(tmpdir(), 'crm-sync-tls-'));
  onTestFinished(() => rm(cwd, { recursive: true, force: true }));
  const lines = [
    'salesforce: { loginUrl: "http://127.0.0.1:1", auth: { flow: clientCredentials, clientId: a, clientSecret: b } }',
    `personalization: { url: "${database}" }`,
    `ledger: { url: "${database}" }`,
  ];
  await writeFile(path.join(cwd, 'crm-sync.yaml'), `${lines.join('\n')}\n`);
  const file = (name: string): string => path.join(cwd, name);
  await Promise.all([
    writeFile(file('ca.pem'), authority.certificate),
    writeFile(file('client.pem'), client.certificate),
    writeFile(file('client.key'), client.key, { mode: 0o600 }),
  ]);
  return { cwd, file };
}

test('worker and commands speak to Temporal over TLS with a client certificate, and doctor says when its key is missing', async () => {
  const { cwd, file } = await configured();
  const { address } = await tlsProxy(inject('temporalAddress'), server, authority.certificate);
  const env = { TEMPORAL_ADDRESS: address, TEMPORAL_NAMESPACE: temporal.namespace, TEMPORAL_TLS_SERVER_CA_CERT_PATH: file('ca.pem') };
  const certificate = { TEMPORAL_TLS_CLIENT_CERT_PATH: file('client.pem') };
  const whole = { ...env, ...certificate, TEMPORAL_TLS_CLIENT_KEY_PATH: file('client.key') };
  const worker = startCrmSync(['worker'], cwd, whole);
  await worker.says('{"ready":true}');
  const fit = await crmSync(['doctor'], { cwd, env: whole });
  expect(fit.stdout).toContain(`ok    Temporal: ${address}, namespace ${temporal.namespace}, answers`);
  const lonely = await crmSync(['doctor'], { cwd, env: { ...env, ...certificate } });
  expect(lonely.stdout).toMatch(/^warn {2}Temporal: a client certificate is set .*, its key .* is not$/m);
  expect(lonely.stdout).toMatch(/^fail {2}Temporal: no answer from the Temporal server at 127\.0\.0\.1:\d+$/m);
  expect(await worker.end('SIGTERM')).toBe(0);
});

test('`up` takes the server that the environment names, over TLS, and so do the commands that find it by its state directory', async () => {
  const { cwd, file } = await configured();
  const { address } = await tlsProxy(inject('temporalAddress'), server, authority.certificate);
  const env = {
    TEMPORAL_ADDRESS: address,
    TEMPORAL_NAMESPACE: temporal.namespace,
    TEMPORAL_TLS_SERVER_CA_CERT_PATH: file('ca.pem'),
    TEMPORAL_TLS_CLIENT_CERT_PATH: file('client.pem'),
    TEMPORAL_TLS_CLIENT_KEY_PATH: file('client.key'),
  };
  const up = startCrmSync(['up', '--state', 'state'], cwd, env);
  await up.says(`up: Temporal ${address}`);
  const { stdout } = await crmSync(['status', '--state', 'state'], { cwd, env });
  expect(stdout).toContain('no run is in progress');
  expect(await up.end('SIGINT')).toBe(0);
});

test('an API key goes over TLS to the server, and into no output', async () => {
  const { cwd, file } = await configured();
  const { address, authorizations } = await tlsProxy(inject('temporalAddress'), server, null);
  const key = 'key-that-nobody-prints';
  const env = { TEMPORAL_ADDRESS: address, TEMPORAL_NAMESPACE: temporal.namespace, TEMPORAL_API_KEY: key };
  const { stdout, stderr } = await crmSync(['doctor'], { cwd, env: { ...env, TEMPORAL_TLS_SERVER_CA_CERT_PATH: file('ca.pem') } });
  expect(stdout).toContain(`ok    Temporal: ${address}`);
  expect([...authorizations]).toEqual([`Bearer ${key}`]);
  expect(stdout + stderr).not.toContain(key);
});
