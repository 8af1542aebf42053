import type { ServerResponse } from 'node:http';
import { setTimeout as delay } from 'node:timers/promises';
import { gzipSync } from 'node:zlib';
import fc from 'fast-check';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { Failure } from '../../src/domain/failure.ts';
import { calls } from './calls.ts';
import { hostileOrg } from './hostile-org.ts';
import type { HostileOrg } from './hostile-org.ts';

let org: HostileOrg;
const uncaught: unknown[] = [];
const note = (error: unknown): void => void uncaught.push(error);
beforeAll(async () => {
  org = await hostileOrg();
  process.on('uncaughtException', note).on('unhandledRejection', note);
});
afterAll(async () => {
  process.off('uncaughtException', note).off('unhandledRejection', note);
  await org[Symbol.asyncDispose]();
});

type Answer = (response: ServerResponse) => void;

const patienceMs = 8_000;

/** Makes the call and says how it ended; anything but a value or an anticipated failure, in time, is an error of ours. */
async function outcomeOf(name: string): Promise<'value' | Failure> {
  const ended = (async (): Promise<'value' | Failure> => {
    try {
      await calls[name]!.call(org.salesforce);
      return 'value';
    } catch (error) {
      if (error instanceof Failure) return error;
      throw new Error(`${name} ended with what nobody anticipated`, { cause: error });
    }
  })();
  const late = new AbortController();
  const outcome = await Promise.race([ended, delay(patienceMs, null, { signal: late.signal, ref: false })]);
  late.abort();
  if (outcome === null) throw new Error(`${name} does not end`);
  if (uncaught.length > 0) throw new Error(`${name} let an error escape`, { cause: uncaught.splice(0)[0] });
  return outcome;
}

const names = Object.keys(calls);
const status = fc.oneof(
  { weight: 3, arbitrary: fc.constant(200) },
  { weight: 1, arbitrary: fc.constantFrom(201, 204, 300, 302, 400, 401, 403, 404, 409, 412, 420, 429, 500, 503, 599) },
);

function send(body: Buffer | string, code: number, headers: Readonly<Record<string, string>>): Answer {
  return (response) => {
    response.writeHead(code, { date: new Date().toUTCString(), 'content-type': 'application/json', ...headers });
    response.end(body);
  };
}

test('each call understands what a good org answers', async () => {
  for (const [name, { good, headers = {} }] of Object.entries(calls)) {
    org.answerWith(send(typeof good === 'string' ? good : JSON.stringify(good), 200, headers));
    expect(await outcomeOf(name), name).toBe('value');
  }
});

test('random bytes, of whatever status, type and encoding, end in a value or an anticipated failure', async () => {
  const headers = fc.record(
    {
      'content-type': fc.constantFrom('application/json', 'text/csv', 'text/html', 'text/xml', 'nonsense'),
      'content-encoding': fc.constantFrom('gzip', 'br', 'identity'),
      'sforce-numberofrecords': fc.constantFrom('1', '-1', 'many', '9'.repeat(400)),
      'sforce-locator': fc.constantFrom('null', 'abc', '../..', ''),
      'sforce-limit-info': fc.constantFrom('api-usage=1/0', 'api-usage=9999999999999999999999/1', 'nonsense'),
    },
    { requiredKeys: [] },
  );
  const body = fc.oneof(
    fc.uint8Array({ maxLength: 400 }).map((bytes) => Buffer.from(bytes)),
    fc.json().map((text) => Buffer.from(text)),
    fc.string({ unit: 'binary' }).map((text) => Buffer.from(text)),
    fc.json().map((text) => gzipSync(text)),
  );
  await fc.assert(
    fc.asyncProperty(fc.constantFrom(...names), status, headers, body, async (name, code, given, bytes) => {
      org.answerWith(send(bytes, code, given));
      await outcomeOf(name);
    }),
    { numRuns: 600 },
  );
});

const anyJson = fc.oneof(
  fc.jsonValue({ maxDepth: 2 }),
  fc.constantFrom<unknown>(null, '', 0, -1, 1e308, true, [], {}, [null], [[]], '\0', '__proto__', '2026-13-45', 'x'.repeat(5_000)),
  // What looks like an object's own way to a text or a number is none.
  fc.constantFrom<unknown>({ toString: 1, valueOf: 1 }, [{ toString: null, valueOf: null }]),
);

/** A value in which the part at a place, chosen by numbers, is another one, or is not there. */
function changedAt(value: unknown, choices: readonly number[], other: unknown): unknown {
  const [choice, ...rest] = choices;
  if (choice === undefined || typeof value !== 'object' || value === null) return other;
  const keys = Object.keys(value);
  const key = keys[choice % Math.max(1, keys.length)];
  if (key === undefined) return other;
  const copy: Record<string, unknown> = Array.isArray(value) ? ([...(value as unknown[])] as never) : { ...value };
  if (rest.length === 0 && other === undefined) delete copy[key];
  else copy[key] = changedAt(copy[key], rest, other);
  return copy;
}

test('a good answer with one part of another type, or without it, ends in a value or an anticipated failure', async () => {
  const inJson = names.filter((name) => typeof calls[name]!.good === 'object');
  const places = fc.array(fc.nat(50), { minLength: 1, maxLength: 4 });
  await fc.assert(
    fc.asyncProperty(fc.constantFrom(...inJson), places, fc.option(anyJson, { nil: undefined }), async (name, place, other) => {
      org.answerWith(send(JSON.stringify(changedAt(calls[name]!.good, place, other)) ?? '', 200, {}));
      await outcomeOf(name);
    }),
    { numRuns: 1_500 },
  );
});

test('a login answered with anything is an anticipated failure that does not show it', async () => {
  await fc.assert(
    fc.asyncProperty(status, fc.oneof(anyJson, fc.record({ access_token: anyJson, instance_url: anyJson, id: anyJson })), async (code, token) => {
      org.answerWith(send('{}', 200, {}), send(JSON.stringify(token) ?? '', code, {}));
      const outcome = await outcomeOf('limits');
      expect(outcome).toBeInstanceOf(Failure);
      expect(`${(outcome as Failure).message}${(outcome as Failure).remedy}`).not.toMatch(/hush-hush|x{50}/);
    }),
    { numRuns: 150 },
  );
  org.answerWith(send('{}', 200, {}), undefined);
});

/** Bytes in place of an answer. */
function raw(text: string): Answer {
  return (response) => {
    response.socket?.end(text);
  };
}

const deep = '['.repeat(30_000) + ']'.repeat(30_000);
test.each([
  ['nested 30,000 deep', send(deep, 200, {})],
  ['nested in a field', send(`{"fields":${deep},"records":${deep},"id":${deep}}`, 200, {})],
  ['with a header of a megabyte', send('{}', 200, { 'x-long': 'x'.repeat(1_000_000) })],
  ['with 5,000 headers', send('{}', 200, Object.fromEntries(Array.from({ length: 5_000 }, (_, n) => [`x-${n}`, 'y'])))],
  ['a redirect to itself', send('', 302, { location: '/services/data/v66.0/limits' })],
  ['no HTTP', raw('SSH-2.0-nonsense\r\n')],
  ['another length than it says', raw('HTTP/1.1 200 OK\r\ncontent-length: 5000\r\n\r\n{}')],
  ['chunks that are none', raw('HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\nzz\r\n')],
] as const)('an answer %s ends every call in time', async (_what, answer) => {
  for (const name of names) {
    org.answerWith(answer);
    await outcomeOf(name);
  }
});

/** Writes without an end, as fast as it is read. */
function endless(start: string, piece: string, code: number, headers: Readonly<Record<string, string>> = {}): Answer {
  return (response) => {
    response.writeHead(code, { date: new Date().toUTCString(), 'content-type': 'application/json', ...headers });
    response.write(start);
    const more = (): void => {
      for (let room = true; room && !response.destroyed;) room = response.write(piece);
      if (!response.destroyed) response.once('drain', more);
    };
    more();
  };
}

test.each([
  ['limits', 200],
  ['queryPage', 200],
  ['readIngestResults', 200],
  ['checkQuery', 500],
] as const)('%s with status %i: an answer without an end is given up before it fills the memory', async (name, code) => {
  const start = name === 'readIngestResults' ? '"sf__Id","sf__Error","Id"\n"' : '{"records":["';
  org.answerWith(endless(start, 'x'.repeat(1 << 20), code, calls[name]?.headers));
  const before = process.memoryUsage().rss;
  expect(await outcomeOf(name)).toBeInstanceOf(Failure);
  expect(process.memoryUsage().rss - before).toBeLessThan(300 * 1024 * 1024);
});

test('an answer that grows without an end when it is unzipped is given up as well', async () => {
  const bomb = gzipSync(Buffer.alloc(100_000_000, 0x20), { level: 1 });
  org.answerWith(send(bomb, 200, { 'content-encoding': 'gzip' }));
  expect(await outcomeOf('limits')).toMatchObject({ code: 'ANSWER_TOO_LARGE' });
});

test('lists of jobs without an end are given up', async () => {
  let page = 0;
  const { good } = calls['listOpenIngestJobs']!;
  org.answerWith((response) =>
    send(JSON.stringify({ ...(good as object), done: false, nextRecordsUrl: `/services/data/v66.0/query/${page++}` }), 200, {})(response),
  );
  expect(await outcomeOf('listOpenIngestJobs')).toMatchObject({ code: 'LOCATOR_REPEATED' });
});
