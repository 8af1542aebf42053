import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import jsforce from 'jsforce';
import type { Connection } from 'jsforce';
import { onTestFinished } from 'vitest';
import { startSimulator } from '../src/simulator.ts';
import type { Simulator, SimulatorOptions } from '../src/simulator.ts';
import { tokenOf } from './token.ts';

export type Session = { readonly simulator: Simulator; readonly token: string; readonly base: string; readonly warnings: string[] };

/** A new directory with these files. */
export function directoryWith(files: Readonly<Record<string, string | Buffer>>): string {
  const directory = mkdtempSync(join(tmpdir(), 'simulator-test-'));
  onTestFinished(() => rmSync(directory, { recursive: true, force: true }));
  for (const [name, content] of Object.entries(files)) writeFileSync(join(directory, name), content);
  return directory;
}

/** An org with these files, a token for it, and its end when the test ends. */
export async function orgWith(files: Readonly<Record<string, string | Buffer>>, options: SimulatorOptions = {}): Promise<Session> {
  const warnings: string[] = [];
  const simulator = await startSimulator({ dataDirectory: directoryWith(files), warn: (line) => warnings.push(line), ...options });
  onTestFinished(() => simulator.stop());
  return { simulator, token: await tokenOf(simulator), base: `${simulator.url}/services/data/v66.0`, warnings };
}

// Answers are JSON of many shapes, looked at by the test that asked for them.
// eslint-disable-next-line @typescript-eslint/no-explicit-any
type Json = any;
export type Answer = { readonly status: number; readonly headers: Headers; readonly text: string; readonly json: Json };

/** One request with the session's token; a body that is no string is sent as JSON. */
export async function call(
  session: { token: string; base: string },
  method: string,
  path: string,
  body?: unknown,
  headers: Record<string, string> = {},
): Promise<Answer> {
  const response = await fetch(path.startsWith('http') ? path : session.base + path, {
    method,
    headers: {
      authorization: `Bearer ${session.token}`,
      ...(body === undefined ? {} : { 'content-type': typeof body === 'string' ? 'text/csv' : 'application/json' }),
      ...headers,
    },
    ...(body === undefined ? {} : { body: typeof body === 'string' ? body : JSON.stringify(body) }),
  });
  const text = await response.text();
  const isJson = response.headers.get('content-type')?.includes('json') === true;
  return { status: response.status, headers: response.headers, text, json: isJson ? JSON.parse(text) : null };
}

export const soql = (session: Session, query: string, resource = 'query'): Promise<Answer> =>
  call(session, 'GET', `/${resource}?q=${encodeURIComponent(query)}`);
export async function namesOf(session: Session, query: string, resource = 'query'): Promise<string[]> {
  const { json } = await soql(session, query, resource);
  return (json.records as { Name: string }[]).map((record) => record.Name);
}

/** Asks until the job is over. */
export async function jobOver(session: { token: string; base: string }, kind: 'query' | 'ingest', id: string): Promise<Json> {
  for (;;) {
    const { json } = await call(session, 'GET', `/jobs/${kind}/${id}`);
    if (['JobComplete', 'Failed', 'Aborted'].includes(json.state)) return json;
    await new Promise((resolve) => setTimeout(resolve, 5));
  }
}

/** Opens, fills and closes an ingest job, and waits for its end. */
export async function ingest(session: { token: string; base: string }, job: Record<string, string>, csv: string): Promise<Json> {
  const { json } = await call(session, 'POST', '/jobs/ingest', job);
  await call(session, 'PUT', `/jobs/ingest/${json.id}/batches`, csv);
  await call(session, 'PATCH', `/jobs/ingest/${json.id}`, { state: 'UploadComplete' });
  return jobOver(session, 'ingest', json.id);
}

export async function bulkQuery(session: { token: string; base: string }, query: string, operation = 'query'): Promise<Json> {
  const { json } = await call(session, 'POST', '/jobs/query', { operation, query });
  return jobOver(session, 'query', json.id);
}

/** Changes the org's settings while it runs. */
export async function set(session: Session, settings: Record<string, unknown>): Promise<Json> {
  const response = await fetch(`${session.simulator.url}/__simulator/settings`, { method: 'POST', body: JSON.stringify(settings) });
  const json = (await response.json()) as Json;
  if (response.status !== 200) throw new Error(`${response.status} ${json[0].message}`);
  return json;
}

/** Puts these rules of faults in force. */
export async function arm(session: Session, ...rules: readonly unknown[]): Promise<void> {
  const response = await fetch(`${session.simulator.url}/__simulator/faults`, { method: 'PUT', body: JSON.stringify({ rules }) });
  if (response.status !== 200) throw new Error(await response.text());
}

/** How often the rules were met and struck, by their order. */
export async function strikes(session: Session): Promise<{ matched: number; struck: number }[]> {
  const { rules } = (await (await fetch(`${session.simulator.url}/__simulator/faults`)).json()) as Json;
  return rules.map(({ matched, struck }: { matched: number; struck: number }) => ({ matched, struck }));
}

/** What the simulator counted: `updates` or `triggers`, of one object. */
export async function counted(session: Session, what: 'updates' | 'triggers', query: string): Promise<Json[]> {
  return (await (await fetch(`${session.simulator.url}/__simulator/${what}?${query}`)).json()) as Json[];
}

export const jsforceOf = (session: Session, version = '66.0'): Connection =>
  new jsforce.Connection({ instanceUrl: session.simulator.url, accessToken: session.token, version });

/** The records of a queryAll, without their attributes. */
export async function rowsOf(session: Session, query: string): Promise<Record<string, unknown>[]> {
  const { json } = await soql(session, query, 'queryAll');
  return (json.records as Record<string, unknown>[]).map(({ attributes: _attributes, ...rest }) => rest);
}
