/**
 * Watches the process of a stack: `node guard.ts STATE_DIR`. Standard input is a pipe that the stack holds; each line tells its processes anew, and
 * `done` that they are ended. If it closes without that the stack was killed, and its parts, which know nothing of it, are ended here.
 */
import { text } from 'node:stream/consumers';
import { endLeftovers, endProcesses, lockForGuard, type RecordedProcesses } from './state-directory.ts';

const [stateDir] = process.argv.slice(2);
if (stateDir === undefined) throw new Error('usage: guard.ts STATE_DIR');

const lastWord = (await text(process.stdin)).trim().split('\n').at(-1) ?? '';
if (lastWord !== 'done') {
  const lock = await lockForGuard(stateDir);
  if (lock === 'gone') {
    if (lastWord !== '') await endProcesses(JSON.parse(lastWord) as RecordedProcesses);
  } else if (lock !== 'busy') {
    // Busy is a stack that was started at once: that start ends the leftovers itself.
    await endLeftovers(stateDir);
    await lock.release();
  }
}
