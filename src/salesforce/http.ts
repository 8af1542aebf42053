import { pipeline, Readable } from 'node:stream';
import { createGunzip } from 'node:zlib';
import { Agent, request } from 'undici';
import { defaultTimeouts } from './connection.ts';
import type { Timeouts } from './connection.ts';
import { failureOf, networkFailure } from './errors.ts';

export type Method = 'GET' | 'POST' | 'PUT' | 'PATCH' | 'DELETE' | 'HEAD' | 'OPTIONS';

export interface Call {
  readonly method: Method;
  readonly url: string;
  readonly headers?: Readonly<Record<string, string>>;
  /** Text, or what opens a fresh stream each time the call is sent. */
  readonly body?: string | (() => Readable);
  /** For messages: `describing Contact`. */
  readonly doing: string;
}

export interface Answer {
  readonly status: number;
  readonly headers: Readonly<Record<string, string | undefined>>;
  /** Unzipped, without NUL. Must be read to its end or destroyed. A body that is cut short ends in a transient Failure. */
  readonly body: Readable;
}

export interface Http {
  /** One call, one answer of whatever status; nothing is retried and no redirect followed. Throws a transient Failure for what the network does. */
  send(call: Call): Promise<Answer>;
  /** Calls to the data API so far: those that count against the org's allowance (a login does not). */
  apiCalls(): number;
  usage(): { readonly used: number; readonly max: number } | null;
  /** The Date header of the newest answer of the data API, and the milliseconds since it came; null before the first. */
  clock(): { readonly dateMs: number; readonly ageMs: number } | null;
  close(): Promise<void>;
}

function withoutNul(chunk: Buffer): Buffer {
  return chunk.includes(0) ? Buffer.from(chunk.filter((byte) => byte !== 0)) : chunk;
}

async function* guarded(source: AsyncIterable<Buffer>, doing: string): AsyncGenerator<Buffer> {
  try {
    for await (const chunk of source) yield withoutNul(chunk);
  } catch (error) {
    throw networkFailure(error, doing);
  }
}

function unzipped(body: Readable): Readable {
  // pipeline hands the error of either to both; the callback is there because it must be, the reader of the returned stream sees the error
  return pipeline(body, createGunzip(), () => undefined);
}

function readableOf(source: Readable, doing: string): Readable {
  const body = Readable.from(guarded(source, doing), { objectMode: false });
  // A body given up before its first byte: the generator never ran, so it cannot close its source, and the source's complaint about that has no reader.
  source.on('error', () => undefined);
  body.once('close', () => source.destroy());
  return body;
}

const usagePattern = /api-usage=(\d+)\/(\d+)/;

export function createHttp(timeouts: Timeouts = defaultTimeouts): Http {
  const agent = new Agent({
    connect: { timeout: timeouts.connectMs },
    allowH2: false,
    headersTimeout: timeouts.headersMs,
    bodyTimeout: timeouts.bodyIdleMs,
  });
  let apiCalls = 0;
  let usage: { used: number; max: number } | null = null;
  let clock: { dateMs: number; atMs: number } | null = null;

  return {
    async send({ method, url, headers, body, doing }) {
      const target = URL.parse(url);
      if (target === null || !/^https?:$/.test(target.protocol)) throw failureOf('UNREACHABLE', doing);
      if (target.pathname.startsWith('/services/data/')) apiCalls += 1;
      try {
        const answer = await request(url, {
          dispatcher: agent,
          method,
          // anything but exactly this makes the Bulk API send plain text
          headers: { ...headers, 'accept-encoding': 'gzip' },
          body: typeof body === 'function' ? body() : (body ?? null),
        });
        const found = usagePattern.exec(String(answer.headers['sforce-limit-info'] ?? ''));
        if (found !== null) usage = { used: Number(found[1]), max: Number(found[2]) };
        const dateMs = Date.parse(String(answer.headers['date'] ?? ''));
        if (target.pathname.startsWith('/services/data/') && !Number.isNaN(dateMs)) clock = { dateMs, atMs: performance.now() };
        const flat = Object.fromEntries(
          Object.entries(answer.headers).map(([name, value]) => [name, Array.isArray(value) ? value.join(', ') : value]),
        );
        const plain = flat['content-encoding']?.toLowerCase() === 'gzip' ? unzipped(answer.body) : answer.body;
        return { status: answer.statusCode, headers: flat, body: readableOf(plain, doing) };
      } catch (error) {
        throw networkFailure(error, doing);
      }
    },
    apiCalls: () => apiCalls,
    usage: () => usage,
    clock: () => (clock === null ? null : { dateMs: clock.dateMs, ageMs: performance.now() - clock.atMs }),
    close: () => agent.destroy(),
  };
}

/** No answer that is read as a whole is longer: 2,000 rows of a page, or the describe of an object with 800 fields, are a tenth of it. */
const mostTextBytes = 64 * 1024 * 1024;
/** Of an answer with an error status nothing but the code is wanted. */
const mostErrorBytes = 256 * 1024;

/** The whole body as text. Characters that lie across two chunks stay whole. Throws ANSWER_TOO_LARGE before it fills the memory. */
export async function readText(answer: Answer, doing: string): Promise<string> {
  const read = await readUpTo(answer, mostTextBytes);
  if (!read.whole) throw failureOf('ANSWER_TOO_LARGE', doing, { httpStatus: answer.status });
  return read.text;
}

/** What an answer with an error status says; nothing where it says too much. */
export async function readErrorText(answer: Answer): Promise<string> {
  const read = await readUpTo(answer, mostErrorBytes);
  return read.whole ? read.text : '';
}

async function readUpTo(answer: Answer, most: number): Promise<{ readonly text: string; readonly whole: boolean }> {
  const chunks: Buffer[] = [];
  let bytes = 0;
  // what is left is not read: leaving the loop destroys the body
  for await (const chunk of answer.body as AsyncIterable<Buffer>) {
    bytes += chunk.length;
    if (bytes > most) return { text: '', whole: false };
    chunks.push(chunk);
  }
  return { text: Buffer.concat(chunks).toString('utf8'), whole: true };
}
