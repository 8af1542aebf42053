import { readdir, readFile, writeFile } from 'node:fs/promises';

/** Linux counts processor time in hundredths of a second. */
const ticksPerSecond = 100;

interface Stat {
  readonly parent: number;
  /** Of the process itself, and of children that have ended and been waited for. */
  readonly seconds: number;
}

/** Undefined once the process is gone. */
async function statOf(pid: number): Promise<Stat | undefined> {
  try {
    const text = await readFile(`/proc/${pid}/stat`, 'utf8');
    // The name, in brackets, may hold spaces.
    const fields = text
      .slice(text.lastIndexOf(')') + 2)
      .split(' ')
      .map(Number);
    const [parent = 0] = fields.slice(1);
    const [user = 0, system = 0, childUser = 0, childSystem = 0] = fields.slice(11);
    return { parent, seconds: (user + system + childUser + childSystem) / ticksPerSecond };
  } catch {
    return undefined;
  }
}

/** Processor seconds that a process and its children have taken since they began (`/proc/PID/stat`). */
export async function processorSeconds(pid: number): Promise<number> {
  const own = await statOf(pid);
  if (own === undefined) return 0;
  let seconds = own.seconds;
  for (const entry of await readdir('/proc')) {
    if (!/^\d+$/.test(entry)) continue;
    const stat = await statOf(Number(entry));
    if (stat?.parent === pid) seconds += stat.seconds;
  }
  return seconds;
}

/** The most memory that a process has held since its start or the last `forgetPeak`, in MB (VmHWM of `/proc/PID/status`). */
export async function peakMegabytes(pid: number): Promise<number> {
  const text = await readFile(`/proc/${pid}/status`, 'utf8');
  return Number(/^VmHWM:\s*(\d+) kB/m.exec(text)?.[1] ?? Number.NaN) / 1024;
}

/** From now on the peak is counted anew. */
export async function forgetPeak(pid: number): Promise<void> {
  await writeFile(`/proc/${pid}/clear_refs`, '5');
}
