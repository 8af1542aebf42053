/**
 * Ends a server whose run of the tests was killed: `node guard.ts FOLDER`. Standard input is a pipe that the run holds; each line tells the processes anew, `done` that the run ended them
 * itself. The folder goes with them.
 */
import { rm } from 'node:fs/promises';
import { text } from 'node:stream/consumers';
import { endProcesses } from '../../src/local/state-directory.ts';
import type { RecordedProcesses } from '../../src/local/state-directory.ts';

const [folder] = process.argv.slice(2);
if (folder === undefined) throw new Error('usage: guard.ts FOLDER');

const lastWord = (await text(process.stdin)).trim().split('\n').at(-1) ?? '';
if (lastWord !== 'done') {
  if (lastWord !== '') await endProcesses(JSON.parse(lastWord) as RecordedProcesses);
  await rm(folder, { recursive: true, force: true });
}
