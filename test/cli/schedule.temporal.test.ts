import { Client, Connection } from '@temporalio/client';
import { afterAll, expect, test } from 'vitest';
import { loadSettings } from '../../src/config/load.ts';
import { findOpenNight, newRunKey, openNight, queryProgress } from '../../src/cli/night.ts';
import { applySchedule, describeSchedule } from '../../src/cli/night-schedule.ts';
import { waitingNight } from '../../src/cli/approval.ts';
import type { RunRequest } from '../../src/domain/progress.ts';
import { testNamespace } from '../services/namespace.ts';

const { address, namespace } = await testNamespace();
const connection = await Connection.connect({ address });
const client = new Client({ connection, namespace });
afterAll(() => connection.close());

function settings(text = '') {
  return loadSettings({ text, env: {} });
}

test('R1 the Schedule starts a night at the hours of the settings, on the queue of the sync', async () => {
  expect(await applySchedule(client, settings('name: hours\nschedule: { cron: "30 1 * * *", timezone: UTC, jitter: 0s }'))).toBe('created');
  const { action, info, scheduleId } = await describeSchedule(client, 'hours');
  expect(scheduleId).toBe('hours-nightly');
  expect(action).toMatchObject({ workflowType: 'nightlySync', taskQueue: 'hours', workflowId: 'hours-nightly' });
  expect(info.nextActionTimes.slice(0, 3).map((at) => at.toISOString().slice(11))).toEqual(Array(3).fill('01:30:00.000Z'));
});

test('R5 a night is skipped while one goes on, and one run catches up for those that were missed', async () => {
  await applySchedule(client, settings('name: missed'));
  const { policies } = await describeSchedule(client, 'missed');
  expect(policies).toMatchObject({ overlap: 'SKIP', catchupWindow: 6 * 3_600_000, pauseOnFailure: false });
});

test("apply brings the Schedule up to the settings and leaves an operator's pause and note alone", async () => {
  await applySchedule(client, settings('name: paused'));
  await client.schedule.getHandle('paused-nightly').pause('until the migration is over');
  expect(await applySchedule(client, settings('name: paused\nschedule: { cron: "0 4 * * *", jitter: 0s }'))).toBe('updated');
  const { state, info } = await describeSchedule(client, 'paused');
  expect(state).toMatchObject({ paused: true, note: 'until the migration is over' });
  expect(info.nextActionTimes[0]?.toISOString()).toContain('T04:00:00.000Z');
  await client.schedule.getHandle('paused-nightly').unpause('over');
  await applySchedule(client, settings('name: paused'));
  expect((await describeSchedule(client, 'paused')).state.paused).toBe(false);
});

test('a Schedule that is not there is said, with the command that makes it', async () => {
  await expect(describeSchedule(client, 'nobody')).rejects.toMatchObject({
    code: 'SCHEDULE_MISSING',
    remedy: expect.stringContaining('schedule apply'),
  });
});

test('R5 of runs started at the same time by hand one is open, and the others find it', async () => {
  const request = (): RunRequest => ({ run: newRunKey(new Date()), kind: 'night', full: false, atGate: 'wait' });
  const nights = await Promise.all(Array.from({ length: 5 }, () => openNight(client, 'twice', request())));
  expect(nights.filter(({ attached }) => !attached)).toHaveLength(1);
  expect(new Set(nights.map(({ executionId }) => executionId)).size).toBe(1);
  expect(await findOpenNight(client, 'twice')).toEqual({ workflowId: 'twice-run', executionId: nights[0]?.executionId, attached: true });
});

test('without a worker a run is there and answers nothing; without a run there is nothing to approve', async () => {
  const night = await openNight(client, 'alone', { run: newRunKey(new Date()), kind: 'night', full: false, atGate: 'wait' });
  expect(await queryProgress(client, night)).toBeUndefined();
  await expect(waitingNight(client, 'alone')).rejects.toMatchObject({ code: 'NO_WORKER' });
  await client.workflow.getHandle(night.workflowId).terminate();
  expect(await findOpenNight(client, 'alone')).toBeUndefined();
  await expect(waitingNight(client, 'alone')).rejects.toMatchObject({ code: 'NOT_WAITING' });
});

test('run keys sort by time and are never the same', () => {
  const [early, late] = [newRunKey(new Date('2026-09-30T02:00:00Z')), newRunKey(new Date('2026-09-30T02:00:01Z'))];
  expect(early).toMatch(/^20260930T020000Z-[0-9a-f]{8}$/);
  expect(early < late).toBe(true);
  expect(newRunKey(new Date(0))).not.toBe(newRunKey(new Date(0)));
});
