import { spawn, type ChildProcess, type SpawnOptions } from 'node:child_process';
import { once } from 'node:events';
import { cp, mkdir, mkdtemp, readdir, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { text } from 'node:stream/consumers';
import { expect, onTestFinished, test } from 'vitest';
import { identifyProcess } from '../../src/local/process-identity.ts';

const root = join(import.meta.dirname, '..', '..');
/** An older Node cannot become another program: this makes ours as old. */
const asOldNode = ['--import', 'data:text/javascript,delete process.execve'];

/** A checkout whose command is the given TypeScript. */
async function checkout(command: string): Promise<string> {
  const folder = await mkdtemp(join(tmpdir(), 'crm-sync-checkout-'));
  onTestFinished(() => rm(folder, { recursive: true, force: true }));
  await cp(join(root, 'bin'), join(folder, 'bin'), { recursive: true });
  await cp(join(root, 'scripts', 'launcher'), join(folder, 'scripts', 'launcher'), { recursive: true });
  await mkdir(join(folder, 'src', 'cli'), { recursive: true });
  await writeFile(join(folder, 'src', 'cli', 'main.ts'), command);
  await writeFile(join(folder, 'package.json'), '{ "name": "x", "version": "1.0.0", "type": "module" }');
  return folder;
}

function start(folder: string, args: readonly string[], options: SpawnOptions = {}): ChildProcess {
  const env = { ...process.env, CRM_SYNC_CACHE: join(folder, 'cache'), ...options.env };
  return spawn(process.execPath, [...asOldNode, join(folder, 'bin', 'crm-sync'), ...args], { stdio: ['ignore', 'pipe', 'pipe'], ...options, env });
}

async function finish(child: ChildProcess): Promise<{ readonly code: unknown; readonly out: string; readonly errors: string }> {
  const [[code], out, errors] = await Promise.all([
    once(child, 'exit'),
    child.stdout === null ? '' : text(child.stdout),
    child.stderr === null ? '' : text(child.stderr),
  ]);
  return { code, out, errors };
}

test('arguments, output and exit code pass through', async () => {
  const folder = await checkout(`console.log(JSON.stringify(process.argv.slice(2))); process.exitCode = 3;`);
  expect(await finish(start(folder, ['demo', '--out', 'a b', '']))).toEqual({ code: 3, out: '["demo","--out","a b",""]\n', errors: '' });
});

test('a Node that can become the command does, with the same result', async () => {
  const folder = await checkout(`console.log(process.pid, process.argv[2]); process.exitCode = 3;`);
  const child = spawn(process.execPath, [join(folder, 'bin', 'crm-sync'), 'runs'], { stdio: ['ignore', 'pipe', 'pipe'] });
  expect(await finish(child)).toEqual({ code: 3, out: `${child.pid} runs\n`, errors: '' });
});

const waits = `
  let count = 0;
  for (const signal of ['SIGINT', 'SIGTERM']) process.on(signal, () => { count++; setTimeout(() => { console.log(signal, count); process.exit(7); }, 200); });
  setInterval(() => {}, 1000);
  console.log('pid ' + process.pid);`;

async function firstLine(child: ChildProcess): Promise<string> {
  if (child.stdout === null) throw new Error('no standard output');
  for await (const line of createInterface({ input: child.stdout })) return line;
  throw new Error('no line');
}

test.each(['SIGINT', 'SIGTERM'] as const)('%s reaches the command exactly once, and the launcher waits for it', async (signal) => {
  const folder = await checkout(waits);
  const child = start(folder, [], { detached: true });
  if (child.stdout === null) throw new Error('no standard output');
  const lines: string[] = [];
  const closed = (async () => {
    for await (const line of createInterface({ input: child.stdout as NonNullable<typeof child.stdout> })) {
      lines.push(line);
      // To the whole process group, as a terminal does.
      if (line.startsWith('pid')) process.kill(-(child.pid ?? 0), signal);
    }
  })();
  expect((await once(child, 'exit'))[0]).toBe(7);
  await closed;
  expect(lines.at(-1)).toBe(`${signal} 1`);
});

test('a command that a signal ended gives 128 and its number', async () => {
  const folder = await checkout(`process.kill(process.pid, 'SIGKILL');`);
  expect((await finish(start(folder, []))).code).toBe(137);
});

test('a launcher that is killed does not leave a stack running', async () => {
  const watch = JSON.stringify(join(root, 'src', 'local', 'launcher.ts'));
  const folder = await checkout(`
    const { watchLauncher } = await import(${watch});
    watchLauncher({ launched: process.env['CRM_SYNC_LAUNCHED'] === '1' });
    setInterval(() => {}, 1000);
    console.log('pid ' + process.pid);`);
  const child = start(folder, []);
  const pid = Number((await firstLine(child)).slice(4));
  expect(identifyProcess(pid)).toBeDefined();
  child.kill('SIGKILL');
  await expect.poll(() => identifyProcess(pid), { timeout: 10_000 }).toBeUndefined();
});

/** A lock file without dependencies: npm needs no network for it. */
async function withLockFile(folder: string, version: string): Promise<void> {
  await writeFile(join(folder, 'package.json'), JSON.stringify({ name: 'x', version, type: 'module', dependencies: { part: 'file:part' } }));
  await mkdir(join(folder, 'part'), { recursive: true });
  await writeFile(join(folder, 'part', 'package.json'), '{ "name": "part", "version": "1.0.0" }');
  const packages = {
    '': { name: 'x', version, dependencies: { part: 'file:part' } },
    part: { version: '1.0.0' },
    'node_modules/part': { resolved: 'part', link: true },
  };
  await writeFile(join(folder, 'package-lock.json'), JSON.stringify({ name: 'x', version, lockfileVersion: 3, requires: true, packages }));
}

test('packages are installed when they are missing, not otherwise, and it is said', async () => {
  const folder = await checkout(`console.log('ran');`);
  await withLockFile(folder, '1.0.0');
  const first = await finish(start(folder, []));
  expect(first).toMatchObject({ code: 0, out: 'ran\n' });
  expect(first.errors).toContain('crm-sync: installing packages');
  expect(await finish(start(folder, []))).toEqual({ code: 0, out: 'ran\n', errors: '' });
  await rm(join(folder, 'node_modules'), { recursive: true });
  expect((await finish(start(folder, []))).errors).toContain('crm-sync: installing packages');
});

test('two launchers at once install once', async () => {
  const folder = await checkout(`console.log('ran');`);
  await withLockFile(folder, '1.0.0');
  const results = await Promise.all([finish(start(folder, [])), finish(start(folder, []))]);
  expect(results.map(({ out }) => out)).toEqual(['ran\n', 'ran\n']);
  expect(results.filter(({ errors }) => errors.includes('installing packages'))).toHaveLength(1);
  expect((await readdir(join(folder, 'cache'))).filter((name) => name.includes('lock'))).toEqual([]);
});

test('a cache folder that cannot be written is one sentence with the remedy', async () => {
  const folder = await checkout(`console.log('ran');`);
  await withLockFile(folder, '1.0.0');
  const cache = join(folder, 'package.json', 'cache');
  const { code, errors } = await finish(start(folder, [], { env: { CRM_SYNC_CACHE: cache } }));
  expect({ code, errors }).toEqual({
    code: 1,
    errors: `crm-sync: the cache folder ${cache} cannot be written (ENOTDIR). Name another one with CRM_SYNC_CACHE.\n`,
  });
});

test('without npm it is one sentence with the remedy', async () => {
  const folder = await checkout(`console.log('ran');`);
  await withLockFile(folder, '1.0.0');
  const { code, errors } = await finish(start(folder, [], { env: { PATH: join(folder, 'nothing') } }));
  expect(code).toBe(1);
  expect(errors).toContain('npm is not on the PATH. Install Node 24 with npm');
});
