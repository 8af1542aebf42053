import { createWriteStream } from 'node:fs';
import { mkdir, rename, rm, writeFile } from 'node:fs/promises';
import path from 'node:path';
import { Readable } from 'node:stream';
import { pipeline } from 'node:stream/promises';
import { Failure } from '../domain/failure.ts';
import type { Database } from '../postgres/database.ts';
import { intentsCsv, rejectsCsv } from './intents.ts';
import { recordsCsv } from './records.ts';
import type { RunSummary } from './runs.ts';

/**
 * Makes the folder and sees that files can be made in it: better said before a night than after it.
 * @throws Failure `OUT_UNWRITABLE`
 */
export async function prepareOut(directory: string): Promise<void> {
  const probe = path.join(directory, `.probe-${process.pid}`);
  try {
    await mkdir(directory, { recursive: true, mode: 0o700 });
    await writeFile(probe, 'x', { mode: 0o600 });
    await rm(probe);
  } catch (error) {
    throw outFailure(error, directory);
  }
}

/**
 * Writes report.json, records.csv, intents.csv and rejects.csv of a run. Each appears only when all are complete; a repeat replaces them.
 * @throws Failure `OUT_UNWRITABLE`
 */
export async function writeRunFiles(database: Database, { runNo, report }: RunSummary, directory: string): Promise<readonly string[]> {
  const contents: readonly (readonly [name: string, content: () => Readable])[] = [
    ['report.json', () => Readable.from([`${JSON.stringify(report, undefined, 2)}\n`])],
    ['records.csv', () => recordsCsv(database, runNo)],
    ['intents.csv', () => intentsCsv(database, runNo)],
    ['rejects.csv', () => rejectsCsv(database, runNo)],
  ];
  const files = contents.map(([name]) => path.join(directory, name));
  const draft = (file: string): string => `${file}.${process.pid}.part`;
  try {
    await mkdir(directory, { recursive: true, mode: 0o700 });
    for (const [name, content] of contents) {
      await pipeline(content(), createWriteStream(draft(path.join(directory, name)), { mode: 0o600 }));
    }
    for (const file of files) await rename(draft(file), file);
    return files;
  } catch (error) {
    throw outFailure(error, directory);
  } finally {
    await Promise.all(files.map((file) => rm(draft(file), { force: true }).catch((error: NodeJS.ErrnoException) => ignoreNoFolder(error))));
  }
}

function outFailure(error: unknown, directory: string): unknown {
  const { code, syscall } = error as NodeJS.ErrnoException;
  if (error instanceof Failure || code === undefined || syscall === undefined) return error;
  return new Failure(`${directory} cannot be written (${code})`, {
    kind: 'permanent',
    code: 'OUT_UNWRITABLE',
    remedy:
      'Name a folder that can be written, on a disk with enough space. A run that has ended is kept: `crm-sync report --out DIR` writes its files again.',
    cause: error,
  });
}

/** Nothing is left in a folder that could not be made. */
function ignoreNoFolder(error: NodeJS.ErrnoException): void {
  if (error.code !== 'ENOTDIR' && error.code !== 'ENOENT') throw error;
}
