/**
 * Watches the process of a stack: `node guard.ts STATE_DIR`. Standard input is a pipe that the stack holds. If it closes without the word `done`
 * the stack was killed, and its parts, which know nothing of it, are ended here.
 */
import { text } from 'node:stream/consumers';
import { endLeftovers, lockForGuard } from './state-directory.ts';

const [stateDir] = process.argv.slice(2);
if (stateDir === undefined) throw new Error('usage: guard.ts STATE_DIR');

const lastWord = await text(process.stdin);
if (lastWord.trim() !== 'done') {
  const lock = await lockForGuard(stateDir);
  // Somebody has started a stack again at once: that start ends the leftovers itself.
  if (lock !== undefined) {
    await endLeftovers(stateDir);
    await lock.release();
  }
}
