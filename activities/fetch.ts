import { requireCalls } from '../src/apply/api-budget.ts';
import { Failure } from '../src/domain/failure.ts';
import { objectTypes } from '../src/domain/objects.ts';
import type { ObjectType, PersonKind } from '../src/domain/objects.ts';
import { comparedReasons } from '../src/fetch/decide.ts';
import { lookUpNamed } from '../src/fetch/look-up.ts';
import { openCatchUp, openRead } from '../src/fetch/open-read.ts';
import type { Opened, ReadRequest } from '../src/fetch/open-read.ts';
import { readOn } from '../src/fetch/read-on.ts';
import type { Turn } from '../src/fetch/read-on.ts';
import { fence } from '../src/ledger/runs.ts';
import type { RunRef } from '../src/ledger/runs.ts';
import { absorbPersons } from '../src/mirror/absorb.ts';
import { noteArrangement } from '../src/mirror/arrangement.ts';
import { personColumns } from '../src/mirror/field-set.ts';
import { loadRead, noteIncomplete, readingOrder } from '../src/mirror/reads.ts';
import { copyPage, createStage, dropOldStages, dropStage, stageTable } from '../src/mirror/stage.ts';
import { once } from '../src/mirror/step-ledger.ts';
import type { StepCounts } from '../src/mirror/step-ledger.ts';
import { takeRead } from '../src/mirror/take-read.ts';
import { sql } from '../src/postgres/sql.ts';
import type { Dependencies } from './dependencies.ts';
import { activity, cancellation, NotReady } from './edge.ts';

interface PageOfPersons {
  readonly kind: PersonKind;
  readonly cursor: string;
  readonly page: number;
}

interface PageCounts extends StepCounts {
  readonly next: string | null;
}

interface OpenedCounts extends StepCounts {
  readonly next: Opened;
}

interface TurnCounts extends StepCounts {
  readonly next: Turn['next'];
}

const personStage = (kind: PersonKind): 'users' | 'accounts' => (kind === 'user' ? 'users' : 'accounts');

export function fetchActivities(dependencies: Dependencies) {
  const { database, salesforce, store, accountCalls } = dependencies;
  return {
    /** In which order objects are read, and how many at once: what a cap kept waiting goes first, alone (R27). */
    orderFetch: activity(async (objects: readonly ObjectType[]): Promise<{ readonly order: readonly ObjectType[]; readonly atOnce: number }> => {
      const { order, anyWaits } = await readingOrder(database, objects);
      return { order, atOnce: anyWaits ? 1 : objectTypes.length };
    }),

    /** Begins the read of an object: a window of changes, or everything. `pass` counts the reads of one run: after one that an earlier run had begun, what changed since. */
    openFetch: activity(async (ref: RunRef, object: ObjectType, request: ReadRequest, pass: number): Promise<{ readonly next: Opened }> => {
      await requireCalls(dependencies, ref);
      const { next } = await once<OpenedCounts>(database, ref, { step: 'fetch.open', object, part: pass }, async (tx, run) => ({
        records: 0,
        next: await (pass === 0 ? openRead(dependencies, tx, run, object, request) : openCatchUp(dependencies, tx, run, object)),
      }));
      await accountCalls(ref);
      return { next };
    }),

    /** One turn of the read: opens a query, or stages one page. Throws "not ready" while a job runs: the pause between two looks costs no slot and no history. */
    fetchPage: activity(async (ref: RunRef, object: ObjectType, turn: number): Promise<{ readonly records: number; readonly next: Turn['next'] }> => {
      const signal = cancellation();
      try {
        await requireCalls(dependencies, ref);
        const { records, next } = await once<TurnCounts>(
          database,
          ref,
          { step: 'fetch.page', object, part: turn },
          async (tx, run) => {
            const done = await readOn(dependencies, tx, run, object, turn, signal);
            if (done.next === 'wait') throw new NotReady();
            return { ...done };
          },
          signal,
        );
        return { records, next };
      } finally {
        await accountCalls(ref);
      }
    }),

    /** The complete read into the mirror. `carried`: an earlier run had begun it, what changed since is still to be read. `jobs`: its Bulk jobs, to be deleted. */
    absorbFetched: activity(
      async (
        ref: RunRef,
        object: ObjectType,
        pass: number,
      ): Promise<{ readonly records: number; readonly carried: boolean; readonly jobs: number }> => {
        const { records, carried, jobs } = await once(
          database,
          ref,
          { step: 'fetch.absorb', object, part: pass },
          async (tx, run) => {
            const taken = await takeRead(tx, run, object, comparedReasons);
            return { ...taken.counts, carried: taken.carried, jobs: taken.jobs };
          },
          cancellation(),
        );
        return { records, carried, jobs };
      },
    ),

    /** Deletes the Bulk jobs of a read; those that are gone already are fine. */
    closeFetch: activity(async (ref: RunRef, object: ObjectType): Promise<void> => {
      const read = await database.transaction(async (tx) => loadRead(tx, (await fence(tx, ref)).runNo, object));
      for (const jobId of read?.cursor.jobs ?? []) await salesforce.deleteQuery(jobId);
      await accountCalls(ref);
    }),

    /** What no window brings: records that may have left the org, and those that merges and conversions point to. */
    lookUpNamed: activity(async (ref: RunRef, object: ObjectType): Promise<{ readonly records: number }> => {
      const signal = cancellation();
      const { records } = await once(
        database,
        ref,
        { step: 'fetch.again', object, part: 0 },
        async (tx, run) => ({ ...(await lookUpNamed(dependencies, tx, run, object, signal)) }),
        signal,
      );
      await accountCalls(ref);
      return { records };
    }),

    /** R27: the read of one object came to nothing; the night goes on without new links of it. */
    noteIncomplete: activity(async (ref: RunRef, object: ObjectType, code: string): Promise<void> =>
      database.transaction(async (tx) => noteIncomplete(tx, (await fence(tx, ref)).runNo, object, code)),
    ),

    fetchPersonsPage: activity(
      async (ref: RunRef, { kind, cursor, page }: PageOfPersons): Promise<{ readonly records: number; readonly next: string | null }> => {
        const signal = cancellation();
        const { records, next } = await once<PageCounts>(
          database,
          ref,
          { step: 'fetch.page', object: personStage(kind), part: page },
          async (tx, run) => {
            const stage = stageTable(run.runNo, personStage(kind));
            const columns = personColumns(run.shape, kind);
            if (page === 0) {
              await dropOldStages(tx, run.runNo, personStage(kind));
              await createStage(tx, stage, columns);
            }
            const attributes = run.shape.persons[kind].map((attribute) => attribute.name);
            const read = await store.readPage({ kind, attributes }, cursor);
            const arrived = await copyPage(tx, stage, columns, read.csv, signal);
            proven(arrived, await read.rows, `page ${page} of ${personStage(kind)}`);
            return { records: arrived, next: read.next };
          },
          signal,
        );
        return { records, next };
      },
    ),

    absorbPersonsRead: activity(async (ref: RunRef, kind: PersonKind): Promise<{ readonly records: number }> =>
      once(
        database,
        ref,
        { step: 'fetch.absorb', object: personStage(kind), part: 0 },
        async (tx, run) => {
          const stage = stageTable(run.runNo, personStage(kind));
          const pages = await tx.query<{ rows: number }>(sql`
            select coalesce(sum((counts->>'records')::bigint), 0)::bigint as rows from step_ledger
             where run_no = ${run.runNo} and step = 'fetch.page' and object = ${personStage(kind)}`);
          const counts = await absorbPersons(tx, run.shape, kind, run.runNo, stage);
          proven(counts.records, pages.rows[0]?.rows ?? 0, `the read of ${personStage(kind)}`);
          await noteArrangement(tx, run.shape, personStage(kind));
          await dropStage(tx, stage);
          return counts;
        },
        cancellation(),
      ),
    ),
  };
}

function proven(arrived: number, promised: number, what: string): void {
  if (arrived !== promised)
    throw new Failure(`${what} promised ${promised} rows and brought ${arrived}`, {
      kind: 'transient',
      code: 'ROWS_MISSING',
      remedy: 'it is read again',
    });
}
