import { Worker } from '@temporalio/worker';
import { expect, test } from 'vitest';
import { workflowBundle } from '../night/world.ts';
import { goldenNights } from './histories.ts';

const nights = goldenNights();
const version = '0.1.0';

test('of this version there is a first night, a quiet one, one with leads, one that was cancelled and one that was approved', () => {
  const names = nights.map(({ name }) => name);
  for (const night of ['first', 'quiet', 'leads', 'cancelled', 'approved']) expect(names).toContain(`${version}/${night}`);
});

test.each(nights)('the histories of $name replay with the workflows as they are', async ({ executions }) => {
  expect(executions.map(({ workflowId }) => workflowId).filter((id) => id.endsWith('-run')).length).toBeGreaterThan(0);
  const results = Worker.runReplayHistories({ workflowBundle: { codePath: await workflowBundle() } }, executions);
  let replayed = 0;
  for await (const { workflowId, error } of results) {
    if (error !== undefined) throw new Error(`an open run of that version would not go on: ${workflowId}`, { cause: error });
    replayed += 1;
  }
  expect(replayed).toBe(executions.length);
});
