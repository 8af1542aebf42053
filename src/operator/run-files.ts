import { createWriteStream } from 'node:fs';
import { mkdir, rename, rm } from 'node:fs/promises';
import path from 'node:path';
import { Readable } from 'node:stream';
import { pipeline } from 'node:stream/promises';
import { Failure } from '../domain/failure.ts';
import type { Database } from '../postgres/database.ts';
import { intentsCsv, rejectsCsv } from './intents.ts';
import { recordsCsv } from './records.ts';
import type { RunSummary } from './runs.ts';

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
    await mkdir(directory, { recursive: true });
    for (const [name, content] of contents) {
      await pipeline(content(), createWriteStream(draft(path.join(directory, name)), { mode: 0o600 }));
    }
    for (const file of files) await rename(draft(file), file);
    return files;
  } catch (error) {
    const { code, syscall } = error as NodeJS.ErrnoException;
    if (error instanceof Failure || code === undefined || syscall === undefined) throw error;
    throw new Failure(`${directory} cannot be written (${code})`, {
      kind: 'permanent',
      code: 'OUT_UNWRITABLE',
      remedy:
        'Name a folder that can be written, on a disk with enough space. The run itself is kept: `crm-sync report --out DIR` writes its files again.',
      cause: error,
    });
  } finally {
    await Promise.all(files.map((file) => rm(draft(file), { force: true }).catch((error: NodeJS.ErrnoException) => ignoreNoFolder(error))));
  }
}

/** Nothing is left in a folder that could not be made. */
function ignoreNoFolder(error: NodeJS.ErrnoException): void {
  if (error.code !== 'ENOTDIR' && error.code !== 'ENOENT') throw error;
}
