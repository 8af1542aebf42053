import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtemp, readdir, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { tryLock, waitForLock } from '../../src/local/lock.ts';
import { identifyProcess, isRunning } from '../../src/local/process-identity.ts';

async function folder(): Promise<string> {
  return mkdtemp(join(tmpdir(), 'crm-sync-lock-'));
}

test('a lock that is held is refused with the holder named, and free after its release', async () => {
  const file = join(await folder(), 'lock');
  const first = await tryLock(file);
  expect(first.kind).toBe('held');
  expect(await tryLock(file)).toEqual({ kind: 'busy', pid: process.pid });
  if (first.kind === 'held') await first.lock.release();
  expect((await tryLock(file)).kind).toBe('held');
});

test('the lock of a process that has ended is free', async () => {
  const file = join(await folder(), 'lock');
  const child = spawn(process.execPath, ['-e', 'setInterval(() => {}, 1000)']);
  await once(child, 'spawn');
  await writeFile(file, JSON.stringify(identifyProcess(child.pid ?? 0)));
  expect((await tryLock(file)).kind).toBe('busy');
  child.kill('SIGKILL');
  await once(child, 'exit');
  expect((await tryLock(file)).kind).toBe('held');
});

test('a later process with the number of a dead holder does not hold its lock', async () => {
  const file = join(await folder(), 'lock');
  await writeFile(file, JSON.stringify({ pid: process.pid, startedAt: '1' }));
  expect((await tryLock(file)).kind).toBe('held');
});

test('a lock file that is empty or no lock at all is free', async () => {
  const file = join(await folder(), 'lock');
  await writeFile(file, '');
  expect((await tryLock(file)).kind).toBe('held');
});

test('of many that find a stale lock at once, one gets it at a time and none is lost', async () => {
  const place = await folder();
  const file = join(place, 'lock');
  await writeFile(file, JSON.stringify({ pid: 1, startedAt: 'long ago' }));
  let inside = 0;
  let most = 0;
  const work = async (): Promise<void> => {
    const lock = await waitForLock(file, () => undefined);
    most = Math.max(most, ++inside);
    await new Promise((resolve) => setImmediate(resolve));
    inside--;
    await lock.release();
  };
  await Promise.all(Array.from({ length: 8 }, work));
  expect(most).toBe(1);
  expect(await readdir(place)).toEqual([]);
});

test('a process that has ended is not running, nor is a zombie', async () => {
  const own = identifyProcess(process.pid);
  expect(own !== undefined && isRunning(own)).toBe(true);
  const child = spawn('true');
  await once(child, 'exit');
  expect(identifyProcess(child.pid ?? 0)).toBeUndefined();
});
