import { MockActivityEnvironment } from '@temporalio/testing';
import { DefaultLogger } from '@temporalio/worker';
import jsforce from 'jsforce';
import type { Connection } from 'jsforce';
import { rm } from 'node:fs/promises';
import { onTestFinished } from 'vitest';
import { directoryWith } from '../../simulator/test/harness.ts';
import { tokenOf } from '../../simulator/test/token.ts';
import { startSimulator } from '../../simulator/src/simulator.ts';
import type { Simulator, SimulatorOptions } from '../../simulator/src/simulator.ts';
import type { Dependencies } from '../../activities/dependencies.ts';
import { NotReady } from '../../activities/edge.ts';
import { fetchActivities } from '../../activities/fetch.ts';
import { readSettings } from '../../src/config/load.ts';
import { resolveSettings } from '../../src/config/sides.ts';
import { objectFacts, objectTypes } from '../../src/domain/objects.ts';
import type { ObjectType } from '../../src/domain/objects.ts';
import { closeRun, openRun } from '../../src/ledger/runs.ts';
import type { OpenRun } from '../../src/ledger/runs.ts';
import { runShape } from '../../src/mirror/field-set.ts';
import { incompleteReads, loadReadState, moveWatermarks, readsOf } from '../../src/mirror/reads.ts';
import type { Database } from '../../src/postgres/database.ts';
import { sql } from '../../src/postgres/sql.ts';
import { createSalesforce } from '../../src/salesforce/side.ts';
import type { Salesforce } from '../../src/salesforce/side.ts';
import { mirrorDatabase } from '../plan/mirror-database.ts';

export interface ReadNight {
  /** crm-sync.yaml; none: no match fields, no mappings. */
  readonly settings?: string;
  readonly objects?: readonly ObjectType[];
  readonly full?: boolean;
  readonly nominalAt?: string;
  /** `settled`: the run went through. `preview`, `failed`: it ended otherwise after the fetch. */
  readonly ends?: 'settled' | 'preview' | 'failed';
  /** Stands between the activities and the org. */
  readonly faults?: (salesforce: Salesforce) => Partial<Salesforce>;
  /** Called before each turn of an object's read. */
  readonly before?: (object: ObjectType, turn: number) => Promise<void> | void;
}

export interface NightOfReads {
  readonly run: OpenRun;
  /** `contact: window`, `contact: full sunday 3 missed` */
  readonly reads: Readonly<Partial<Record<ObjectType, string>>>;
  /** Rows read of each object, what was looked up included. */
  readonly rows: Readonly<Partial<Record<ObjectType, number>>>;
  readonly incomplete: readonly { readonly object: ObjectType; readonly code: string }[];
  /** Calls of the data API: `GET updated`. */
  readonly calls: readonly string[];
}

/** A simulated org with a clock that the test sets, a mirror, and the fetch of a night as its workflow does it, by the real activities. */
export interface Reads {
  readonly simulator: Simulator;
  readonly database: Database;
  /** The org as its users change it. */
  readonly org: Connection;
  pass(seconds: number): void;
  nowIso(): string;
  set(settings: object): Promise<void>;
  night(night?: ReadNight): Promise<NightOfReads>;
  /** The mirror's records of an object by id: what stands at each field of the run's shape. */
  held(object: ObjectType): Promise<ReadonlyMap<string, HeldRecord>>;
  watermark(object: ObjectType): Promise<string | null>;
}

export interface HeldRecord {
  readonly values: readonly (string | null)[];
  readonly ineligible: string | null;
  readonly accountId: string | null;
  readonly changedRun: number;
}

const attributes = {
  user: [
    { name: 'jobTitle', type: 'text' },
    { name: 'city', type: 'text' },
  ],
  account: [{ name: 'industry', type: 'text' }],
} as const;

/** Ends with the test. */
export async function startReads(url: string, files: Readonly<Record<string, string>>, options: SimulatorOptions = {}): Promise<Reads> {
  const database = await mirrorDatabase(url);
  const folder = directoryWith(files);
  let clockMs = Date.UTC(2026, 10, 24, 2);
  const simulator = await startSimulator({ dataDirectory: folder, nowMs: () => clockMs, tokenLifetimeMs: 400 * 86_400_000, ...options });
  const { clientId, clientSecret } = simulator.credentials;
  const salesforce = createSalesforce({ loginUrl: simulator.url, apiVersion: '66.0', auth: { flow: 'clientCredentials', clientId, clientSecret } });
  const org: Connection = new jsforce.Connection({
    instanceUrl: simulator.url,
    accessToken: await tokenOf(simulator),
    version: '66.0',
    logLevel: 'NONE',
  });
  onTestFinished(async () => {
    await salesforce.close();
    await database.close();
    await simulator.stop();
    await rm(folder, { recursive: true });
  });
  const pass = (seconds: number): void => void (clockMs += seconds * 1000);
  pass(3600);

  let runs = 0;
  const night = async ({
    settings = '',
    objects = ['account', 'contact'],
    ends = 'settled',
    full = false,
    nominalAt,
    faults,
    before,
  }: ReadNight = {}): Promise<NightOfReads> => {
    pass(5);
    const describes = Object.fromEntries(
      await Promise.all(objectTypes.map(async (object) => [object, (await salesforce.describe(objectFacts[object].crmName)).fields])),
    );
    const resolved = resolveSettings(readSettings({ text: settings, env: {} }), {
      describes,
      userAttributes: attributes.user,
      accountAttributes: attributes.account,
    });
    const shape = runShape(resolved, { describes, attributes });
    runs += 1;
    const opened = {
      run: `run-${runs}`,
      kind: ends === 'preview' ? 'preview' : 'night',
      workflowId: 'w',
      shape,
      settingsHash: 'h',
      leads: true,
      apiBudget: 1_000,
      apiReserve: 0,
    } as const;
    const run = await database.transaction((tx) => openRun(tx, opened));
    const dependencies = {
      database,
      salesforce: { ...salesforce, ...faults?.(salesforce) },
      accountCalls: async () => undefined,
    } as unknown as Dependencies;
    const activities = fetchActivities(dependencies);
    const callsBefore = simulator.requestLog().length;
    const { order } = await inActivity(() => activities.orderFetch(objects));
    for (const object of order) await fetchAs(activities, run, object, { full, ...(nominalAt === undefined ? {} : { nominalAt }) }, before, pass);
    for (const object of (['account', 'lead', 'contact'] as const).filter((each) => objects.includes(each)))
      await inActivity(() => activities.lookUpNamed(run, object));
    await database.transaction(async (tx) => {
      if (ends === 'settled') await moveWatermarks(tx, run.runNo);
      await closeRun(tx, run.run, ends === 'settled' ? 'success' : ends, {});
    });
    const calls = simulator
      .requestLog()
      .slice(callsBefore)
      .map(({ method, path }) => `${method} ${path.split('/').slice(4).join('/')}`);
    const rows = await database.query<{ object: ObjectType; records: number }>(sql`
      select object, sum((counts->>'records')::bigint)::bigint as records from step_ledger where run_no = ${run.runNo} and step in ('fetch.page', 'fetch.again') group by object`);
    return {
      run,
      calls,
      rows: Object.fromEntries(rows.rows.map(({ object, records }) => [object, records])),
      incomplete: await incompleteReads(database, run.runNo),
      reads: Object.fromEntries(
        (await readsOf(database, run.runNo)).map(({ object, mode, reason, missed }) => [
          object,
          [mode, ...(reason === null ? [] : [reason]), ...(missed === null ? [] : [`${missed} missed`])].join(' '),
        ]),
      ),
    };
  };

  return {
    simulator,
    database,
    org,
    pass,
    nowIso: () => new Date(clockMs).toISOString(),
    set: async (change) => {
      const answer = await fetch(`${simulator.url}/__simulator/settings`, { method: 'POST', body: JSON.stringify(change) });
      if (!answer.ok) throw new Error(await answer.text());
    },
    night,
    held: async (object) => {
      const found = await database.query<HeldRecord & { id: string }>(sql`
        select crm_id as id, field_values as values, ineligible, account_id as "accountId", changed_run as "changedRun" from crm_record where object = ${object}`);
      return new Map(found.rows.map(({ id, ...held }) => [id, held]));
    },
    watermark: async (object) => (await loadReadState(database, object))?.watermark ?? null,
  };
}

type FetchActivities = ReturnType<typeof fetchActivities>;

const silent = new DefaultLogger('ERROR', () => undefined);
const inActivity = <T>(body: () => Promise<T>): Promise<T> => new MockActivityEnvironment(undefined, { logger: silent }).run(body) as Promise<T>;

/** As `workflows/fetch-object.ts` does it; what is not ready is asked again, and failures make the object incomplete. */
async function fetchAs(
  activities: FetchActivities,
  run: OpenRun,
  object: ObjectType,
  request: { readonly full: boolean; readonly nominalAt?: string },
  before: ReadNight['before'],
  pass: (seconds: number) => void,
): Promise<void> {
  try {
    for (let reading = 0, turn = 0, carried = true; carried; reading += 1) {
      const opened = await retried(() => inActivity(() => activities.openFetch(run, object, request, reading)), pass);
      if (opened.next === 'nothing') break;
      for (let more = opened.next === 'turns'; more; turn += 1) {
        await before?.(object, turn);
        const read = await retried(() => inActivity(() => activities.fetchPage(run, object, turn)), pass);
        if (read.next === 'cap') return;
        more = read.next === 'turn';
      }
      ({ carried } = await inActivity(() => activities.absorbFetched(run, object, reading)));
      await inActivity(() => activities.closeFetch(run, object));
    }
  } catch (error) {
    await inActivity(() => activities.noteIncomplete(run, object, String((error as { type?: unknown }).type ?? error)));
  }
}

/** What Temporal does: transient failures and what is not ready are tried again. */
async function retried<T>(body: () => Promise<T>, pass: (seconds: number) => void): Promise<T> {
  for (let attempt = 0; ; attempt += 1) {
    try {
      return await body();
    } catch (error) {
      const { type, nonRetryable } = error as { type?: string; nonRetryable?: boolean };
      if (!(error instanceof NotReady) && (type === undefined || type === 'UNEXPECTED' || nonRetryable === true || attempt > 2_000)) throw error;
      if (type !== 'NOT_READY') pass(1);
    }
  }
}
