import { expect } from 'vitest';
import type { GuardReading } from '../../src/domain/guards.ts';
import type { Progress, RunRequest, RunResult } from '../../src/domain/progress.ts';
import type { World } from '../night/world.ts';

export const handleOf = (world: World) => world.client.workflow.getHandle(`${world.name}-run`);

export async function progressOf(world: World): Promise<Progress> {
  return (await handleOf(world).query('progress')) as Progress;
}

/** Until the run in progress is in this state. */
export async function reaches(world: World, status: Progress['status']): Promise<Progress> {
  let last: Progress | undefined;
  await expect
    .poll(
      async () => {
        last = await progressOf(world);
        return last.status;
      },
      { timeout: 90_000, interval: 100 },
    )
    .toBe(status);
  return last as Progress;
}

export interface WaitingRun {
  readonly run: string;
  readonly progress: Progress;
  /** Guards that tripped, by name and owner. */
  readonly tripped: readonly string[];
  approve(): Promise<RunResult>;
  reject(): Promise<RunResult>;
}

/** Starts a run that must wait for approval. */
export async function waitingRun(world: World, request?: Partial<RunRequest>): Promise<WaitingRun> {
  const { run, result } = await world.start(request);
  const progress = await reaches(world, 'awaitingApproval');
  return {
    run,
    progress,
    tripped: trippedOf(progress.plan?.guards ?? []),
    approve: async () => {
      await handleOf(world).executeUpdate('approve', { args: [progress.planDigest] });
      return result();
    },
    reject: async () => {
      await handleOf(world).executeUpdate('reject');
      return result();
    },
  };
}

export function trippedOf(guards: readonly GuardReading[]): readonly string[] {
  return guards.filter(({ trips }) => trips).map(({ guard, of, found, known }) => `${guard} ${of}: ${found} of ${known}`);
}

/** Open links, `contact/person`, by record. */
export async function openLinks(world: World): Promise<readonly string[]> {
  const { rows } = await world.database.query<{ pair: string }>(
    `select concat(crm_id, '/', pers_id) as pair from link where ended_run is null order by crm_id`,
  );
  return rows.map(({ pair }) => pair);
}
