import { execFileSync, spawn, type ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { chmod, mkdtemp, readFile, readdir, rm, stat, writeFile } from 'node:fs/promises';
import { createServer } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { Connection } from '@temporalio/client';
import pg from 'pg';
import { expect, onTestFinished, test } from 'vitest';
import { localEnvironment } from '../../src/config/local.ts';
import { identifyProcess } from '../../src/local/process-identity.ts';
import { readStack, type StackFile } from '../../src/local/stack-file.ts';
import { startStack, type Stack, type StackOptions } from '../../src/local/stack.ts';

const environment = { ...localEnvironment(), temporalAddress: undefined, databaseUrl: undefined };

async function stateFolder(): Promise<string> {
  const folder = await mkdtemp(join(tmpdir(), 'crm-sync-state-'));
  onTestFinished(() => rm(folder, { recursive: true, force: true }));
  return folder;
}

async function up(stateDir: string, change: Partial<StackOptions> = {}): Promise<Stack & { readonly lines: string[] }> {
  const lines: string[] = [];
  const stack = await startStack({ stateDir, parts: ['postgres'], environment, onLine: (line) => lines.push(line), ...change });
  onTestFinished(() => stack.stop());
  return { ...stack, lines };
}

async function query(url: string | undefined, statement: string): Promise<unknown[]> {
  const client = new pg.Client({ connectionString: url });
  client.on('error', () => undefined);
  await client.connect();
  try {
    return (await client.query<Record<string, unknown>>(statement)).rows;
  } finally {
    await client.end();
  }
}

async function canQuery(url: string | undefined): Promise<boolean> {
  return query(url, 'select 1').then(
    () => true,
    () => false,
  );
}

/** Command lines of running processes that mention the folder. */
function processesOf(folder: string): string[] {
  const all = execFileSync('ps', ['-eo', 'pid=,args=', '-ww'], { encoding: 'utf8' }).split('\n');
  return all.filter((line) => line.includes(folder));
}

async function stackFile(stateDir: string): Promise<StackFile> {
  return JSON.parse(await readFile(join(stateDir, 'stack.json'), 'utf8')) as StackFile;
}

test('a stack comes up, says where in stack.json, for its owner alone, and leaves neither process nor file after its stop', async () => {
  const stateDir = await stateFolder();
  const stack = await up(stateDir, { parts: ['postgres', 'temporal'] });
  const file = await stackFile(stateDir);
  expect(file).toEqual(stack.current());
  expect(file).toEqual({
    temporal: {
      address: expect.stringMatching(/^127\.0\.0\.1:\d+$/),
      ui: expect.stringMatching(/^http:\/\/127\.0\.0\.1:\d+$/),
      pid: expect.any(Number),
    },
    postgres: { pid: expect.any(Number) },
    personalization: { url: expect.stringMatching(/^postgres:\/\/.*\/personalization$/) },
    mirror: { url: expect.stringMatching(/^postgres:\/\/.*\/crm_sync$/) },
    pid: process.pid,
  });
  expect((await stat(stateDir)).mode & 0o777).toBe(0o700);
  for (const name of await readdir(stateDir)) {
    // SQLite's journal comes and goes.
    const mode = await stat(join(stateDir, name)).then(
      (found) => found.mode,
      (error: NodeJS.ErrnoException) => (error.code === 'ENOENT' && name.startsWith('temporal.db-') ? 0 : Promise.reject(error)),
    );
    expect(mode & 0o077, name).toBe(0);
  }
  expect(
    await query(file.mirror?.url, `select current_setting('server_encoding') as encoding, current_setting('synchronous_commit') as commit`),
  ).toEqual([{ encoding: 'UTF8', commit: 'on' }]);
  expect((await fetch(file.temporal?.ui ?? '')).status).toBe(200);
  const connection = await Connection.connect({ address: file.temporal?.address ?? '' });
  await connection.workflowService.describeNamespace({ namespace: 'default' });
  await connection.close();
  expect(await readStack(stateDir)).toEqual(file);

  await stack.stop();
  expect(processesOf(stateDir)).toEqual([]);
  expect(await readStack(stateDir)).toBeUndefined();
  expect((await readdir(stateDir)).toSorted()).toEqual(['logs', 'ports.json', 'postgres', 'temporal.db', 'temporal.db.initialized']);
});

test('started again on the same directory it has its data and its ports', async () => {
  const stateDir = await stateFolder();
  const first = await up(stateDir);
  await query(first.current().mirror?.url, 'create table kept as select 42 as answer');
  await first.stop();
  const second = await up(stateDir);
  expect(second.current().mirror).toEqual(first.current().mirror);
  expect(await query(second.current().mirror?.url, 'select answer from kept')).toEqual([{ answer: 42 }]);
});

test('a part that is killed comes back on its port, a line says so, and stack.json follows', async () => {
  const stateDir = await stateFolder();
  const stack = await up(stateDir, { parts: ['postgres', 'temporal'] });
  const before = await stackFile(stateDir);
  await query(before.mirror?.url, 'create table kept as select 42 as answer');
  process.kill(before.postgres?.pid ?? 0, 'SIGKILL');
  process.kill(before.temporal?.pid ?? 0, 'SIGKILL');
  const patience = { timeout: 30_000, interval: 100 };
  await expect.poll(() => stack.lines.filter((line) => line.includes('runs again')).length, patience).toBe(2);
  const after = await stackFile(stateDir);
  expect(after.postgres?.pid).not.toBe(before.postgres?.pid);
  expect(after.temporal?.pid).not.toBe(before.temporal?.pid);
  expect({ ...after.temporal, pid: 0 }).toEqual({ ...before.temporal, pid: 0 });
  expect(stack.lines).toContain(`PostgreSQL (pid ${before.postgres?.pid}) ended by signal SIGKILL; starting it again`);
  expect(await query(after.mirror?.url, 'select answer from kept')).toEqual([{ answer: 42 }]);
});

test('PostgreSQL that is killed under load comes back although sessions were at work', async () => {
  const stateDir = await stateFolder();
  const stack = await up(stateDir);
  const { mirror, postgres } = stack.current();
  const busy = query(mirror?.url, 'select pg_sleep(600)').catch((error: unknown) => error);
  await expect
    .poll(async () =>
      query(
        mirror?.url,
        `select count(*)::int as n from pg_stat_activity where query like '%pg_sleep(600)'  and state = 'active' and pid <> pg_backend_pid()`,
      ),
    )
    .toEqual([{ n: 1 }]);
  process.kill(postgres?.pid ?? 0, 'SIGKILL');
  expect(await busy).toBeInstanceOf(Error);
  await expect.poll(() => canQuery(mirror?.url), { timeout: 30_000, interval: 100 }).toBe(true);
});

test('a port that was taken meanwhile is replaced, and a line says so', async () => {
  const stateDir = await stateFolder();
  const first = await up(stateDir);
  const port = Number(new URL(first.current().mirror?.url ?? '').port);
  await first.stop();
  const squatter = createServer().listen(port, '127.0.0.1');
  await once(squatter, 'listening');
  onTestFinished(() => void squatter.close());
  const second = await up(stateDir);
  const instead = Number(new URL(second.current().mirror?.url ?? '').port);
  expect(instead).not.toBe(port);
  expect(second.lines).toContain(`port ${port} (postgres) is taken by another process; using ${instead} instead`);
  expect(await canQuery(second.current().mirror?.url)).toBe(true);
});

test('a second stack on the directory is refused and the first goes on; on another directory it lives beside', async () => {
  const stateDir = await stateFolder();
  const first = await up(stateDir);
  await expect(up(stateDir)).rejects.toMatchObject({ code: 'STATE_IN_USE', message: expect.stringContaining(`process ${process.pid}`) });
  const beside = await up(await stateFolder());
  expect(await canQuery(first.current().mirror?.url)).toBe(true);
  expect(await canQuery(beside.current().mirror?.url)).toBe(true);
});

test('a directory that cannot be written is an error with the remedy', async () => {
  const file = join(await stateFolder(), 'file');
  await writeFile(file, '');
  await expect(up(join(file, 'state'))).rejects.toMatchObject({ code: 'STATE_UNWRITABLE', remedy: expect.stringContaining('--state') });
});

test('a part that cannot start takes the others down with it, and the error says which and why', async () => {
  const stateDir = await stateFolder();
  const broken = join(stateDir, 'broken-temporal');
  await writeFile(broken, '#!/bin/sh\necho no luck today >&2\nexit 1\n');
  await chmod(broken, 0o755);
  const started = up(stateDir, { parts: ['postgres', 'temporal'], environment: { ...environment, temporalCliPath: broken } });
  await expect(started).rejects.toThrow(/^Temporal server ended with exit code 1 before it answered[^]*no luck today/);
  expect(processesOf(stateDir)).toEqual([]);
});

test('servers that are named and do not answer are errors that name them', async () => {
  const stateDir = await stateFolder();
  const elsewhere = { ...environment, databaseUrl: 'postgres://somebody:secret@127.0.0.1:1/x' };
  const error: unknown = await up(stateDir, { environment: elsewhere }).catch((reason: unknown) => reason);
  expect((error as Error).message).toBe('PostgreSQL: no answer from 127.0.0.1:1 (CRM_SYNC_DATABASE_URL): ECONNREFUSED');
  const unknown = up(stateDir, { parts: ['temporal'], environment: { ...environment, temporalAddress: '127.0.0.1:1' } });
  await expect(unknown).rejects.toThrow('Temporal server: no answer from 127.0.0.1:1, namespace default (TEMPORAL_ADDRESS)');
});

test('a server that is named is used and none is started', async () => {
  const other = await up(await stateFolder(), { parts: ['postgres', 'temporal'] });
  const { mirror, temporal } = other.current();
  const stateDir = await stateFolder();
  const stack = await up(stateDir, {
    parts: ['postgres', 'temporal'],
    environment: { ...environment, databaseUrl: mirror?.url, temporalAddress: temporal?.address },
  });
  expect(stack.current()).toEqual({ temporal: { address: temporal?.address }, personalization: mirror, mirror, pid: process.pid });
  await stack.stop();
  expect(await canQuery(mirror?.url)).toBe(true);
});

async function stackProcess(stateDir: string): Promise<{ readonly child: ChildProcess; readonly errors: string[] }> {
  const child = spawn(process.execPath, [join(import.meta.dirname, 'stack-fixture.ts'), stateDir], { stdio: ['ignore', 'pipe', 'pipe'] });
  const exited = once(child, 'exit');
  onTestFinished(async () => {
    child.kill('SIGTERM');
    await exited;
  });
  const errors: string[] = [];
  createInterface({ input: child.stderr }).on('line', (line) => errors.push(line));
  for await (const line of createInterface({ input: child.stdout })) if (line === 'up') return { child, errors };
  throw new Error(`the stack did not come up: ${errors.join('\n')}`);
}

test('a stack whose process is killed ends its parts, and starts again on the directory', async () => {
  const stateDir = await stateFolder();
  const { child } = await stackProcess(stateDir);
  child.kill('SIGKILL');
  await expect.poll(() => processesOf(join(stateDir)).length, { timeout: 30_000, interval: 100 }).toBe(0);
  const again = await up(stateDir, { parts: ['postgres', 'temporal'] });
  expect(await canQuery(again.current().mirror?.url)).toBe(true);
});

test('a start at once after the process was killed does not meet the old parts', async () => {
  const stateDir = await stateFolder();
  const { child } = await stackProcess(stateDir);
  child.kill('SIGKILL');
  await once(child, 'exit');
  const again = await up(stateDir, { parts: ['postgres', 'temporal'] });
  expect(await canQuery(again.current().mirror?.url)).toBe(true);
  await again.stop();
  expect(processesOf(stateDir)).toEqual([]);
});

test('parts whose guard was killed as well are ended at the next start, which says so', async () => {
  const stateDir = await stateFolder();
  const { child } = await stackProcess(stateDir);
  const { guard } = JSON.parse(await readFile(join(stateDir, 'processes.json'), 'utf8')) as { readonly guard: { readonly pid: number } };
  process.kill(guard.pid, 'SIGKILL');
  await expect.poll(() => identifyProcess(guard.pid)).toBeUndefined();
  child.kill('SIGKILL');
  await once(child, 'exit');
  const again = await up(stateDir);
  expect(again.lines[0]).toBe('ended what an earlier stack left running: Temporal server, PostgreSQL');
});

test('a stack that is killed after its state directory was deleted ends its parts all the same', async () => {
  const stateDir = await stateFolder();
  const { child } = await stackProcess(stateDir);
  await rm(stateDir, { recursive: true, force: true });
  child.kill('SIGKILL');
  await expect.poll(() => processesOf(stateDir).length, { timeout: 30_000, interval: 100 }).toBe(0);
});

test('a stack that gets SIGTERM ends with 0 and leaves no process', async () => {
  const stateDir = await stateFolder();
  const { child } = await stackProcess(stateDir);
  child.kill('SIGTERM');
  expect(await once(child, 'exit')).toEqual([0, null]);
  expect(processesOf(stateDir)).toEqual([]);
});

test('a cluster whose server was killed with the machine starts although its pid belongs to somebody else now', async () => {
  const stateDir = await stateFolder();
  const first = await up(stateDir);
  await first.stop();
  const data = join(stateDir, 'postgres', 'data');
  await writeFile(join(data, 'postmaster.pid'), `${process.pid}\n${data}\n1700000000\n1\n\n127.0.0.1\n\nready\n`);
  const second = await up(stateDir);
  expect(await canQuery(second.current().mirror?.url)).toBe(true);
});

test('a start that is given up leaves nothing', async () => {
  const stateDir = await stateFolder();
  const abandon = new AbortController();
  const started = up(stateDir, {
    signal: abandon.signal,
    beforeWorker: async () => abandon.abort(new Error('given up')),
    parts: ['postgres', 'worker'],
  });
  await expect(started).rejects.toThrow('given up');
  expect(processesOf(stateDir)).toEqual([]);
});
