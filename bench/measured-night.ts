import { KeptTexts } from '../chaos/kept-texts.ts';
import type { SyncConnection } from '../src/cli/connections.ts';
import { newRunKey, openNight } from '../src/cli/night.ts';
import { steps } from '../src/domain/progress.ts';
import type { RunResult, Step } from '../src/domain/progress.ts';
import type { Report } from '../src/domain/report.ts';
import type { StackFile } from '../src/local/stack-file.ts';
import { runByKey } from '../src/operator/runs.ts';
import type { Database } from '../src/postgres/database.ts';
import { sql } from '../src/postgres/sql.ts';
import { forgetPeak, peakMegabytes, processorSeconds } from './processes.ts';

/** One activity of the night, all its parts together. */
export interface MeasuredActivity {
  /** `fetch.page`, `match.settle`, ... */
  readonly step: string;
  readonly object: string;
  readonly parts: number;
  readonly records: number;
  /** Of all parts, one after the other. */
  readonly seconds: number;
}

export interface MeasuredNight {
  readonly report: Report;
  /** From the start of the workflow to its result. */
  readonly seconds: number;
  /** Each step over all objects, which overlap: from the begin of its first part to the end of its last. */
  readonly stepSeconds: Readonly<Record<Step, number>>;
  /** Processor time of each process and its children. */
  readonly processor: Readonly<Record<'postgres' | 'worker' | 'simulator' | 'temporal', number>>;
  readonly workerPeakMegabytes: number;
  /** Of the run and of its children together; `longest` of one of them. */
  readonly historyEvents: { readonly all: number; readonly longest: number };
  readonly largestPayloadBytes: number;
  readonly activities: readonly MeasuredActivity[];
}

/** Runs one night on the stack and measures it. Throws if it does not end as `success`. */
export async function measureNight(sync: SyncConnection, stack: StackFile): Promise<MeasuredNight> {
  const client = await sync.client();
  const database = await sync.ledger();
  const pids = { postgres: stack.postgres?.pid, worker: stack.worker?.pid, simulator: stack.salesforce?.pid, temporal: stack.temporal?.pid };
  const processors = async (): Promise<Record<keyof typeof pids, number>> => {
    const taken = {} as Record<keyof typeof pids, number>;
    for (const [name, pid] of Object.entries(pids)) taken[name as keyof typeof pids] = pid === undefined ? 0 : await processorSeconds(pid);
    return taken;
  };
  const worker = pids.worker;
  if (worker === undefined) throw new Error('the stack has no worker');
  await forgetPeak(worker);
  const before = await processors();
  const run = newRunKey(new Date());
  const begunAt = new Date().toISOString();
  const begun = performance.now();
  const night = await openNight(client, sync.name, { run, kind: 'night', full: false, atGate: 'end' });
  const { status } = (await client.workflow.getHandle(night.workflowId, night.executionId).result()) as RunResult;
  const seconds = (performance.now() - begun) / 1000;
  const after = await processors();
  const workerPeakMegabytes = await peakMegabytes(worker);
  const summary = await runByKey(database, run);
  if (status !== 'success' || summary === undefined || summary.report === null) throw new Error(`the night ended as ${status}`);
  const kept = new KeptTexts();
  await kept.addServer(client, `StartTime >= '${begunAt}'`);
  return {
    report: summary.report,
    seconds,
    processor: {
      postgres: after.postgres - before.postgres,
      worker: after.worker - before.worker,
      simulator: after.simulator - before.simulator,
      temporal: after.temporal - before.temporal,
    },
    workerPeakMegabytes,
    historyEvents: { all: kept.events, longest: kept.largestWorkflow.events },
    largestPayloadBytes: kept.largestPayload.bytes,
    stepSeconds: await stepSecondsOf(database, summary.runNo),
    activities: await activitiesOf(database, summary.runNo),
  };
}

async function activitiesOf(database: Database, runNo: number): Promise<readonly MeasuredActivity[]> {
  const found = await database.query<MeasuredActivity>(sql`
    select step, object, count(*)::integer as parts, sum((counts->>'records')::bigint)::bigint as records,
      (sum(coalesce((counts->>'ms')::numeric, 0)) / 1000)::float8 as seconds
     from step_ledger where run_no = ${runNo} group by step, object order by min(done_at)`);
  return found.rows;
}

async function stepSecondsOf(database: Database, runNo: number): Promise<Readonly<Record<Step, number>>> {
  const found = await database.query<{ step: Step; seconds: number }>(sql`
    select split_part(step, '.', 1) as step,
      extract(epoch from max(done_at) - min(done_at - make_interval(secs => coalesce((counts->>'ms')::numeric, 0) / 1000.0)))::float8 as seconds
     from step_ledger where run_no = ${runNo} group by 1`);
  return Object.fromEntries(steps.map((step) => [step, found.rows.find((row) => row.step === step)?.seconds ?? 0])) as Record<Step, number>;
}
