import { spawn, type ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { closeSync, createWriteStream, openSync } from 'node:fs';
import { readFile } from 'node:fs/promises';
import { createInterface } from 'node:readline';
import type { Readable } from 'node:stream';
import { setTimeout as delay } from 'node:timers/promises';
import { Failure } from '../domain/failure.ts';
import { endProcess, identifyProcess, type ProcessIdentity } from './process-identity.ts';

/** How one server of the stack is started, known to be well, and stopped. `Ready` is what it tells once it answers. */
export interface PartDefinition<Ready> {
  /** As people call it: `PostgreSQL`. */
  readonly name: string;
  readonly command: string;
  readonly args: readonly string[];
  readonly cwd: string;
  readonly env?: NodeJS.ProcessEnv;
  /** Standard output and error go here; the end of it is shown if the part does not start. */
  readonly logFile: string;
  /** How it is asked to end, and how long it may take. */
  readonly stopSignal: NodeJS.Signals;
  readonly stopGraceMs: number;
  readonly startTimeoutMs: number;
  /** What to do if it does not start. */
  readonly remedy: string;
  /** Its lines on standard error are for people as well, not for the log alone. */
  readonly echo?: boolean;
  /** Done before every start, the first included: what a process that was killed left behind. */
  readonly prepare?: () => Promise<void>;
  /** Resolves once the part answers. Rejections are retried until the start times out; `lines` are those of its standard output. */
  readonly ready: (process: PartProcess) => Promise<Ready>;
}

export interface PartProcess {
  readonly pid: number;
  /** The first line of standard output that is a JSON object; only there if `ready` asks for it. */
  readonly firstJsonLine: () => Promise<Readonly<Record<string, unknown>>>;
  /** Aborted when the process ends or its start takes too long. */
  readonly signal: AbortSignal;
}

export interface PartEvents<Ready> {
  readonly onLine: (line: string) => void;
  /** A process of this part was started; told before it answers, so that none is forgotten. */
  readonly onStarted: (identity: ProcessIdentity) => Promise<void>;
  /** It answers: after the first start and after each later one. */
  readonly onReady: (pid: number, ready: Ready) => Promise<void>;
}

export interface Part<Ready> {
  readonly name: string;
  readonly ready: Ready;
  readonly pid: () => number;
  /** Ends it; resolves when it has ended. A repeat waits for the same end. */
  readonly stop: () => Promise<void>;
}

const restartPausesMs = [0, 250, 1_000, 2_000, 5_000, 10_000] as const;

/**
 * Starts a part and keeps it running: if it dies it is started again on the same command line, however often, with a line that says so.
 * Throws a Failure (`PART_FAILED`) if the first start fails or is `abandoned`; its exit code is 2 if the part ended with 2 (wrong usage or settings).
 */
export async function startPart<Ready>(definition: PartDefinition<Ready>, events: PartEvents<Ready>, abandoned?: AbortSignal): Promise<Part<Ready>> {
  const { name } = definition;
  const stopping = new AbortController();
  let current = await startOnce(definition, events, abandoned ?? stopping.signal);
  let stopped: Promise<void> | undefined;

  const watch = async (): Promise<void> => {
    for (;;) {
      const end = await current.ended;
      if (stopping.signal.aborted) return;
      events.onLine(`${name} (pid ${current.pid}) ended ${end}; starting it again`);
      for (let attempt = 0; ; attempt++) {
        await pause(restartPausesMs[Math.min(attempt, restartPausesMs.length - 1)] ?? 0, stopping.signal);
        if (stopping.signal.aborted) return;
        try {
          current = await startOnce(definition, events, stopping.signal);
          // Whoever stopped it while its answer was passed on has ended the one before.
          if (stopping.signal.aborted) return await current.end();
          events.onLine(`${name} runs again (pid ${current.pid})`);
          break;
        } catch (error) {
          if (stopping.signal.aborted) return;
          events.onLine(`${name} did not come back, trying again: ${error instanceof Error ? error.message : String(error)}`);
        }
      }
    }
  };
  const watching = watch();

  const stop = async (): Promise<void> => {
    stopping.abort();
    await current.end();
    await watching;
  };
  return { name, ready: current.ready, pid: () => current.pid, stop: () => (stopped ??= stop()) };
}

interface Ending {
  readonly code: number | null;
  /** `with exit code 1`, `by signal SIGKILL`. */
  readonly how: string;
}

interface RunningPart<Ready> {
  readonly pid: number;
  readonly ready: Ready;
  /** How it ended: `with exit code 1`, `by signal SIGKILL`. */
  readonly ended: Promise<string>;
  readonly end: () => Promise<void>;
}

async function startOnce<Ready>(definition: PartDefinition<Ready>, events: PartEvents<Ready>, stopping: AbortSignal): Promise<RunningPart<Ready>> {
  await definition.prepare?.();
  const child = await spawnPart(definition, events.onLine);
  const pid = child.pid ?? 0;
  const identity = identifyProcess(pid) ?? { pid, startedAt: '' };
  const exited = new Promise<Ending>((resolve) => {
    child.once('exit', (code, signal) => resolve({ code, how: signal === null ? `with exit code ${code}` : `by signal ${signal}` }));
  });
  const end = async (): Promise<void> => {
    if (child.exitCode === null && child.signalCode === null) await endProcess(identity, definition.stopSignal, definition.stopGraceMs);
    await exited;
  };
  // Listening begins at once: the line may be written before anybody asks for it.
  const jsonLine = firstJsonLine(child, definition.logFile);
  // A part that ends without one rejects it, which only who asks for the line wants to know: that it ended is told by `exited`.
  jsonLine.catch(() => undefined);
  try {
    await events.onStarted(identity);
    const ready = await becomeReady(definition, pid, exited, () => jsonLine, stopping);
    await events.onReady(pid, ready);
    return { pid, ready, ended: exited.then(({ how }) => how), end };
  } catch (error) {
    await end();
    throw error;
  }
}

/** Of its own process group: a Ctrl-C in the terminal reaches the stack, which then ends its parts in the right order. */
async function spawnPart<Ready>(definition: PartDefinition<Ready>, onLine: (line: string) => void): Promise<ChildProcess> {
  const log = openSync(definition.logFile, 'a', 0o600);
  try {
    const child = spawn(definition.command, definition.args, {
      cwd: definition.cwd,
      stdio: ['ignore', 'pipe', definition.echo === true ? 'pipe' : log],
      detached: true,
      ...(definition.env === undefined ? {} : { env: definition.env }),
    });
    await once(child, 'spawn');
    if (child.stderr !== null) echoLines(child.stderr, definition.logFile, onLine);
    return child;
  } catch (error) {
    throw failed(definition, `cannot start ${definition.command} (${(error as NodeJS.ErrnoException).code ?? String(error)})`, error);
  } finally {
    closeSync(log);
  }
}

function echoLines(stream: Readable, logFile: string, onLine: (line: string) => void): void {
  const log = createWriteStream(logFile, { flags: 'a', mode: 0o600 });
  const lines = createInterface({ input: stream });
  lines.on('line', (line) => {
    log.write(`${line}\n`);
    onLine(line);
  });
  lines.once('close', () => log.end());
}

/** Copies standard output to the log for as long as the process lives and picks the first JSON object out of it. */
function firstJsonLine(child: ChildProcess, logFile: string): Promise<Readonly<Record<string, unknown>>> {
  return new Promise((resolve, reject) => {
    if (child.stdout === null) {
      reject(new Error('no standard output'));
      return;
    }
    const log = createWriteStream(logFile, { flags: 'a', mode: 0o600 });
    let found = false;
    const lines = createInterface({ input: child.stdout });
    lines.on('line', (line) => {
      const object = found ? undefined : parseObject(line);
      // The line that is awaited may hold credentials: it is not logged.
      if (object === undefined) log.write(`${line}\n`);
      else {
        found = true;
        resolve(object);
      }
    });
    lines.once('close', () => {
      log.end();
      reject(new Error('standard output ended without a JSON line'));
    });
  });
}

function parseObject(line: string): Readonly<Record<string, unknown>> | undefined {
  if (!line.startsWith('{')) return undefined;
  try {
    return JSON.parse(line) as Record<string, unknown>;
  } catch {
    // A log line that merely begins with a brace.
    return undefined;
  }
}

async function becomeReady<Ready>(
  definition: PartDefinition<Ready>,
  pid: number,
  exited: Promise<Ending>,
  jsonLine: () => Promise<Readonly<Record<string, unknown>>>,
  stopping: AbortSignal,
): Promise<Ready> {
  const over = new AbortController();
  const signal = AbortSignal.any([over.signal, stopping]);
  const ended = exited.then((ending) => ({ kind: 'ended' as const, ...ending }));
  const timeout = pause(definition.startTimeoutMs, signal).then(() => ({ kind: 'timeout' as const }));
  const answer = untilReady(definition, { pid, firstJsonLine: jsonLine, signal }).then((ready) => ({ kind: 'ready' as const, ready }));
  // Thrown by the race if it comes first; what it says after the part has ended, or is out of time, is a consequence of that.
  answer.catch(() => undefined);
  try {
    const first = await Promise.race([ended, timeout, answer]);
    if (first.kind === 'ready') return first.ready;
    const tail = await logTail(definition.logFile);
    if (stopping.aborted) throw failed(definition, 'was stopped while it started', undefined);
    const how = first.kind === 'ended' ? `ended ${first.how} before it answered` : `did not answer within ${definition.startTimeoutMs / 1000} s`;
    throw failed(
      definition,
      `${how}${tail === '' ? '' : `; the end of ${definition.logFile}:\n${tail}`}`,
      undefined,
      first.kind === 'ended' && first.code === 2 ? 2 : 1,
    );
  } finally {
    over.abort();
  }
}

async function untilReady<Ready>(definition: PartDefinition<Ready>, running: PartProcess): Promise<Ready> {
  for (;;) {
    try {
      return await definition.ready(running);
    } catch (error) {
      if (running.signal.aborted) throw error;
      await pause(50, running.signal);
    }
  }
}

async function pause(ms: number, signal: AbortSignal): Promise<void> {
  try {
    await delay(ms, undefined, { signal, ref: true });
  } catch (error) {
    if (!signal.aborted) throw error;
  }
}

/** The last lines of a log, at most 10. */
async function logTail(file: string): Promise<string> {
  const text = await readFile(file, 'utf8');
  return text
    .trimEnd()
    .split('\n')
    .slice(-10)
    .map((line) => `  ${line}`)
    .join('\n')
    .trimEnd();
}

function failed<Ready>(definition: PartDefinition<Ready>, what: string, cause: unknown, exitCode: 1 | 2 = 1): Failure {
  return new Failure(`${definition.name} ${what}`, { kind: 'permanent', code: 'PART_FAILED', remedy: definition.remedy, exitCode, cause });
}
