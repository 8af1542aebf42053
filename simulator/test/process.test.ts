import { spawn } from 'node:child_process';
import type { ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { statSync } from 'node:fs';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { fileURLToPath } from 'node:url';
import { expect, onTestFinished, test } from 'vitest';
import { call, directoryWith, jobOver } from './harness.ts';
import { tokenOf } from './token.ts';

const main = fileURLToPath(new URL('../src/main.ts', import.meta.url));

type Started = { readonly child: ChildProcess; readonly announced: Record<string, string>; readonly token: string; readonly base: string };

function start(args: readonly string[]): { child: ChildProcess; stderr: () => string } {
  const child = spawn(process.execPath, [main, ...args], { stdio: ['ignore', 'pipe', 'pipe'] });
  onTestFinished(() => void child.kill('SIGKILL'));
  let text = '';
  child.stderr?.on('data', (chunk: Buffer) => {
    text += chunk.toString();
  });
  return { child, stderr: () => text };
}

async function started(args: readonly string[]): Promise<Started> {
  const { child } = start(args);
  const [line] = (await once(createInterface({ input: child.stdout! }), 'line')) as [string];
  const announced = JSON.parse(line) as Record<string, string>;
  const token = await tokenOf({
    url: announced['url'] ?? '',
    credentials: { clientId: announced['clientId'] ?? '', clientSecret: announced['clientSecret'] ?? '' },
  });
  return { child, announced, token, base: `${announced['url']}/services/data/v66.0` };
}

async function exitOf(args: readonly string[]): Promise<{ code: number; stderr: string }> {
  const { child, stderr } = start(args);
  const [code] = (await once(child, 'close')) as [number];
  return { code, stderr: stderr() };
}

test('it announces itself in one JSON line, keeps its secrets to the owner, and ends with 0 on SIGTERM', async () => {
  const state = directoryWith({});
  const { child, announced } = await started(['--port', '0', '--data', directoryWith({}), '--state', state]);
  expect(Object.keys(announced)).toEqual(['url', 'clientId', 'clientSecret', 'username', 'password', 'refreshToken', 'privateKeyFile']);
  expect(statSync(join(state, 'org.db')).mode & 0o077).toBe(0);
  child.kill('SIGTERM');
  expect(await once(child, 'exit')).toEqual([0, null]);
});

test('a port in use, wrong arguments and refused files end with a sentence and the exit code', async () => {
  const { announced } = await started(['--port', '0', '--data', directoryWith({})]);
  const port = new URL(announced['url'] ?? '').port;
  expect(await exitOf(['--port', port, '--data', directoryWith({})])).toEqual({
    code: 1,
    stderr: expect.stringMatching(new RegExp(`port ${port} .* is in use; .*--port`)),
  });
  expect(await exitOf(['--port', 'x', '--synthetic', '1'])).toEqual({ code: 2, stderr: expect.stringMatching(/--port takes a whole number/) });
  expect(await exitOf(['--port', '0', '--data', directoryWith({ 'Lead.csv': 'A,A\n' })])).toEqual({
    code: 2,
    stderr: expect.stringMatching(/Lead\.csv: the header names A twice/),
  });
  expect(await exitOf(['--port', '0', '--data', directoryWith({}), '--state', '/proc/nothing/here'])).toEqual({
    code: 1,
    stderr: expect.stringMatching(/state directory \/proc\/nothing\/here cannot be used/),
  });
});

test('--settings and --person-accounts set up the org; a wrong settings file ends with a sentence and exit code 2', async () => {
  const directory = directoryWith({
    's.json': '{"commitDelaySeconds": 7, "readOnlyFields": ["Contact.Title"]}',
    'wrong.json': '{"nope": 1}',
    'bad.json': '{"bulkPageRows": 0}',
    'no.json': '[',
  });
  const { announced } = await started(['--port', '0', '--data', directoryWith({}), '--settings', join(directory, 's.json'), '--person-accounts']);
  expect(await (await fetch(`${announced['url']}/__simulator/settings`)).json()).toMatchObject({
    commitDelaySeconds: 7,
    readOnlyFields: ['Contact.Title'],
    personAccounts: true,
  });
  const failed = (file: string): Promise<{ code: number; stderr: string }> =>
    exitOf(['--port', '0', '--data', directoryWith({}), '--settings', join(directory, file)]);
  expect(await failed('wrong.json')).toEqual({ code: 2, stderr: expect.stringMatching(/there is no setting nope/) });
  expect(await failed('bad.json')).toEqual({ code: 2, stderr: expect.stringMatching(/bulkPageRows takes a whole number from 1, not 0/) });
  expect(await failed('no.json')).toEqual({ code: 2, stderr: expect.stringMatching(/no\.json cannot be read/) });
});

test('--faults puts the rules of a file in force; a wrong file ends with a sentence and exit code 2', async () => {
  const directory = directoryWith({
    'f.json': '{"seed": 3, "rules": [{"path": "/limits", "fault": {"kind": "html"}}]}',
    'wrong.json': '{"rules": [{"path": "/limits", "fault": {"kind": "htm"}}]}',
    'no.json': '{',
  });
  const given = (file: string): string[] => ['--port', '0', '--data', directoryWith({}), '--faults', join(directory, file)];
  const running = await started(given('f.json'));
  expect(await call(running, 'GET', '/limits')).toMatchObject({ status: 503, text: expect.stringContaining('<html>') });
  expect((await call(running, 'GET', '/limits')).status).toBe(200);
  expect(await exitOf(given('wrong.json'))).toEqual({
    code: 2,
    stderr: expect.stringMatching(/faults: rules\[0\]\.fault\.kind takes status, .*not "htm"/),
  });
  expect(await exitOf(given('no.json'))).toEqual({ code: 2, stderr: expect.stringMatching(/--faults .*no\.json cannot be read/) });
});

test('killed with SIGKILL in the middle of an ingest job, it goes on after a restart and writes every row exactly once', async () => {
  const state = directoryWith({});
  const rows = 30_000;
  const first = await started(['--port', '0', '--synthetic', String(rows), '--seed', '1', '--state', state]);
  const { json: query } = await call(first, 'POST', '/jobs/query', { operation: 'query', query: 'select Id from Contact' });
  await jobOver(first, 'query', query.id);
  const ids = (await call(first, 'GET', `/jobs/query/${query.id}/results`)).text.match(/003\w{15}/g) ?? [];
  const { json: job } = await call(first, 'POST', '/jobs/ingest', { object: 'Contact', operation: 'update' });
  await call(first, 'PUT', `/jobs/ingest/${job.id}/batches`, `Id,Title\n${ids.map((id) => `${id},new`).join('\n')}\n`);
  await call(first, 'PATCH', `/jobs/ingest/${job.id}`, { state: 'UploadComplete' });
  for (;;) {
    const { json } = await call(first, 'GET', `/jobs/ingest/${job.id}`);
    expect(json.state).not.toBe('JobComplete');
    if (json.numberRecordsProcessed > 0) break;
  }
  first.child.kill('SIGKILL');
  await once(first.child, 'exit');
  const second = await started(['--port', '0', '--synthetic', String(rows), '--state', state]);
  expect(second.announced['clientSecret']).toBe(first.announced['clientSecret']);
  expect(await jobOver({ ...second, token: first.token }, 'ingest', job.id)).toMatchObject({
    state: 'JobComplete',
    numberRecordsProcessed: ids.length,
    numberRecordsFailed: 0,
  });
  const updates = (await (await fetch(`${second.announced['url']}/__simulator/updates?object=Contact`)).json()) as { updates: number }[];
  expect(updates).toHaveLength(ids.length);
  expect(updates.every((each) => each.updates === 1)).toBe(true);
  expect((await call(second, 'GET', `/jobs/ingest/${job.id}/successfulResults`)).text.split('\n')).toHaveLength(ids.length + 2);
});
