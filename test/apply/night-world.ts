import { mkdir, mkdtemp, readdir, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { text } from 'node:stream/consumers';
import { setTimeout as delay } from 'node:timers/promises';
import { randomBytes } from 'node:crypto';
import { onTestFinished } from 'vitest';
import { startSimulator } from '../../simulator/src/simulator.ts';
import type { Simulator, SimulatorOptions } from '../../simulator/src/simulator.ts';
import { applyStorePart } from '../../src/apply/store-part.ts';
import { checkBulkPart, readBulkPart } from '../../src/apply/bulk-results.ts';
import { openBulkPart } from '../../src/apply/bulk-open.ts';
import { applyCollectionsPart } from '../../src/apply/collections.ts';
import type { ApplyDependencies } from '../../src/apply/dependencies.ts';
import { reserveParts } from '../../src/apply/parts.ts';
import type { PartGroup } from '../../src/apply/parts.ts';
import { readSettings } from '../../src/config/load.ts';
import { resolveSettings } from '../../src/config/sides.ts';
import type { Attribute } from '../../src/domain/attributes.ts';
import { objectFacts, objectTypes } from '../../src/domain/objects.ts';
import type { ObjectType, PersonKind } from '../../src/domain/objects.ts';
import { closeRun, openRun } from '../../src/ledger/runs.ts';
import type { OpenRun } from '../../src/ledger/runs.ts';
import { absorbPersons } from '../../src/mirror/absorb.ts';
import { absorbRecords } from '../../src/mirror/absorb-records.ts';
import { crmColumns, personColumns, runShape } from '../../src/mirror/field-set.ts';
import { openRunPartitions } from '../../src/mirror/match/partitions.ts';
import { noteMappings } from '../../src/mirror/plan/intent-fields.ts';
import { planPart } from '../../src/mirror/plan/plan.ts';
import type { RunShape } from '../../src/mirror/run-shape.ts';
import { copyPage, createStage, dropStage } from '../../src/mirror/stage.ts';
import { intentsCsv } from '../../src/operator/intents.ts';
import { importFeeds } from '../../src/personalization/feeds.ts';
import { openStore } from '../../src/personalization/store.ts';
import type { PersonalizationStore } from '../../src/personalization/store.ts';
import { raw, sql } from '../../src/postgres/sql.ts';
import { createSalesforce } from '../../src/salesforce/side.ts';
import { selectQuery } from '../../src/salesforce/soql.ts';
import { mirrorDatabase } from '../plan/mirror-database.ts';

/** Both sides, mirror and ledger over one data directory, and the steps of a night but for the match: pairs are linked by what `pairings` says. */
export interface NightWorld {
  readonly deps: ApplyDependencies;
  readonly store: PersonalizationStore;
  readonly simulator: Simulator;
  readonly shape: RunShape;
  open(run: string): Promise<OpenRun>;
  fetch(run: OpenRun): Promise<void>;
  /** Links pairs (`pairings`) and plans them, in so many parts. */
  plan(run: OpenRun, parts?: number): Promise<number>;
  reserve(run: OpenRun): Promise<readonly PartGroup[]>;
  apply(run: OpenRun, groups: readonly PartGroup[]): Promise<void>;
  close(run: OpenRun): Promise<void>;
  /** All of it. Returns intents.csv. */
  night(run: string): Promise<string>;
  intents(run: OpenRun): Promise<string>;
  /** Writes of each record through the org's API. */
  updates(object: string): Promise<ReadonlyMap<string, number>>;
}

/** The files of a directory of `test/rules`. */
export async function ruleDirectory(name: string): Promise<Readonly<Record<string, string>>> {
  const folder = path.join(import.meta.dirname, '../rules', name);
  const files = await readdir(folder);
  return Object.fromEntries(
    await Promise.all(files.map(async (file): Promise<[string, string]> => [file, await readFile(path.join(folder, file), 'utf8')])),
  );
}

/** What is to go wrong in the org from now on: rules of a file of faults. */
export async function strike(simulator: Simulator, ...rules: readonly object[]): Promise<void> {
  const answer = await fetch(`${simulator.url}/__simulator/faults`, { method: 'PUT', body: JSON.stringify({ seed: 1, rules }) });
  if (!answer.ok) throw new Error(await answer.text());
}

/** Ends with the test. `url`: of a database in which each world has schemas of its own. */
export async function nightWorld(url: string, files: Readonly<Record<string, string>>, options: SimulatorOptions = {}): Promise<NightWorld> {
  const database = await mirrorDatabase(url);
  const folder = await mkdtemp(path.join(tmpdir(), 'crm-sync-apply-'));
  const data = path.join(folder, 'data');
  await mkdir(data);
  for (const [name, content] of Object.entries(files)) await writeFile(path.join(data, name), content);
  const simulator = await startSimulator({ dataDirectory: data, ...options });
  const store = await openStore(url, `store_${randomBytes(5).toString('hex')}`, { personsPerPage: 100_000 });
  await importFeeds(
    store,
    Object.keys(files)
      .filter((name) => /^(user|account)-.*\.csv$/.test(name))
      .map((name) => path.join(data, name)),
    () => undefined,
  );
  const { clientId, clientSecret } = simulator.credentials;
  const salesforce = createSalesforce({ loginUrl: simulator.url, apiVersion: '66.0', auth: { flow: 'clientCredentials', clientId, clientSecret } });
  onTestFinished(async () => {
    await salesforce.close();
    await database.close();
    await store.close();
    await simulator.stop();
    await rm(folder, { recursive: true });
  });
  const loaded = readSettings({ text: files['crm-sync.yaml'] ?? '', env: {} });
  const describes = Object.fromEntries(
    await Promise.all(objectTypes.map(async (object) => [object, (await salesforce.describe(objectFacts[object].crmName)).fields])),
  ) as Record<ObjectType, Awaited<ReturnType<typeof salesforce.describe>>['fields']>;
  const attributes: Readonly<Record<PersonKind, readonly Attribute[]>> = await store.describe();
  const settings = resolveSettings(loaded, { describes, userAttributes: attributes.user, accountAttributes: attributes.account });
  const shape = runShape(settings, { describes, attributes });
  const deps: ApplyDependencies = { database, salesforce, store, workDirectory: path.join(folder, 'work') };
  const heartbeat = (): void => undefined;

  const world: NightWorld = {
    deps,
    store,
    simulator,
    shape,
    open: (run) =>
      database.transaction(async (tx) => {
        const opened = await openRun(tx, { run, kind: 'night', workflowId: 'w', shape, settingsHash: 'h', leads: true, apiBudget: 1_000 });
        await openRunPartitions(tx, opened.runNo);
        return opened;
      }),
    fetch: async (run) => {
      for (const object of objectTypes) await fetchRecords(world, run, object);
      for (const kind of ['user', 'account'] as const) await fetchPersons(world, run, kind);
    },
    plan: async (run, parts = 2) => {
      let intents = 0;
      for (const object of objectTypes) {
        await database.query(sql`
          insert into crm_outcome (run_no, object, rec, outcome, sub_tier, pers)
          select ${run.runNo}, ${object}, rec, 'linked', 'id', min(pers) from (${raw(pairings(shape, object).map(pairsBy(object)).join(' union all '))}) pairs group by rec`);
        await database.transaction((tx) => noteMappings(tx, run, object));
        for (let part = 0; part < parts; part++)
          intents += await database.transaction(async (tx) => (await planPart(tx, run, object, part, parts)).intents);
      }
      return intents;
    },
    reserve: (run) => database.transaction((tx) => reserveParts(tx, run)),
    apply: async (run, groups) => {
      for (const { path: way, first, count } of groups)
        for (let part = first; part < first + count; part++) {
          if (way === 'store') await applyStorePart(deps, run, part);
          else if (way === 'collections') await applyCollectionsPart(deps, run, part, heartbeat);
          else await applyBulk(deps, run, part);
        }
    },
    close: (run) => closeRun(database, run.run, 'success', {}),
    night: async (name) => {
      const run = await world.open(name);
      await world.fetch(run);
      await world.plan(run);
      await world.apply(run, await world.reserve(run));
      await world.close(run);
      return world.intents(run);
    },
    intents: (run) => text(intentsCsv(database, run.runNo)),
    updates: async (object) => {
      const response = await fetch(`${simulator.url}/__simulator/updates?object=${object}`);
      const rows = (await response.json()) as { id: string; updates: number }[];
      return new Map(rows.map(({ id, updates }) => [id, updates]));
    },
  };
  return world;
}

/** Open, wait, read, until nothing is left: what the workflow does with a part. */
export async function applyBulk(deps: ApplyDependencies, run: OpenRun, part: number): Promise<number> {
  for (let jobs = 0; ; jobs++) {
    const { jobNo } = await openBulkPart(deps, run, part, () => undefined);
    if (jobNo === null) return jobs;
    await bulkEnded(deps, jobNo);
    await readBulkPart(deps, run, jobNo, () => undefined);
  }
}

export async function bulkEnded(deps: ApplyDependencies, jobNo: number): Promise<void> {
  await ended(async () => (await checkBulkPart(deps, jobNo)).state === 'running');
}

/** What makes a pair here: the id attribute, a match field, the name. A stand-in for the match, for worlds without ambiguity. */
function pairings(shape: RunShape, object: ObjectType): readonly string[] {
  const { idPrefix, personKind } = objectFacts[object];
  const { idAttribute, matchFields } = shape.settings.objects[object];
  const attribute = (name: string): string => `p.field_values[${shape.persons[personKind].findIndex((known) => known.name === name) + 1}]`;
  const field = (name: string): string => `c.field_values[${shape.crm[object].findIndex((known) => known.name === name) + 1}]`;
  return [
    `id18(${attribute(idAttribute)}, '${idPrefix}') = c.crm_id`,
    ...matchFields.flatMap(({ salesforce, personalization }) => personalization.map((name) => `${field(salesforce)} = ${attribute(name)}`)),
    ...(object === 'account' ? [`${field('Name')} = ${attribute('name')}`] : []),
  ];
}

const pairsBy =
  (object: ObjectType) =>
  (equality: string): string =>
    `select c.rec, p.rec as pers from crm_record c join pers_record p on ${equality}
    where c.object = '${object}' and c.ineligible is null and p.kind = '${objectFacts[object].personKind}'`;

/** Until Salesforce is done: asked again after a moment. */
async function ended(running: () => Promise<boolean>): Promise<void> {
  while (await running()) await delay(10);
}

async function fetchRecords({ deps: { database, salesforce }, shape }: NightWorld, run: OpenRun, object: ObjectType): Promise<void> {
  const columns = crmColumns(shape, object);
  const { crmName } = objectFacts[object];
  const { jobId } = await salesforce.openQuery(selectQuery(crmName, columns));
  await ended(async () => (await salesforce.checkQuery(jobId)).state === 'running');
  await database.transaction(async (tx) => {
    await createStage(tx, `stage_${object}`, columns);
    let locator: string | null = null;
    do {
      const page = await salesforce.readPage(jobId, locator, 50_000);
      await copyPage(tx, `stage_${object}`, columns, page.csv);
      locator = page.nextLocator;
    } while (locator !== null);
    await absorbRecords(tx, shape, object, run.runNo, `stage_${object}`);
    await dropStage(tx, `stage_${object}`);
  });
}

async function fetchPersons({ deps: { database, store }, shape }: NightWorld, run: OpenRun, kind: PersonKind): Promise<void> {
  await database.transaction(async (tx) => {
    const columns = personColumns(shape, kind);
    await createStage(tx, 'stage_persons', columns);
    for (let cursor: string | null = 'start'; cursor !== null;) {
      const page = await store.readPage({ kind, attributes: shape.persons[kind].map(({ name }) => name) }, cursor);
      await copyPage(tx, 'stage_persons', columns, page.csv);
      cursor = page.next;
    }
    await absorbPersons(tx, shape, kind, run.runNo, 'stage_persons');
    await dropStage(tx, 'stage_persons');
  });
}
