import { linkSync, readFileSync, renameSync, unlinkSync, writeFileSync } from 'node:fs';
import { setTimeout as delay } from 'node:timers/promises';

/**
 * Does the body while this process alone holds the lock, waiting for another one that does.
 * @template T
 * @param {string} file
 * @param {(pid: number) => void} onWait called once if somebody else holds it
 * @param {() => Promise<T>} body
 */
export async function withLock(file, onWait, body) {
  const own = `${process.pid} ${startOf(process.pid)}`;
  const draft = `${file}.${process.pid}`;
  writeFileSync(draft, own);
  try {
    for (let told = false; !tryLink(draft, file);) {
      const holder = readOrNothing(file);
      if (holder === undefined) continue;
      const [pid, started] = holder.split(' ');
      if (startOf(Number(pid)) !== started) {
        discard(file, holder);
        continue;
      }
      if (!told) onWait(Number(pid));
      told = true;
      await delay(250);
    }
    try {
      return await body();
    } finally {
      if (readOrNothing(file) === own) unlinkSync(file);
    }
  } finally {
    unlinkSync(draft);
  }
}

function tryLink(draft, file) {
  try {
    linkSync(draft, file);
    return true;
  } catch (error) {
    if (error.code === 'EEXIST') return false;
    throw error;
  }
}

/** Moves a dead holder's lock away; a newer one that was moved by mistake is put back. */
function discard(file, stale) {
  const aside = `${file}.stale.${process.pid}`;
  try {
    renameSync(file, aside);
  } catch (error) {
    if (error.code === 'ENOENT') return;
    throw error;
  }
  if (readOrNothing(aside) !== stale) tryLink(aside, file);
  unlinkSync(aside);
}

function readOrNothing(file) {
  try {
    return readFileSync(file, 'utf8');
  } catch (error) {
    if (error.code === 'ENOENT') return undefined;
    throw error;
  }
}

/** Tells a process from a later one of the same number; `gone` if there is none. */
function startOf(pid) {
  try {
    process.kill(pid, 0);
  } catch (error) {
    if (error.code !== 'EPERM') return 'gone';
  }
  if (process.platform !== 'linux') return 'alive';
  const stat = readOrNothing(`/proc/${pid}/stat`);
  return stat === undefined ? 'gone' : stat.slice(stat.lastIndexOf(')') + 2).split(' ')[19];
}
