import { chmod, mkdir, rename, rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { Failure } from '../domain/failure.ts';
import { tryLock, type HeldLock } from './lock.ts';
import { freePort, isPortFree } from './ports.ts';
import { endProcess, isRunning, type ProcessIdentity } from './process-identity.ts';
import { readJsonFile, stackFileName, startingFileName } from './stack-file.ts';

/** The processes of a stack, for whoever has to end them after it was killed. */
export interface RecordedProcesses {
  readonly guard?: ProcessIdentity;
  readonly parts: readonly { readonly name: string; readonly identity: ProcessIdentity; readonly stopSignal: NodeJS.Signals }[];
}

const processesFileName = 'processes.json';
const portsFileName = 'ports.json';
const lockFileName = 'lock';
const guardPatienceMs = 60_000;
const letGoMs = 2_000;
const leftoverGraceMs = 20_000;

/** Makes the directory, for its owner alone. Throws a Failure (`STATE_UNWRITABLE`). */
export async function makeStateDirectory(stateDir: string): Promise<void> {
  try {
    await mkdir(join(stateDir, 'logs'), { recursive: true, mode: 0o700 });
    await chmod(stateDir, 0o700);
    const probe = join(stateDir, `.probe-${process.pid}`);
    await writeFile(probe, 'x');
    await rm(probe);
  } catch (error) {
    throw new Failure(`the state directory ${stateDir} cannot be written (${(error as NodeJS.ErrnoException).code})`, {
      kind: 'permanent',
      code: 'STATE_UNWRITABLE',
      remedy: 'Name another one with --state DIR, on a disk with some space.',
      cause: error,
    });
  }
}

/**
 * The directory for this process alone. Throws a Failure (`STATE_IN_USE`) if another stack runs on it. What ends the parts of a killed stack
 * holds the lock as well: that is waited for.
 */
export async function lockStateDirectory(stateDir: string): Promise<HeldLock> {
  const begunMs = Date.now();
  for (;;) {
    const attempt = await tryLock(join(stateDir, lockFileName));
    if (attempt.kind === 'held') return attempt.lock;
    const guard = (await readProcesses(stateDir)).guard;
    // What it ended is forgotten a moment before it lets go of the lock.
    const patienceMs = guard === undefined ? letGoMs : guard.pid === attempt.pid ? guardPatienceMs : 0;
    if (Date.now() >= begunMs + patienceMs) {
      throw new Failure(`the state directory ${stateDir} is in use by another stack (process ${attempt.pid})`, {
        kind: 'permanent',
        code: 'STATE_IN_USE',
        remedy: 'Stop that one first, or name another directory with --state DIR: stacks on different directories run side by side.',
      });
    }
    await delay(100);
  }
}

/** The lock for the guard: `busy` if a new stack has it, `gone` if the directory was deleted. */
export async function lockForGuard(stateDir: string): Promise<HeldLock | 'busy' | 'gone'> {
  try {
    const attempt = await tryLock(join(stateDir, lockFileName));
    return attempt.kind === 'held' ? attempt.lock : 'busy';
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return 'gone';
    throw error;
  }
}

/** The worker first: it finishes its words to servers that still answer. PostgreSQL last. */
const stopOrder: readonly string[] = ['Worker', 'Salesforce simulator', 'Temporal server', 'PostgreSQL'];

export function inStopOrder<T extends { readonly name: string }>(parts: readonly T[]): readonly T[] {
  return parts.toSorted((a, b) => stopOrder.indexOf(a.name) - stopOrder.indexOf(b.name));
}

/** Ends what a killed stack left running and forgets it. The caller holds the lock. Returns the parts' names. */
export async function endLeftovers(stateDir: string): Promise<readonly string[]> {
  const processes = await readProcesses(stateDir);
  const ended = await endProcesses(processes);
  const { guard } = processes;
  if (guard !== undefined && guard.pid !== process.pid) await endProcess(guard, 'SIGKILL', 1_000);
  await forgetProcesses(stateDir);
  await removeStackFiles(stateDir);
  return ended;
}

/** Returns the names of those that were still running. */
export async function endProcesses({ parts }: RecordedProcesses): Promise<readonly string[]> {
  const ended: string[] = [];
  for (const { name, identity, stopSignal } of inStopOrder(parts)) {
    if (!isRunning(identity)) continue;
    await endProcess(identity, stopSignal, leftoverGraceMs);
    ended.push(name);
  }
  return ended;
}

export async function recordProcesses(stateDir: string, processes: RecordedProcesses): Promise<void> {
  await writeJsonFile(join(stateDir, processesFileName), processes);
}

export async function forgetProcesses(stateDir: string): Promise<void> {
  await rm(join(stateDir, processesFileName), { force: true });
}

export async function removeStackFiles(stateDir: string): Promise<void> {
  await rm(join(stateDir, stackFileName), { force: true });
  await rm(join(stateDir, startingFileName), { force: true });
}

async function readProcesses(stateDir: string): Promise<RecordedProcesses> {
  return (await readJsonFile<RecordedProcesses>(join(stateDir, processesFileName))) ?? { parts: [] };
}

/** The ports of this directory, the same at every start as long as they are free. `onTaken` is told of one that is not. */
export async function choosePorts<Name extends string>(
  stateDir: string,
  names: readonly Name[],
  onTaken: (name: Name, port: number, instead: number) => void,
): Promise<Readonly<Record<Name, number>>> {
  const file = join(stateDir, portsFileName);
  const remembered = (await readJsonFile<Partial<Record<string, number>>>(file)) ?? {};
  const chosen: Partial<Record<string, number>> = { ...remembered };
  for (const name of names) {
    const port = remembered[name];
    if (port !== undefined && (await isPortFree(port))) continue;
    let instead = await freePort();
    while (Object.values(chosen).includes(instead)) instead = await freePort();
    chosen[name] = instead;
    if (port !== undefined) onTaken(name, port, instead);
  }
  await writeJsonFile(file, chosen);
  return chosen as Record<Name, number>;
}

/** For its owner alone, and in one step: a reader sees the old file or the new one. */
export async function writeJsonFile(path: string, value: unknown): Promise<void> {
  const draft = `${path}.${process.pid}`;
  await writeFile(draft, `${JSON.stringify(value, undefined, 2)}\n`, { mode: 0o600 });
  await rename(draft, path);
}
