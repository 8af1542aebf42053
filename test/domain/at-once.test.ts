import { setTimeout as delay } from 'node:timers/promises';
import { expect, test } from 'vitest';
import { atOnce } from '../../src/domain/at-once.ts';

test('results come in the order of the works', async () => {
  expect(await atOnce([delay(5, 'slow'), Promise.resolve(7)])).toEqual(['slow', 7]);
});

test('what one throws is thrown once the others have ended', async () => {
  let ended = false;
  const other = delay(20).then(() => void (ended = true));
  await expect(atOnce([Promise.reject(new Error('first')), other])).rejects.toThrow('first');
  expect(ended).toBe(true);
});
