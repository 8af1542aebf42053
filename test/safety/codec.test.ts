import { randomBytes } from 'node:crypto';
import { once } from 'node:events';
import type { AddressInfo } from 'node:net';
import type { Payload, PayloadCodec } from '@temporalio/common';
import fc from 'fast-check';
import { expect, onTestFinished, test } from 'vitest';
import { createCodecServer } from '../../src/encryption/codec-server.ts';
import { readKeys } from '../../src/encryption/keys.ts';
import { EncryptionCodec } from '../../src/encryption/payload-codec.ts';

const [first, second] = ['2026-a', '2026-b'].map((id) => ({ id, key: randomBytes(32) })) as [
  { id: string; key: Buffer },
  { id: string; key: Buffer },
];
const codec = new EncryptionCodec([first]);
const bytes = (text: string): Uint8Array => Buffer.from(text);
const plain = (text: string): Payload => ({ metadata: { encoding: bytes('json/plain') }, data: bytes(JSON.stringify(text)) });
const flat = ({ metadata, data }: Payload) => ({
  metadata: Object.fromEntries(Object.entries(metadata ?? {}).map(([name, value]) => [name, Buffer.from(value).toString('latin1')])),
  data: Buffer.from(data ?? []).toString('latin1'),
});

test('any payload comes back as it was, and nothing of it can be read in between', async () => {
  const anyBytes = fc.uint8Array({ maxLength: 3_000 });
  await fc.assert(
    fc.asyncProperty(fc.dictionary(fc.string({ minLength: 1 }), anyBytes), anyBytes, async (metadata, data) => {
      const [sealed] = (await codec.encode([{ metadata, data }])) as [Payload];
      expect(flat(sealed).metadata).toEqual({ encoding: 'binary/encrypted', 'encryption-cipher': 'AES-256-GCM', 'encryption-key-id': '2026-a' });
      if (data.length > 8) expect(flat(sealed).data).not.toContain(Buffer.from(data).toString('latin1'));
      const [opened] = (await codec.decode([sealed])) as [Payload];
      expect(flat(opened)).toEqual(flat({ metadata, data }));
    }),
    { numRuns: 200 },
  );
});

test('the same payload never looks the same twice', async () => {
  const sealed = await codec.encode(Array.from({ length: 50 }, () => plain('same')));
  expect(new Set(sealed.map((each) => flat(each).data)).size).toBe(50);
});

test('keys rotate: the first encrypts, the others still decrypt, and what was never encrypted is left as it is', async () => {
  const [old] = (await codec.encode([plain('old')])) as [Payload];
  const rotated = new EncryptionCodec([second, first]);
  const [young] = (await rotated.encode([plain('young')])) as [Payload];
  expect(flat(young).metadata['encryption-key-id']).toBe('2026-b');
  expect((await rotated.decode([old, young, plain('plain')])).map((each) => flat(each).data)).toEqual(['"old"', '"young"', '"plain"']);
  await expect(codec.decode([young])).rejects.toMatchObject({ code: 'KEY_UNKNOWN' });
});

test('what was changed on the way is refused, whatever was changed', async () => {
  const [sealed] = (await codec.encode([plain('balance 100')])) as [Payload];
  const data = Buffer.from(sealed.data ?? []);
  for (let at = 0; at < data.length; at += 1) {
    const changed = Buffer.from(data);
    changed[at]! ^= 1;
    await expect(codec.decode([{ ...sealed, data: changed }])).rejects.toMatchObject({ code: 'PAYLOAD_DAMAGED' });
  }
  for (const length of [0, 11, 27])
    await expect(codec.decode([{ ...sealed, data: data.subarray(0, length) }])).rejects.toMatchObject({ code: 'PAYLOAD_DAMAGED' });
  const renamed = new EncryptionCodec([first, { id: 'other', key: first.key }]);
  await expect(renamed.decode([{ ...sealed, metadata: { ...sealed.metadata, 'encryption-key-id': bytes('other') } }])).rejects.toMatchObject({
    code: 'PAYLOAD_DAMAGED',
  });
});

test('keys are read from lines or a list, with comments; what is wrong is named by its place alone', () => {
  const [a, b] = [randomBytes(32).toString('base64'), randomBytes(32).toString('base64url')];
  expect(readKeys(`# new\nk2=${a}\n  k1=${b} # old\n`)).toMatchObject({ keys: [{ id: 'k2' }, { id: 'k1' }] });
  expect(readKeys(`k2=${a},k1=${b}`)).toMatchObject({ keys: [{ id: 'k2' }, { id: 'k1' }] });
  for (const wrong of ['', '# nothing', 'secret', `k=${randomBytes(16).toString('base64')}`, `k=${a},k=${b}`, `k v=${a}`, `k=${a} hunter2`]) {
    const read = readKeys(wrong);
    expect(read).toHaveProperty('problem');
    expect(JSON.stringify(read)).not.toMatch(/secret|hunter2/);
    expect(JSON.stringify(read)).not.toContain(a);
  }
});

const origin = 'http://localhost:8233';

/** A failure that nobody expects fails the test: it is thrown where nobody catches it. */
const unexpected = (error: unknown): never => {
  throw error;
};

async function served(
  of: PayloadCodec = codec,
  onFailure: (error: unknown) => void = unexpected,
): Promise<(path: string, init?: RequestInit) => Promise<Response>> {
  const server = createCodecServer({ codec: of, origins: [origin], loopback: true, onFailure });
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  onTestFinished(() => {
    server.close();
    server.closeAllConnections();
  });
  const { port } = server.address() as AddressInfo;
  return (path, init) => fetch(`http://127.0.0.1:${port}${path}`, { method: 'POST', ...init });
}

const inJson = (payload: Payload) => ({
  metadata: Object.fromEntries(Object.entries(payload.metadata ?? {}).map(([name, value]) => [name, Buffer.from(value).toString('base64')])),
  data: Buffer.from(payload.data ?? []).toString('base64'),
});

test('the codec server speaks the protocol: decode is what encode undoes, with and without the namespace in the path', async () => {
  const ask = await served();
  const body = JSON.stringify({ payloads: [inJson(plain('a')), { metadata: null, data: null }] });
  const sealed = (await (await ask('/encode', { body })).json()) as { payloads: unknown[] };
  expect(JSON.stringify(sealed)).not.toContain(inJson(plain('a')).data);
  for (const path of ['/decode', '/default/decode']) {
    const opened = await (await ask(path, { body: JSON.stringify(sealed), headers: { 'x-namespace': 'default' } })).json();
    expect(opened).toEqual({ payloads: [inJson(plain('a')), { metadata: {}, data: '' }] });
  }
});

test("the web UI's page may call the codec server, no other page may, nor one that came by a name of its own", async () => {
  const ask = await served();
  const preflight = await ask('/decode', { method: 'OPTIONS', headers: { origin, 'access-control-request-method': 'POST' } });
  expect(preflight.status).toBe(204);
  expect(preflight.headers.get('access-control-allow-origin')).toBe(origin);
  expect(preflight.headers.get('access-control-allow-headers')).toContain('x-namespace');
  expect((await ask('/decode', { body: '{"payloads":[]}', headers: { origin } })).headers.get('access-control-allow-origin')).toBe(origin);
  const stranger = await ask('/decode', { body: '{"payloads":[]}', headers: { origin: 'https://evil.example.com' } });
  expect([stranger.status, stranger.headers.get('access-control-allow-origin')]).toEqual([403, null]);
  const { request } = await import('node:http');
  const target = new URL((await ask('/decode', { body: '{"payloads":[]}' })).url);
  const status = await new Promise((resolve, reject) => {
    const call = request(target, { method: 'POST', headers: { host: 'evil.example.com' } }, (response) => resolve(response.resume().statusCode));
    call.on('error', reject).end('{"payloads":[]}');
  });
  expect(status).toBe(403);
});

test('a failure that nobody anticipated is told to who runs the codec server; the request gets no answer, and the next one does', async () => {
  const told: unknown[] = [];
  const broken = new TypeError('a bug');
  const failing: PayloadCodec = { encode: (payloads) => codec.encode(payloads), decode: () => Promise.reject(broken) };
  const ask = await served(failing, (error) => told.push(error));
  await expect(ask('/decode', { body: '{"payloads":[]}' })).rejects.toThrow();
  expect(told).toEqual([broken]);
  expect((await ask('/encode', { body: '{"payloads":[]}' })).status).toBe(200);
});

test('what is no request of the protocol gets a sentence, and the codec server goes on', async () => {
  const ask = await served();
  const [sealed] = (await new EncryptionCodec([second]).encode([plain('a')])) as [Payload];
  const cases: readonly (readonly [string, RequestInit, number])[] = [
    ['/', { body: '{}' }, 404],
    ['/decode', { method: 'GET' }, 405],
    ['/decode', { body: 'nonsense' }, 400],
    ['/decode', { body: '{"payloads":[{"data":"***"}]}' }, 400],
    ['/decode', { body: `${'['.repeat(50_000)}` }, 400],
    ['/decode', { body: JSON.stringify({ payloads: [inJson(sealed)] }) }, 400],
    ['/decode', { body: 'x'.repeat(33 * 1024 * 1024) }, 413],
  ];
  for (const [path, init, status] of cases) {
    const response = await ask(path, init);
    expect(response.status, path).toBe(status);
    expect(await response.json()).toHaveProperty('message');
  }
  expect((await ask('/encode', { body: '{"payloads":[]}' })).status).toBe(200);
});
