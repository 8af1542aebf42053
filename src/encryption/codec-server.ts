import { createServer } from 'node:http';
import type { IncomingMessage, Server, ServerResponse } from 'node:http';
import type { Payload, PayloadCodec } from '@temporalio/common';
import { z } from 'zod';
import { Failure } from '../domain/failure.ts';

/** A payload in proto JSON: bytes are base64. */
const jsonPayload = z.object({ metadata: z.record(z.string(), z.base64()).nullish(), data: z.base64().nullish() });
const jsonBody = z.object({ payloads: z.array(jsonPayload) });
type JsonPayload = z.infer<typeof jsonPayload>;

const mostBodyBytes = 32 * 1024 * 1024;
const requestTimeoutMs = 30_000;

export interface CodecServerOptions {
  readonly codec: PayloadCodec;
  /** Pages that a browser may call from: the web UI's. */
  readonly origins: readonly string[];
  /** Whether it listens on this machine alone: then a name that is not this machine's is refused, or a page of anywhere could reach it by a name of its own (DNS rebinding). */
  readonly loopback: boolean;
  /** Told what was not anticipated; the request gets no answer. Its message may hold values. */
  readonly onFailure: (error: unknown) => void;
}

/** Temporal's codec server protocol: `POST /encode` and `/decode`, also behind a path of the namespace, with `{"payloads": [...]}` both ways. Not yet listening. */
export function createCodecServer({ codec, origins, loopback, onFailure }: CodecServerOptions): Server {
  const allowed = new Set(origins);
  const server = createServer((request, response) => {
    void answer(request, response).catch((error: unknown) => {
      onFailure(error);
      response.destroy();
    });
  });
  server.requestTimeout = requestTimeoutMs;

  async function answer(request: IncomingMessage, response: ServerResponse): Promise<void> {
    const { origin } = request.headers;
    if (loopback && !isThisMachine(request.headers.host)) return say(response, 403, 'this server answers under the names of this machine only');
    if (origin !== undefined && !allowed.has(origin)) return say(response, 403, 'no page of this origin may call: see --ui-origin');
    response.setHeader('vary', 'Origin');
    if (origin !== undefined) {
      response.setHeader('access-control-allow-origin', origin);
      response.setHeader('access-control-allow-credentials', 'true');
    }
    if (request.method === 'OPTIONS') {
      response.setHeader('access-control-allow-methods', 'POST');
      response.setHeader('access-control-allow-headers', 'authorization, content-type, x-namespace');
      response.setHeader('access-control-max-age', '600');
      return void response.writeHead(204).end();
    }
    const way = /^(?:\/[^/]+)?\/(encode|decode)$/.exec(URL.parse(request.url ?? '', 'http://localhost')?.pathname ?? '')?.[1];
    if (way === undefined) return say(response, 404, 'there are /encode and /decode');
    if (request.method !== 'POST') return say(response, 405, 'POST it');
    const text = await bodyOf(request);
    if (text === null) return say(response, 413, `a body has at most ${mostBodyBytes} bytes`);
    const body = read(text);
    if (body === null) return say(response, 400, 'the body is {"payloads": [{"metadata": {name: base64}, "data": base64}]}');
    try {
      const payloads = body.payloads.map(fromJson);
      const done = await (way === 'encode' ? codec.encode(payloads) : codec.decode(payloads));
      response.writeHead(200, { 'content-type': 'application/json', 'cache-control': 'no-store' });
      response.end(JSON.stringify({ payloads: done.map(toJson) }));
    } catch (error) {
      if (error instanceof Failure) return say(response, 400, error.message);
      throw error;
    }
  }
  return server;
}

function say(response: ServerResponse, status: number, message: string): void {
  response.writeHead(status, { 'content-type': 'application/json', connection: 'close' });
  response.end(JSON.stringify({ message }));
}

/** Null if it is too long. */
async function bodyOf(request: IncomingMessage): Promise<string | null> {
  const chunks: Buffer[] = [];
  let bytes = 0;
  for await (const chunk of request as AsyncIterable<Buffer>) {
    bytes += chunk.length;
    if (bytes > mostBodyBytes) return null;
    chunks.push(chunk);
  }
  return Buffer.concat(chunks).toString('utf8');
}

function read(text: string): z.infer<typeof jsonBody> | null {
  try {
    return jsonBody.safeParse(JSON.parse(text)).data ?? null;
  } catch {
    return null;
  }
}

const base64 = (bytes: Uint8Array): string => Buffer.from(bytes).toString('base64');

function fromJson({ metadata, data }: JsonPayload): Payload {
  return {
    metadata: Object.fromEntries(Object.entries(metadata ?? {}).map(([name, value]) => [name, Buffer.from(value, 'base64')])),
    data: Buffer.from(data ?? '', 'base64'),
  };
}

function toJson({ metadata, data }: Payload): JsonPayload {
  return {
    metadata: Object.fromEntries(Object.entries(metadata ?? {}).map(([name, value]) => [name, base64(value)])),
    data: base64(data ?? new Uint8Array()),
  };
}

function isThisMachine(host: string | undefined): boolean {
  const name = URL.parse(`http://${host ?? ''}`)?.hostname;
  return name === 'localhost' || name === '127.0.0.1' || name === '[::1]';
}
