import { randomBytes } from 'node:crypto';
import type { IncomingMessage, ServerResponse } from 'node:http';
import { setTimeout as pause } from 'node:timers/promises';
import { gzipSync } from 'node:zlib';
import { isObject } from './body.ts';
import type { JsonObject } from './body.ts';
import { firstLocator } from './query-results.ts';
import type { Fault } from './faults.ts';

/** What is done to an answer after the org has given it. */
export type AnswerFault = Extract<Fault, { kind: 'loseAnswer' | 'drip' | 'cut' | 'garbage' | 'locator' | 'wrongCount' | 'dropRows' }>;

/** Keeps back what the handler writes until it is all there, then sends it as the fault wants. The handler's work is done and committed by then. */
export function tamper(request: IncomingMessage, response: ServerResponse, url: URL, fault: AnswerFault): void {
  const chunks: Buffer[] = [];
  const write = response.write.bind(response) as (chunk: Buffer, done?: () => void) => boolean;
  const end = response.end.bind(response) as (chunk?: Buffer) => ServerResponse;
  const keep = (chunk: unknown): void => {
    if (typeof chunk === 'string' || chunk instanceof Uint8Array) chunks.push(Buffer.from(chunk as string));
  };
  const changesBody = fault.kind === 'dropRows' || fault.kind === 'wrongCount' || fault.kind === 'locator';
  const zips = changesBody && /\bgzip\b/i.test(String(request.headers['accept-encoding'] ?? ''));
  // Rows can be counted in plain text only.
  if (zips) delete request.headers['accept-encoding'];
  response.write = (chunk: unknown): boolean => {
    keep(chunk);
    return true;
  };
  response.end = (chunk?: unknown): ServerResponse => {
    keep(chunk);
    Object.assign(response, { write, end });
    const body = Buffer.concat(chunks);
    void send(response, changesBody ? changed(response, url, fault, body, zips) : body, fault);
    return response;
  };
}

async function send(response: ServerResponse, body: Buffer, fault: AnswerFault): Promise<void> {
  switch (fault.kind) {
    case 'loseAnswer':
      response.destroy();
      return;
    case 'cut': {
      const length = Math.min(fault.afterBytes ?? Math.floor(body.length / 2), Math.max(0, body.length - 1));
      const part = body.subarray(0, length);
      if (fault.clean === true) whole(response, part);
      else if (part.length === 0) {
        response.flushHeaders();
        response.destroy();
      } else response.write(part, () => response.destroy());
      return;
    }
    case 'garbage':
      whole(response, randomBytes(fault.bytes));
      return;
    case 'drip':
      for (let at = 0; at < body.length && !response.destroyed; at += fault.bytes) {
        response.write(body.subarray(at, at + fault.bytes));
        await pause(fault.everyMs, undefined, { ref: false });
      }
      response.end();
      return;
    default:
      whole(response, body);
  }
}

/** A body of another length than the handler announced. */
function whole(response: ServerResponse, body: Buffer): void {
  if (response.statusCode !== 204) response.setHeader('Content-Length', body.length);
  response.end(body);
}

/** The answer with another count, locator, or fewer rows. What has none of them stays as it is. */
function changed(response: ServerResponse, url: URL, fault: AnswerFault, body: Buffer, zips: boolean): Buffer {
  const type = String(response.getHeader('content-type') ?? '');
  if (response.statusCode !== 200) return body;
  if (type.includes('json')) return Buffer.from(JSON.stringify(changedJson(url, fault, JSON.parse(body.toString('utf8')))));
  if (!type.includes('csv')) return body;
  if (fault.kind === 'locator' && response.hasHeader('Sforce-Locator')) {
    if (fault.as === 'missing') response.removeHeader('Sforce-Locator');
    else response.setHeader('Sforce-Locator', url.searchParams.get('locator') ?? firstLocator);
  }
  if (fault.kind === 'wrongCount' && response.hasHeader('Sforce-NumberOfRecords'))
    response.setHeader('Sforce-NumberOfRecords', String(Math.max(0, Number(response.getHeader('Sforce-NumberOfRecords')) + fault.by)));
  const csv = fault.kind === 'dropRows' ? withoutLastRows(body.toString('utf8'), fault.rows) : body;
  if (!zips) return Buffer.from(csv);
  response.setHeader('Content-Encoding', 'gzip');
  return gzipSync(csv);
}

function changedJson(url: URL, fault: AnswerFault, json: unknown): unknown {
  if (fault.kind === 'dropRows') {
    if (Array.isArray(json)) return json.slice(0, -fault.rows);
    if (isObject(json) && Array.isArray(json['records'])) return { ...json, records: json['records'].slice(0, -fault.rows) };
  }
  if (!isObject(json)) return json;
  if (fault.kind === 'wrongCount') {
    const counts = ['totalSize', 'numberRecordsProcessed'].filter((name) => typeof json[name] === 'number');
    return { ...json, ...Object.fromEntries(counts.map((name) => [name, Math.max(0, Number(json[name]) + fault.by)])) };
  }
  if (fault.kind === 'locator' && json['nextRecordsUrl'] !== undefined) {
    const { nextRecordsUrl: _next, ...rest } = json;
    return fault.as === 'missing' ? rest : ({ ...rest, nextRecordsUrl: url.pathname + url.search } satisfies JsonObject);
  }
  return json;
}

/** A CSV text without its last rows; its header row stays. Line ends within quotes end no row. */
function withoutLastRows(csv: string, rows: number): string {
  const ends: number[] = [];
  let quoted = false;
  for (let at = 0; at < csv.length; at += 1) {
    if (csv[at] === '"') quoted = !quoted;
    else if (csv[at] === '\n' && !quoted) ends.push(at + 1);
  }
  return csv.slice(0, ends[Math.max(0, ends.length - 1 - rows)] ?? 0);
}
