import { link, readFile, unlink, writeFile } from 'node:fs/promises';
import { setTimeout as delay } from 'node:timers/promises';
import { identifyProcess, isRunning, type ProcessIdentity } from './process-identity.ts';

/** A lock is a file that names its holder; that of a process which has ended is free. */
export interface HeldLock {
  readonly release: () => Promise<void>;
}

export type LockAttempt = { readonly kind: 'held'; readonly lock: HeldLock } | { readonly kind: 'busy'; readonly pid: number };

/** Takes the lock, or says who holds it. The file appears with its content in one step, so that nobody reads half of one. */
export async function tryLock(file: string): Promise<LockAttempt> {
  const own = `${JSON.stringify(identifyProcess(process.pid))}\n`;
  const draft = `${file}.${process.pid}.${Math.random().toString(36).slice(2)}`;
  await writeFile(draft, own, { mode: 0o600 });
  try {
    for (;;) {
      try {
        await link(draft, file);
        return { kind: 'held', lock: { release: () => releaseLock(file, own) } };
      } catch (error) {
        if ((error as NodeJS.ErrnoException).code !== 'EEXIST') throw error;
      }
      const found = await readText(file);
      if (found === undefined) continue;
      const holder = parseHolder(found);
      if (holder !== undefined && isRunning(holder)) return { kind: 'busy', pid: holder.pid };
      await discardStale(file, found, draft);
    }
  } finally {
    await unlink(draft);
  }
}

/** Takes the lock, waiting for its holder; `onWait` is called once if there is one. */
export async function waitForLock(file: string, onWait: (pid: number) => void): Promise<HeldLock> {
  let told = false;
  for (;;) {
    const attempt = await tryLock(file);
    if (attempt.kind === 'held') return attempt.lock;
    if (!told) onWait(attempt.pid);
    told = true;
    await delay(200);
  }
}

/**
 * Removes a stale lock. One does it at a time, under a lock of its own, and looks once more: what it removes is the stale one. Who finds somebody at it comes back a
 * moment later.
 */
async function discardStale(file: string, stale: string, draft: string): Promise<void> {
  const breaking = `${file}.breaking`;
  try {
    await link(draft, breaking);
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== 'EEXIST') throw error;
    const found = await readText(breaking);
    const holder = found === undefined ? undefined : parseHolder(found);
    // One that died in these few steps.
    if (found !== undefined && (holder === undefined || !isRunning(holder))) await unlinkIfThere(breaking);
    await delay(5);
    return;
  }
  try {
    if ((await readText(file)) === stale) await unlink(file);
  } finally {
    await unlinkIfThere(breaking);
  }
}

async function unlinkIfThere(file: string): Promise<void> {
  try {
    await unlink(file);
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== 'ENOENT') throw error;
  }
}

async function releaseLock(file: string, own: string): Promise<void> {
  if ((await readText(file)) === own) await unlink(file);
}

async function readText(file: string): Promise<string | undefined> {
  try {
    return await readFile(file, 'utf8');
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return undefined;
    throw error;
  }
}

function parseHolder(text: string): ProcessIdentity | undefined {
  try {
    return JSON.parse(text) as ProcessIdentity;
  } catch {
    // Not written by us: nobody holds it.
    return undefined;
  }
}
