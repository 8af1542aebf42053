import { Failure } from '../src/domain/failure.ts';
import { objectFacts } from '../src/domain/objects.ts';
import type { ObjectType, PersonKind } from '../src/domain/objects.ts';
import { loadRun } from '../src/ledger/runs.ts';
import type { RunRef } from '../src/ledger/runs.ts';
import { absorbPersons, absorbRecords } from '../src/mirror/absorb.ts';
import { crmColumns, personColumns } from '../src/mirror/field-set.ts';
import { copyPage, createStage, dropStage, stageTable } from '../src/mirror/stage.ts';
import { once } from '../src/mirror/step-ledger.ts';
import type { StepCounts } from '../src/mirror/step-ledger.ts';
import { sql } from '../src/postgres/sql.ts';
import { buildQuery } from '../src/salesforce/soql.ts';
import type { Dependencies } from './dependencies.ts';
import { activity, cancellation, NotReady } from './edge.ts';

/** Rows of a result page: one page is what a killed worker reads again. */
const pageRows = 50_000;

interface PageOfJob {
  readonly object: ObjectType;
  readonly jobId: string;
  readonly locator: string | null;
  readonly page: number;
}

interface PageOfPersons {
  readonly kind: PersonKind;
  readonly cursor: string;
  readonly page: number;
}

interface PageCounts extends StepCounts {
  readonly next: string | null;
}

const personStage = (kind: PersonKind): 'users' | 'accounts' => (kind === 'user' ? 'users' : 'accounts');

export function fetchActivities({ database, salesforce, store, accountCalls }: Dependencies) {
  return {
    /** Opens the Bulk query of an object; a repeat returns the same job. A job whose id was lost is an orphan that Salesforce drops. */
    openFetch: activity(async (ref: RunRef, object: ObjectType): Promise<{ readonly jobId: string | null }> => {
      const run = await loadRun(database, ref);
      const columns = crmColumns(run.shape, object);
      if (columns.length === 0) return { jobId: null };
      const { crmName } = objectFacts[object];
      const opened = await once(database, ref, { step: 'fetch.open', object, part: 0 }, async (tx) => {
        await createStage(tx, stageTable(run.runNo, object), columns);
        const { fields } = await salesforce.describe(crmName);
        const { jobId } = await salesforce.openQuery(buildQuery(crmName, columns, fields));
        return { records: 0, jobId };
      });
      await accountCalls(ref);
      return { jobId: opened.jobId };
    }),

    /** Throws "not ready" until the job is complete: the pause between two looks costs no slot and no history. */
    checkFetch: activity(async (ref: RunRef, jobId: string): Promise<{ readonly records: number }> => {
      const job = await salesforce.checkQuery(jobId);
      await accountCalls(ref);
      if (job.state === 'running') throw new NotReady();
      return { records: job.records };
    }),

    /** One result page into the stage; its rows are proven against the page's header (R27). */
    fetchPage: activity(
      async (ref: RunRef, { object, jobId, locator, page }: PageOfJob): Promise<{ readonly records: number; readonly next: string | null }> => {
        const signal = cancellation();
        const { records, next } = await once<PageCounts>(
          database,
          ref,
          { step: 'fetch.page', object, part: page },
          async (tx, run) => {
            const read = await salesforce.readPage(jobId, locator, pageRows);
            try {
              const arrived = await copyPage(tx, stageTable(run.runNo, object), crmColumns(run.shape, object), read.csv, signal);
              proven(arrived, read.rows, `page ${page} of ${objectFacts[object].crmName}`);
            } finally {
              read.csv.destroy();
            }
            return { records: read.rows, next: read.nextLocator };
          },
          signal,
        );
        await accountCalls(ref);
        return { records, next };
      },
    ),

    /** The complete read of an object into the mirror; the sum of its pages is proven against the job's own count. */
    absorbFetched: activity(async (ref: RunRef, object: ObjectType, expected: number): Promise<{ readonly records: number }> =>
      once(
        database,
        ref,
        { step: 'fetch.absorb', object, part: 0 },
        async (tx, run) => {
          const stage = stageTable(run.runNo, object);
          const counts = await absorbRecords(tx, run.shape, object, run.runNo, stage);
          proven(counts.records, expected, `the read of ${objectFacts[object].crmName}`);
          await dropStage(tx, stage);
          return counts;
        },
        cancellation(),
      ),
    ),

    closeFetch: activity(async (ref: RunRef, jobId: string): Promise<void> => {
      await salesforce.deleteQuery(jobId);
      await accountCalls(ref);
    }),

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
            if (page === 0) await createStage(tx, stage, columns);
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
