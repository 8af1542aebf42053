import { once } from 'node:events';
import path from 'node:path';
import { programRoot } from '../local/places.ts';

let readerGone = false;

/** Thrown where a large result is written and nobody reads it any more (`| head`): no failure. */
export class ReaderGone extends Error {
  override readonly name = 'ReaderGone';
}

/** A stream that nobody reads must end neither a night nor a stack that is up. */
for (const stream of [process.stdout, process.stderr]) {
  stream.on('error', (error: NodeJS.ErrnoException) => {
    if (error.code !== 'EPIPE') throw error;
    if (stream === process.stdout) readerGone = true;
  });
}

/** A result: standard output. */
export function print(text: string): void {
  process.stdout.write(`${text}\n`);
}

export function printJson(value: unknown): void {
  print(JSON.stringify(value, undefined, 2));
}

/**
 * Part of a large result; resolves when more may come.
 * @throws ReaderGone
 */
export async function printPart(text: string | Uint8Array): Promise<void> {
  if (!readerGone && process.stdout.write(text)) return;
  if (!readerGone) await once(process.stdout, 'drain').catch((error: NodeJS.ErrnoException) => ignoreGone(error));
  if (readerGone) throw new ReaderGone('standard output is closed');
}

function ignoreGone(error: NodeJS.ErrnoException): void {
  if (error.code !== 'EPIPE') throw error;
}

/** Progress, logs and errors: standard error. */
export function note(line: string): void {
  process.stderr.write(`${line}\n`);
}

/** Ends the process when everything is written: a handle that was forgotten keeps no command open. */
export async function endWith(exitCode: number): Promise<void> {
  await new Promise<void>((resolve) => process.stdout.write('', () => resolve()));
  process.exit(exitCode);
}

/** `4,095` */
export function count(value: number): string {
  return value.toLocaleString('en-US');
}

/** `1.2` */
export function seconds(ms: number): string {
  return (ms / 1000).toLocaleString('en-US', { minimumFractionDigits: 1, maximumFractionDigits: 1 });
}

/** How this program is called from where the reader is: by its name once it is installed, by its path in a checkout. */
export function programName(): string {
  if (import.meta.filename.endsWith('.js')) return 'crm-sync';
  const file = path.join(programRoot, 'bin', 'crm-sync');
  const relative = path.relative('.', file);
  return relative.startsWith('..') ? file : `./${relative}`;
}
