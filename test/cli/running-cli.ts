import { spawn } from 'node:child_process';
import { onTestFinished } from 'vitest';
import { cliEnvironment, program } from './run-cli.ts';

/** A command that goes on until it is told to end. */
export interface RunningCli {
  readonly pid: number;
  readonly output: () => { readonly stdout: string; readonly stderr: string };
  /** Resolves when the text stands in its output; rejects with all of it if the command ends before. */
  readonly says: (text: string) => Promise<void>;
  /** Sends a signal and resolves with the exit code when it has ended: null if the signal killed it. */
  readonly end: (signal: NodeJS.Signals) => Promise<number | null>;
}

/** Starts the command line in the background; asked to end after the test if it still runs. */
export function startCrmSync(args: readonly string[], cwd: string, env: Readonly<Record<string, string>> = {}): RunningCli {
  const child = spawn(process.execPath, [program, ...args], { cwd, env: { ...cliEnvironment(), ...env }, stdio: ['ignore', 'pipe', 'pipe'] });
  const said = { stdout: '', stderr: '' };
  const listeners = new Set<() => void>();
  for (const name of ['stdout', 'stderr'] as const) {
    child[name].setEncoding('utf8').on('data', (text: string) => {
      said[name] += text;
      for (const listener of listeners) listener();
    });
  }
  const ended = new Promise<number | null>((resolve) => child.once('close', resolve));
  onTestFinished(async () => {
    child.kill('SIGTERM');
    await ended;
  });
  return {
    pid: child.pid ?? 0,
    output: () => said,
    says: (text) =>
      new Promise((resolve, reject) => {
        const look = (): void => {
          if (!said.stdout.includes(text) && !said.stderr.includes(text)) return;
          listeners.delete(look);
          resolve();
        };
        listeners.add(look);
        look();
        void ended.then((code) => reject(new Error(`ended with ${code} before it said ${JSON.stringify(text)}:\n${said.stdout}\n${said.stderr}`)));
      }),
    end: (signal) => {
      child.kill(signal);
      return ended;
    },
  };
}
