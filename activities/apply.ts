import { setTimeout as pause } from 'node:timers/promises';
import { applyCollectionsPart } from '../src/apply/collections.ts';
import { requireCalls } from '../src/apply/api-budget.ts';
import { checkBulkPart, readBulkPart } from '../src/apply/bulk-results.ts';
import { openBulkPart } from '../src/apply/bulk-open.ts';
import { loadPart, reserveParts } from '../src/apply/parts.ts';
import type { PartGroup } from '../src/apply/parts.ts';
import { applyStorePart } from '../src/apply/store-part.ts';
import { atOnce } from '../src/domain/at-once.ts';
import { eraseGone } from '../src/ledger/erasure.ts';
import { noteKnown } from '../src/ledger/gone.ts';
import { commitLinks } from '../src/ledger/links.ts';
import { loadRun, noteLinksCommitted } from '../src/ledger/runs.ts';
import type { RunRef } from '../src/ledger/runs.ts';
import { once } from '../src/mirror/step-ledger.ts';
import type { StepCounts } from '../src/mirror/step-ledger.ts';
import type { Dependencies } from './dependencies.ts';
import { activity, attempt, cancellation, heartbeat, NotReady } from './edge.ts';

interface Reserved extends StepCounts {
  /** The groups as JSON: the step ledger keeps plain values. */
  readonly groups: string;
}

/** Salesforce is done with a small job in less than a second: pauses before the first looks, in one activity. */
const firstPausesMs = [200, 300, 450];

interface Written {
  readonly records: number;
}

export function applyActivities(dependencies: Dependencies) {
  const { database, accountCalls } = dependencies;

  /** Adds a part to the report's steps once it is done. */
  const noted = async (ref: RunRef, part: number, begunMs: number, written: Written): Promise<Written> => {
    const { runNo } = await loadRun(database, ref);
    const { object } = await loadPart(database, runNo, part);
    const ms = Math.round(performance.now() - begunMs);
    await once(database, ref, { step: 'apply.part', object, part }, async () => ({ records: written.records, ms }));
    await accountCalls(ref);
    return { records: written.records };
  };

  return {
    /**
     * The one point at which decisions become real, and persons who are gone are forgotten (R23). At the same time, in a commit of its own, what is to be sent is cut into parts: neither needs the
     * other. Leads that come on later are a second pass (R16).
     */
    commitLinks: activity(async (ref: RunRef, pass: number): Promise<{ readonly groups: readonly PartGroup[] }> => {
      const links = once(
        database,
        ref,
        { step: 'apply.links', object: 'all', part: pass },
        async (tx, run) => {
          const { made, kept, ended } = await commitLinks(tx, run);
          const erased = await eraseGone(tx, run);
          await noteKnown(tx, run);
          await noteLinksCommitted(tx, ref);
          return { records: made + ended + erased.ended, made, kept, ended: ended + erased.ended, personsErased: erased.persons };
        },
        cancellation(),
      );
      const parts = once<Reserved>(
        database,
        ref,
        { step: 'apply.reserve', object: 'all', part: pass },
        async (tx, run) => ({ records: 0, groups: JSON.stringify(await reserveParts(tx, run)) }),
        cancellation(),
      );
      const [, { groups }] = await atOnce([links, parts]);
      return { groups: JSON.parse(groups) as readonly PartGroup[] };
    }),

    /** `count` parts from `first` on, one after the other, each with commits of its own. A run that is cancelled begins no further one. */
    applyStoreParts: activity(async (ref: RunRef, first: number, count: number): Promise<Written> => {
      const cancelled = cancellation();
      let records = 0;
      for (let part = first; part < first + count; part += 1) {
        cancelled.throwIfAborted();
        const begunMs = performance.now();
        records += (await noted(ref, part, begunMs, await applyStorePart(dependencies, await loadRun(database, ref), part))).records;
      }
      return { records };
    }),

    applyCollectionsPart: activity(async (ref: RunRef, part: number): Promise<Written> => {
      const begunMs = performance.now();
      const mayCall = await requireCalls(dependencies, ref);
      return noted(ref, part, begunMs, await applyCollectionsPart(dependencies, await loadRun(database, ref), part, heartbeat(), mayCall));
    }),

    /** The part's next job, handed over; null when nothing is left to send. */
    openBulkPart: activity(async (ref: RunRef, part: number): Promise<{ readonly jobNo: number | null }> => {
      await requireCalls(dependencies, ref);
      const opened = await openBulkPart(dependencies, await loadRun(database, ref), part, heartbeat());
      await accountCalls(ref);
      return { jobNo: opened.jobNo };
    }),

    /** Throws "not ready" until Salesforce is done with the job, however it ended. */
    checkBulkPart: activity(async (ref: RunRef, jobNo: number): Promise<void> => {
      const pausesMs = attempt() === 1 ? firstPausesMs : [0];
      let running = true;
      for (const ms of pausesMs) {
        await pause(ms, undefined, { signal: cancellation() });
        running = (await checkBulkPart(dependencies, jobNo)).state === 'running';
        if (!running) break;
      }
      await accountCalls(ref);
      if (running) throw new NotReady();
    }),

    /** `rest`: something is left of the part, for another job. */
    readBulkPart: activity(async (ref: RunRef, part: number, jobNo: number): Promise<Written & { readonly rest: boolean }> => {
      const begunMs = performance.now();
      const read = await readBulkPart(dependencies, await loadRun(database, ref), jobNo, heartbeat());
      return { ...(await noted(ref, part, begunMs, read)), rest: read.rest };
    }),
  };
}
