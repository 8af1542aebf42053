import { mkdtemp, readFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect, onTestFinished, test } from 'vitest';
import { Failure } from '../../src/domain/failure.ts';
import { startPart, type PartDefinition, type PartEvents } from '../../src/local/part.ts';
import { identifyProcess } from '../../src/local/process-identity.ts';

/** A part whose program is the given JavaScript; it is ready when it prints a JSON line. */
async function definition(script: string, change: Partial<PartDefinition<unknown>> = {}): Promise<PartDefinition<unknown>> {
  const folder = await mkdtemp(join(tmpdir(), 'crm-sync-part-'));
  return {
    name: 'Thing',
    command: process.execPath,
    args: ['-e', script],
    cwd: folder,
    logFile: join(folder, 'thing.log'),
    stopSignal: 'SIGTERM',
    stopGraceMs: 5_000,
    startTimeoutMs: 20_000,
    remedy: 'Mend the thing.',
    ready: ({ firstJsonLine }) => firstJsonLine(),
    ...change,
  };
}

interface Recorder extends PartEvents<unknown> {
  readonly lines: string[];
  /** Resolves with the pid of the nth time it became ready (0 is the first). */
  readonly readyAgain: (nth: number) => Promise<number>;
}

function recorder(): Recorder {
  const lines: string[] = [];
  const pids: number[] = [];
  const waiting = new Map<number, (pid: number) => void>();
  return {
    lines,
    onLine: (line) => lines.push(line),
    onStarted: async () => undefined,
    onReady: async (pid) => {
      pids.push(pid);
      waiting.get(pids.length - 1)?.(pid);
    },
    readyAgain: (nth) => new Promise((resolve) => (pids[nth] === undefined ? waiting.set(nth, resolve) : resolve(pids[nth]))),
  };
}

const stays = `console.log('hello'); console.log('{"word":"secret"}'); setInterval(() => {}, 1000);`;

test('a part is ready when it says so, what it says is passed on and not logged', async () => {
  const wanted = await definition(stays);
  const part = await startPart(wanted, recorder());
  expect(part.ready).toEqual({ word: 'secret' });
  await part.stop();
  expect(await readFile(wanted.logFile, 'utf8')).toBe('hello\n');
});

test('a part that is killed is started again, and a line says so', async () => {
  const events = recorder();
  const part = await startPart(await definition(stays), events);
  onTestFinished(() => part.stop());
  const first = part.pid();
  process.kill(first, 'SIGKILL');
  const second = await events.readyAgain(1);
  expect(second).not.toBe(first);
  expect(events.lines[0]).toBe(`Thing (pid ${first}) ended by signal SIGKILL; starting it again`);
});

test('a part that dies again and again is started again and again', async () => {
  const events = recorder();
  const part = await startPart(await definition(stays), events);
  onTestFinished(() => part.stop());
  for (const nth of [1, 2, 3]) {
    process.kill(part.pid(), 'SIGKILL');
    await events.readyAgain(nth);
    await expect.poll(() => events.lines.filter((line) => line.startsWith('Thing runs again')).length).toBe(nth);
  }
});

test('a part that is stopped stays stopped, and so do those that stop it twice', async () => {
  const events = recorder();
  const part = await startPart(await definition(stays), events);
  const pid = part.pid();
  await Promise.all([part.stop(), part.stop()]);
  expect(identifyProcess(pid)).toBeUndefined();
  expect(events.lines).toEqual([]);
});

test('a part that is stopped while it comes back is ended, and whoever stops it does not wait for ever', async () => {
  const events = recorder();
  let stopOnReturn: () => void = () => undefined;
  const part = await startPart(await definition(stays), {
    ...events,
    onReady: async (pid, ready) => {
      stopOnReturn();
      await events.onReady(pid, ready);
    },
  });
  let stopped: Promise<void> | undefined;
  stopOnReturn = (): void => void (stopped = part.stop());
  process.kill(part.pid(), 'SIGKILL');
  const second = await events.readyAgain(1);
  await stopped;
  expect(identifyProcess(second)).toBeUndefined();
});

test('a part that does not listen to its stop signal is ended by force', async () => {
  const deaf = `process.on('SIGTERM', () => {}); ${stays}`;
  const part = await startPart(await definition(deaf, { stopGraceMs: 200 }), recorder());
  const pid = part.pid();
  await part.stop();
  expect(identifyProcess(pid)).toBeUndefined();
});

async function failureOf(wanted: PartDefinition<unknown>): Promise<Failure> {
  const error: unknown = await startPart(wanted, recorder()).then(
    () => 'started',
    (reason: unknown) => reason,
  );
  expect(error).toBeInstanceOf(Failure);
  return error as Failure;
}

test('a part that ends before it answers fails with how, the end of its log and the remedy', async () => {
  const failure = await failureOf(await definition(`console.error('no room for things'); process.exit(3)`));
  expect(failure).toMatchObject({ code: 'PART_FAILED', remedy: 'Mend the thing.', exitCode: 1 });
  expect(failure.message).toMatch(/^Thing ended with exit code 3 before it answered/);
  expect(failure.message).toContain('no room for things');
});

test('a part that ends with 2, wrong usage or settings, fails with 2', async () => {
  expect(await failureOf(await definition('process.exit(2)'))).toMatchObject({ exitCode: 2 });
});

test('a part that never answers is ended and fails', async () => {
  const failure = await failureOf(await definition('setInterval(() => {}, 1000)', { startTimeoutMs: 300 }));
  expect(failure.message).toMatch(/^Thing did not answer within 0\.3 s/);
});

test('a program that is not there fails with its name', async () => {
  const failure = await failureOf(await definition('', { command: '/nowhere/thing' }));
  expect(failure.message).toBe('Thing cannot start /nowhere/thing (ENOENT)');
});

test('lines on standard error of a part that echoes go to people and to the log', async () => {
  const events = recorder();
  const wanted = await definition(`console.error('Contact.csv:3: too few cells'); ${stays}`, { echo: true });
  const part = await startPart(wanted, events);
  await expect.poll(() => events.lines).toEqual(['Contact.csv:3: too few cells']);
  await part.stop();
  expect(await readFile(wanted.logFile, 'utf8')).toContain('too few cells');
});

test('a start that is given up leaves no process', async () => {
  const abandon = new AbortController();
  let pid = 0;
  const started = startPart(
    await definition('setInterval(() => {}, 1000)'),
    {
      ...recorder(),
      onStarted: async (identity) => {
        pid = identity.pid;
        abandon.abort();
      },
    },
    abandon.signal,
  );
  await expect(started).rejects.toThrow('Thing was stopped while it started');
  expect(identifyProcess(pid)).toBeUndefined();
});
