import type { Fault, JobFault, RowFault } from './faults.ts';
import { normaliseId } from './ids.ts';
import { failure } from './saver.ts';
import type { SaveResult } from './saver.ts';

/** Why the n-th row (from 1) of a request or job is refused; undefined: it is not. */
export function refusedRow(fault: Fault | null | undefined, n: number, givenId: unknown): (SaveResult & { ok: false }) | undefined {
  if (fault?.kind !== 'rowError' || n > (fault.rows ?? Number.POSITIVE_INFINITY)) return undefined;
  const id = typeof givenId === 'string' ? normaliseId(givenId) : null;
  if (fault.ids !== undefined && !fault.ids.some((each) => normaliseId(each) === id)) return undefined;
  const { errorCode = 'UNABLE_TO_LOCK_ROW' } = fault;
  const message =
    fault.message ?? (errorCode === 'UNABLE_TO_LOCK_ROW' ? `unable to obtain exclusive access to this record or 1 records: ${id ?? ''}` : 'refused');
  return failure(id, errorCode, message, fault.fields ?? []);
}

export type JobFaults = { jobFault?: JobFault; rowFault?: RowFault };

/** What a request's fault leaves with the job that it opens or closes. */
export function jobFaults(fault: Fault | null): JobFaults {
  if (fault?.kind === 'job') return { jobFault: fault };
  return fault?.kind === 'rowError' ? { rowFault: fault } : {};
}

/** What a job says that a fault made fail. */
export const defaultFailure = 'InternalServerError : Retried more than 15 times';

/** One question more for the state of a job that is stuck for so many; at the last the fault is taken off. @returns whether the job was changed */
export function isUnstuck(job: JobFaults & { readonly state: string }): boolean {
  const fault = job.jobFault;
  if (fault?.end !== 'stuck' || fault.polls === undefined || job.state !== 'InProgress') return false;
  if (fault.polls > 1) job.jobFault = { ...fault, polls: fault.polls - 1 };
  else delete job.jobFault;
  return true;
}
