import { CancellationScope, condition } from '@temporalio/workflow';

/**
 * Runs the tasks, at most `limit` at a time. After a failure or a cancel no further task begins, and those that run are waited
 * for, so that nothing goes on behind the workflow's back; then the first error is thrown.
 */
export async function pool<T>(items: readonly T[], limit: number, task: (item: T) => Promise<void>): Promise<void> {
  let running = 0;
  let failed = false;
  let error: unknown;
  const free = (): boolean => failed || running < limit;
  try {
    for (const item of items) {
      await condition(free);
      if (failed) break;
      running += 1;
      void task(item)
        .catch((caught: unknown) => {
          if (!failed) error = caught;
          failed = true;
        })
        .finally(() => {
          running -= 1;
        });
    }
    await condition(() => running === 0 || failed);
  } finally {
    await CancellationScope.nonCancellable(() => condition(() => running === 0));
  }
  if (failed) throw error;
}

interface Tasks<T> {
  readonly items: readonly T[];
  /** At most so many at a time. */
  readonly limit: number;
}

/** Two pools side by side, each with its own limit. After a failure in one no further task of either begins, and what runs is waited for; then the first error is thrown. */
export async function bothPools<T>(first: Tasks<T>, second: Tasks<T>, task: (item: T) => Promise<void>): Promise<void> {
  let failed = false;
  const unlessFailed = async (item: T): Promise<void> => {
    if (failed) return;
    try {
      await task(item);
    } catch (error) {
      failed = true;
      throw error;
    }
  };
  const ends = await Promise.allSettled([first, second].map(({ items, limit }) => pool(items, limit, unlessFailed)));
  for (const end of ends) if (end.status === 'rejected') throw end.reason;
}
