import { ActivityFailure, ApplicationFailure, ChildWorkflowFailure, executeChild, isCancellation } from '@temporalio/workflow';
import type { ObjectType } from '../src/domain/objects.ts';
import type { RunRequest } from '../src/domain/progress.ts';
import type { RunRef } from '../src/ledger/runs.ts';
import { isBudgetSpent } from './api-budget.ts';
import { fetchObject } from './fetch-object.ts';
import type { Night } from './night-steps.ts';
import { pool } from './pool.ts';

/**
 * Copies both sides into the mirror, everything at once, or one after the other where a cap kept something waiting; then what merges, conversions and deletions point to. An object whose read
 * comes to nothing is incomplete, and the others go on (R27). If none can be read the run fails.
 */
export async function fetchAll(night: Night, due: readonly ObjectType[], { full, nominalAt }: RunRequest): Promise<void> {
  const { ref, table, budget, short, salesforce, heartbeatTimeoutMs } = night;
  // A round that begins anew, or goes on in a new execution, reads nothing twice.
  const objects = due.filter((object) => !table.ended('fetch', object));
  if (objects.length === 0) return;
  const failures: unknown[] = [];
  const orIncomplete = async (object: ObjectType, body: () => Promise<void>): Promise<void> => {
    try {
      await body();
    } catch (error) {
      if (isCancellation(error)) throw error;
      failures.push(error);
      await short.noteIncomplete(ref, object, codeOf(error));
    }
  };
  const lookUp = (object: ObjectType): Promise<void> => budget.within(async () => void (await salesforce.lookUpNamed(ref, object)));
  const { order, atOnce } = await short.orderFetch(objects);
  await pool(order, atOnce, (object) =>
    orIncomplete(object, () =>
      table.run('fetch', object, async (done) => {
        // What a child has read is read: one that runs again goes on from there.
        const { records, persons } = await budget.within(() =>
          executeChild(fetchObject, {
            workflowId: fetchId(ref, object),
            args: [
              {
                ...ref,
                object,
                persons: object !== 'lead',
                full,
                ...(nominalAt === undefined ? {} : { nominalAt }),
                ...(heartbeatTimeoutMs === undefined ? {} : { heartbeatTimeoutMs }),
              },
            ],
            staticSummary: `fetch ${object}`,
            workflowIdReusePolicy: 'ALLOW_DUPLICATE',
            parentClosePolicy: 'REQUEST_CANCEL',
          }),
        );
        done(records + persons, records + persons);
        // Accounts and leads name contacts, so contacts come last.
        if (object !== 'contact') await lookUp(object);
      }),
    ),
  );
  if (objects.length > 1 && failures.length === objects.length && !isBudgetSpent(failures[0])) throw failures[0];
  if (objects.includes('contact')) await orIncomplete('contact', () => lookUp('contact'));
}

/** A run that is taken up again does not wait for what its older attempt still has open: that is fenced off, and may take its time to end. */
function fetchId({ run, attempt }: RunRef, object: ObjectType): string {
  return `${run}/fetch/${object}${attempt > 1 ? `/${attempt}` : ''}`;
}

/** The code of what failed, in the child's activity. */
function codeOf(error: unknown): string {
  for (let current: unknown = error; current instanceof Error; current = current.cause) {
    if (current instanceof ApplicationFailure && typeof current.type === 'string') return current.type;
    if (!(current instanceof ChildWorkflowFailure || current instanceof ActivityFailure)) break;
  }
  return 'UNEXPECTED';
}
