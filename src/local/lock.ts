import { link, readFile, rename, unlink, writeFile } from 'node:fs/promises';
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
      await discardStale(file, found);
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

/** Moves a stale lock away. Two that find the same one both move it: whoever moved a newer one by mistake puts it back. */
async function discardStale(file: string, stale: string): Promise<void> {
  const aside = `${file}.stale.${process.pid}`;
  try {
    await rename(file, aside);
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return;
    throw error;
  }
  if ((await readText(aside)) !== stale) await link(aside, file);
  await unlink(aside);
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
