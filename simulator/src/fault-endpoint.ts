import { readJson } from './body.ts';
import { ApiError } from './errors.ts';
import { FaultError } from './fault-check.ts';
import { checkLocal } from './inspection.ts';
import type { Call } from './router.ts';

/** GET /__simulator/faults: the rules in force, each with `matched` and `struck`, and `struck` of all. */
export function getFaults(call: Call): unknown {
  checkLocal(call);
  return call.org.faults.shown();
}

/** PUT /__simulator/faults: these rules in place of those before; what cannot be taken is a 400, and those before stay. */
export async function putFaults(call: Call): Promise<unknown> {
  checkLocal(call);
  const body = await readJson(call.request);
  try {
    call.org.faults.set(body);
  } catch (error) {
    if (error instanceof FaultError) throw new ApiError(400, 'INVALID_FAULT', error.message);
    throw error;
  }
  return call.org.faults.shown();
}

/** DELETE /__simulator/faults: no rules from now on. What a job carries already stays with it. */
export function deleteFaults(call: Call): undefined {
  checkLocal(call);
  call.org.faults.clear();
}
