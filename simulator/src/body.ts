import type { IncomingMessage } from 'node:http';
import { gunzipSync } from 'node:zlib';
import { ApiError } from './errors.ts';

const limitBytes = 32 * 1024 * 1024;

/** The whole body as UTF-8 text. @throws {ApiError} when it is larger than 32 MB */
export async function readText(request: IncomingMessage): Promise<string> {
  const chunks: Buffer[] = [];
  let bytes = 0;
  for await (const chunk of request as AsyncIterable<Buffer>) {
    bytes += chunk.length;
    if (bytes > limitBytes) throw new ApiError(413, 'REQUEST_ENTITY_TOO_LARGE', 'Request entity too large');
    chunks.push(chunk);
  }
  const body = Buffer.concat(chunks);
  return (request.headers['content-encoding'] === 'gzip' ? gunzipSync(body) : body).toString('utf8');
}

export type JsonObject = Record<string, unknown>;
export const isObject = (value: unknown): value is JsonObject => typeof value === 'object' && value !== null && !Array.isArray(value);

/** The body as a JSON object. @throws {ApiError} JSON_PARSER_ERROR */
export async function readJson(request: IncomingMessage): Promise<JsonObject> {
  const text = await readText(request);
  let value: unknown;
  try {
    value = JSON.parse(text);
  } catch (error) {
    if (!(error instanceof SyntaxError)) throw error;
    throw new ApiError(400, 'JSON_PARSER_ERROR', `${error.message} at [line:1, column:1]`);
  }
  if (!isObject(value))
    throw new ApiError(400, 'JSON_PARSER_ERROR', 'Can not deserialize the request body: an object is expected at [line:1, column:1]');
  return value;
}
