import { spawn } from 'node:child_process';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { onTestFinished } from 'vitest';

export interface CliResult {
  readonly exitCode: number | null;
  readonly stdout: string;
  readonly stderr: string;
}

export interface CliOptions {
  readonly cwd: string;
  readonly env?: Readonly<Record<string, string>>;
}

export const program = path.join(import.meta.dirname, '../../src/cli/main.ts');
/** What a machine may have set and a test must not depend on. */
const foreign = /^(TEMPORAL_|CRM_SYNC_|CI$|FORCE_COLOR|NODE_OPTIONS|VITEST)/;

export function cliEnvironment(): NodeJS.ProcessEnv {
  return Object.fromEntries(Object.entries(process.env).filter(([name]) => !foreign.test(name) || name === 'CRM_SYNC_CACHE'));
}

/** Runs the command line as a person does: a process of its own, its output, its exit code. */
export async function crmSync(args: readonly string[], { cwd, env = {} }: CliOptions): Promise<CliResult> {
  const child = spawn(process.execPath, [program, ...args], { cwd, env: { ...cliEnvironment(), ...env }, stdio: ['ignore', 'pipe', 'pipe'] });
  let stdout = '';
  let stderr = '';
  child.stdout.setEncoding('utf8').on('data', (text: string) => void (stdout += text));
  child.stderr.setEncoding('utf8').on('data', (text: string) => void (stderr += text));
  const exitCode = await new Promise<number | null>((resolve, reject) => {
    child.once('error', reject);
    child.once('close', resolve);
  });
  return { exitCode, stdout, stderr };
}

/** A folder that is gone after the test. */
export async function emptyFolder(): Promise<string> {
  const folder = await mkdtemp(path.join(tmpdir(), 'crm-sync-cli-'));
  onTestFinished(() => rm(folder, { recursive: true, force: true }));
  return folder;
}
