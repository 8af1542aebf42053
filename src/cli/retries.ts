import type { Client } from '@temporalio/client';
import { WorkflowNotFoundError } from '@temporalio/client';
import type { OpenNight } from './night.ts';

/** An activity of the run that did not succeed yet and is tried again. */
export interface Retry {
  readonly activity: string;
  /** The number of the try that comes, or is under way. */
  readonly attempt: number;
  readonly code: string;
  readonly message: string;
}

/** What an open run, with its reads, tries again, and why; what only waits for something to be ready is none of it. */
export async function retriesOf(client: Client, { workflowId, executionId }: OpenNight): Promise<readonly Retry[]> {
  const own = await retriesOfWorkflow(client, workflowId, executionId);
  const children = await Promise.all(own.children.map(({ id, runId }) => retriesOfWorkflow(client, id, runId)));
  return [own, ...children].flatMap(({ retries }) => retries);
}

interface Described {
  readonly retries: readonly Retry[];
  readonly children: readonly { readonly id: string; readonly runId: string }[];
}

async function retriesOfWorkflow(client: Client, id: string, runId: string): Promise<Described> {
  const retries: Retry[] = [];
  try {
    const { raw } = await client.workflow.getHandle(id, runId).describe();
    for (const { activityType, attempt, lastFailure } of raw.pendingActivities ?? []) {
      if (!lastFailure || lastFailure.applicationFailureInfo?.type === 'NOT_READY') continue;
      // Messages hold no values: the codec leaves them as they are.
      const { code, message } = lastFailure.timeoutFailureInfo
        ? { code: 'TIMEOUT', message: 'its worker gave no sign of life' }
        : { code: lastFailure.applicationFailureInfo?.type ?? 'UNEXPECTED', message: lastFailure.message ?? '' };
      retries.push({ activity: activityType?.name ?? 'an activity', attempt: attempt ?? 1, code, message });
    }
    return {
      retries,
      children: (raw.pendingChildren ?? []).flatMap((child) => (child.workflowId ? [{ id: child.workflowId, runId: child.runId ?? '' }] : [])),
    };
  } catch (error) {
    // It ended meanwhile.
    if (error instanceof WorkflowNotFoundError) return { retries: [], children: [] };
    throw error;
  }
}

export function retryLine({ activity, attempt, code, message }: Retry): string {
  return `${activity} is tried again (try ${attempt}): ${message} (${code})`;
}
