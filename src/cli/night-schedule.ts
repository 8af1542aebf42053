import type { Client, ScheduleDescription, ScheduleHandle, ScheduleOptions } from '@temporalio/client';
import { ScheduleAlreadyRunning, ScheduleNotFoundError, ScheduleOverlapPolicy } from '@temporalio/client';
import type { Settings } from '../config/settings.ts';
import { Failure } from '../domain/failure.ts';

export function scheduleId(name: string): string {
  return `${name}-nightly`;
}

/** Overlap SKIP and a catch-up of six hours: however many nights were missed, one run catches up (R5). */
function wanted({ name, schedule }: Settings) {
  return {
    spec: { cronExpressions: [schedule.cron], timezone: schedule.timezone, jitter: schedule.jitterMs },
    action: {
      type: 'startWorkflow',
      workflowType: 'nightlySync',
      workflowId: scheduleId(name),
      taskQueue: name,
      args: [{}],
      staticSummary: 'starts one night',
    },
    policies: { overlap: ScheduleOverlapPolicy.SKIP, catchupWindow: '6h', pauseOnFailure: false },
  } satisfies Omit<ScheduleOptions, 'scheduleId'>;
}

/** Makes the Schedule or brings it up to the settings. An operator's pause survives: the state is never ours to set. */
export async function applySchedule(client: Client, settings: Settings): Promise<'created' | 'updated'> {
  const options = wanted(settings);
  try {
    await client.schedule.create({ scheduleId: scheduleId(settings.name), ...options });
    return 'created';
  } catch (error) {
    if (!(error instanceof ScheduleAlreadyRunning)) throw error;
  }
  await client.schedule.getHandle(scheduleId(settings.name)).update(({ state }) => ({ ...options, state }));
  return 'updated';
}

/** @throws Failure `SCHEDULE_MISSING` */
export async function describeSchedule(client: Client, name: string): Promise<ScheduleDescription> {
  return withSchedule(client, name, (handle) => handle.describe());
}

/** @throws Failure `SCHEDULE_MISSING` */
export async function withSchedule<T>(client: Client, name: string, body: (handle: ScheduleHandle) => Promise<T>): Promise<T> {
  try {
    return await body(client.schedule.getHandle(scheduleId(name)));
  } catch (error) {
    if (!(error instanceof ScheduleNotFoundError)) throw error;
    throw new Failure(`there is no Schedule ${scheduleId(name)}`, {
      kind: 'permanent',
      code: 'SCHEDULE_MISSING',
      remedy: 'Make it with `crm-sync schedule apply`.',
    });
  }
}
