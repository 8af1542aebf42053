import { describe, expect, test } from 'vitest';
import { settingsHash, redact } from '../../src/config/digest.ts';
import { readEnvironment } from '../../src/config/environment.ts';
import { requireConnections } from '../../src/config/load.ts';
import { errorsOf, failureOf, load } from './failure.ts';

const auth = (body: string): string =>
  `salesforce:\n  loginUrl: https://example.my.salesforce.com/\n  auth:\n    ${body.replaceAll('; ', '\n    ')}\n`;

describe('the environment in values', () => {
  test('${NAME} is replaced, also inside a text, and not looked at again', () => {
    const settings = load('ledger: { url: "postgres://sync:${PW}@db/crm" }', { env: { PW: 'a$' + '{B}' } });
    expect(settings.ledger.url).toBe('postgres://sync:a${B}@db/crm');
  });

  test('$${ stands for ${', () => {
    expect(load('objects: { contact: { idAttribute: "$${x}" } }').objects.contact.idAttribute).toBe('${x}');
  });

  test('a number or a word may come from the environment as well', () => {
    expect(load('caps: { pullRecords: "${N}" }\nobjects: { lead: { enabled: "${L}" } }', { env: { N: '12', L: 'true' } })).toMatchObject({
      caps: { pullRecords: 12 },
      objects: { lead: { enabled: true } },
    });
  });

  test('one that is not set is named with its line', () => {
    expect(errorsOf('name: a\nledger:\n  url: ${NOT_THERE}\n')[0]).toMatch(/^crm-sync\.yaml:3: ledger\.url: wants \$\{NOT_THERE\}, which is not set/);
  });

  test.each(['${', '${a b}', '${}', '${1A}'])('%j is refused', (text) => {
    expect(errorsOf(`objects: { contact: { idAttribute: "${text}" } }`)[0]).toContain('not followed by the name of an environment variable');
  });

  test('a value from the environment stands in no message', () => {
    const [error] = errorsOf('approval: ${A}\nledger: { url: "${U}" }', { env: { A: 'geheim1', U: 'geheim2' } }).toSorted();
    expect(errorsOf('approval: ${A}\nledger: { url: "${U}" }', { env: { A: 'geheim1', U: 'geheim2' } }).join()).not.toContain('geheim');
    expect(error).toContain('allowed: firstRun');
  });

  test('a secret that stands in the file stands in no message', () => {
    expect(errorsOf('ledger: { url: "mysql://u:geheim@h/d" }')[0]).not.toContain('geheim');
  });
});

describe('connections', () => {
  test('each flow has its values', () => {
    expect(load(auth('flow: jwtBearer; clientId: c; username: u; privateKeyFile: /k.pem')).salesforce).toMatchObject({
      loginUrl: 'https://example.my.salesforce.com',
      auth: { flow: 'jwtBearer', clientId: 'c', username: 'u', privateKeyFile: '/k.pem' },
    });
    expect(load(auth('flow: clientCredentials; clientId: c; clientSecret: 007')).salesforce.auth).toEqual({
      flow: 'clientCredentials',
      clientId: 'c',
      clientSecret: '007',
    });
    expect(load(auth('flow: refreshToken; clientId: c; refreshToken: r')).salesforce.auth).toEqual({
      flow: 'refreshToken',
      clientId: 'c',
      clientSecret: undefined,
      refreshToken: 'r',
    });
  });

  test('what the flow needs and is missing is named', () => {
    expect(errorsOf(auth('flow: jwtBearer; clientId: c; username: u'))).toEqual([
      'crm-sync.yaml:4: salesforce.auth.privateKeyFile: is missing; the flow jwtBearer needs it',
    ]);
    expect(errorsOf(auth('clientId: c'))[0]).toContain('salesforce.auth.flow: is missing; allowed: jwtBearer, clientCredentials or refreshToken');
    expect(errorsOf(auth('flow: password; clientId: c'))[0]).toContain('allowed: jwtBearer, clientCredentials or refreshToken');
  });

  test('the key file is looked for beside the settings', () => {
    const settings = load(auth('flow: jwtBearer; clientId: c; username: u; privateKeyFile: keys/k.pem'), { file: '/etc/sync/crm-sync.yaml' });
    expect(settings.salesforce.auth).toMatchObject({ privateKeyFile: '/etc/sync/keys/k.pem' });
  });

  test('given connections go before the file, whose variables then need not be set', () => {
    const given = {
      salesforce: { loginUrl: 'http://127.0.0.1:1', auth: { flow: 'clientCredentials', clientId: 'c', clientSecret: 's' } },
      ledgerUrl: 'postgres://a/b',
      personalizationUrl: 'postgres://a/c',
    } as const;
    const settings = load(`${auth('flow: jwtBearer; clientId: ${X}')}ledger: { url: "\${Y}" }`, { connections: given });
    expect(requireConnections(settings)).toBe(settings);
    expect(settings.salesforce).toMatchObject(given.salesforce);
    expect(settings.ledger.url).toBe('postgres://a/b');
  });

  test('all connections that are missing are named at once', () => {
    const failure = failureOf(() => requireConnections(load('ledger: { url: "postgres://a/b" }')));
    for (const key of ['salesforce.loginUrl', 'salesforce.auth.flow', 'personalization.url']) expect(failure.message).toContain(key);
    expect(failure.message).not.toContain('ledger.url');
    expect(failure.exitCode).toBe(2);
  });
});

describe('digest and redaction', () => {
  const connected = `${auth('flow: refreshToken; clientId: c; clientSecret: geheim1; refreshToken: geheim2')}ledger: { url: "postgres://geheim3:geheim4@db:5432/crm?password=geheim5" }\npersonalization: { url: "postgres://geheim6@db/p" }`;

  test('no secret and no user is left', () => {
    const text = JSON.stringify(redact(load(connected)));
    expect(text).not.toContain('geheim');
    expect(text).toContain('postgres://db:5432/crm');
    const other = load(auth('flow: jwtBearer; clientId: c; username: geheim; privateKeyFile: k'));
    expect(JSON.stringify(redact(other))).not.toContain('geheim');
    expect(JSON.stringify(redact(load(auth('flow: clientCredentials; clientId: c; clientSecret: geheim'))))).not.toContain('geheim');
  });

  test('redacting changes nothing else', () => {
    expect(redact(load(''))).toEqual(load(''));
  });

  test('the hash does not depend on connections, spelling or order', () => {
    expect(settingsHash(load(connected))).toBe(settingsHash(load('')));
    expect(settingsHash(load('guards: { rejected: 6%, personsGone: 7% }'))).toBe(settingsHash(load('guards:\n  personsGone: 7.0%\n  rejected: 6%')));
    expect(settingsHash(load(''))).toMatch(/^[0-9a-f]{64}$/);
  });

  test.each([
    'approval: never',
    'objects: { lead: { enabled: true } }',
    'caps: { pullRecords: 1 }',
    'limitWrites: 3',
    'objects: { contact: { matchFieldOrder: ordered } }',
    'ignoreValues: []',
  ])('%s changes the hash', (text) => {
    expect(settingsHash(load(text))).not.toBe(settingsHash(load('')));
  });
});

test('the environment is read into one typed value', () => {
  expect(
    readEnvironment({ CRM_SYNC_CACHE: '/c', TEMPORAL_ADDRESS: 'h:7233', CRM_SYNC_WORKFLOW_BUNDLE: '/b.js', CI: 'true', PATH: '/a:/b' }),
  ).toMatchObject({
    cacheDir: '/c',
    temporalAddress: 'h:7233',
    temporalNamespace: 'default',
    workflowBundle: '/b.js',
    isCi: true,
    searchPath: ['/a', '/b'],
    databaseUrl: undefined,
  });
  expect(readEnvironment({ CI: 'false', TEMPORAL_ADDRESS: '' })).toMatchObject({
    isCi: false,
    temporalAddress: undefined,
    workflowBundle: undefined,
  });
});
