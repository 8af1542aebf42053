import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { editBothSides } from '../test/model/edits.ts';
import type { Base } from './base.ts';
import { startCalmWorld } from './calm-world.ts';
import { compareNights, compareQuiet } from './compare.ts';
import type { Difference } from './compare.ts';
import type { DrawnStroke } from './drawn-kills.ts';
import { HeldValues } from './held-values.ts';
import { KeptTexts } from './kept-texts.ts';
import { countsOf, leftBy } from './left.ts';
import type { Left } from './left.ts';
import { night } from './night.ts';
import type { EndedRun } from './night.ts';
import { newScores, plainName, streamOf } from './scenario.ts';
import type { Scenario } from './scenario.ts';
import { setLeads, storm } from './storm.ts';
import type { Storm } from './storm.ts';
import { startStormyWorld } from './stormy-world.ts';
import { importInto, settle } from './world.ts';
import type { World, WorldOptions } from './world.ts';

const wakesAfterMs = 5_000;

/** A night that did not come out as it should; the seed's world is kept. */
export class Found extends Error {
  readonly difference: Difference;

  constructor(difference: Difference) {
    super(difference.says);
    this.difference = difference;
  }
}

export interface SeedResult {
  readonly faults: number;
  readonly kills: number;
}

/** The nights of a seed undisturbed, and what each left. */
export async function undisturbed(scenario: Scenario, base: Base, folder: string): Promise<readonly Left[]> {
  const world = await startCalmWorld(optionsOf(scenario, base, folder, 'calm'));
  try {
    const lefts: Left[] = [];
    for (const [index, { leads }] of scenario.nights.entries()) {
      if (index > 0) await day(scenario, world, index);
      await setLeads(world, leads);
      await countAs(world, `night ${index + 1}`);
      const run = runKey(world, index + 1);
      mustSucceed(await night(world, run), 'the undisturbed night');
      lefts.push(await leftBy(world, run, `night ${index + 1}`));
    }
    return lefts;
  } finally {
    await world.stop();
    await world.drop();
  }
}

/** The nights of a seed with all that was drawn for them, each compared with the undisturbed one; then one more, which writes nothing. @throws {Found} */
export async function disturbed(
  scenario: Scenario,
  base: Base,
  folder: string,
  calm: Promise<readonly Left[]>,
  keep: boolean,
  onLine: (line: string) => void,
): Promise<SeedResult> {
  const world = await startStormyWorld(optionsOf(scenario, base, folder, 'storm'), (line) => onLine(`    ${line}`));
  const total = { faults: 0, kills: 0 };
  let last: Left | undefined;
  const closed: string[] = [];
  let equal = false;
  let asleep: Storm | undefined;
  try {
    for (const [index, drawn] of scenario.nights.entries()) {
      if (index > 0) {
        await world.stopSecondWorker();
        await day(scenario, world, index);
      }
      const name = `night ${index + 1}`;
      await setLeads(world, drawn.leadsTurned?.from ?? drawn.leads);
      await countAs(world, name);
      const stormy = withOrgsOwnValues(scenario, await storm(world, drawn, runKey(world, index + 1)));
      asleep = stormy;
      for (const line of told(name, stormy)) onLine(line);
      total.faults += Object.values(stormy.struck).reduce((sum, times) => sum + times, 0);
      total.kills += stormy.kills;
      const left = await afterwards(world, stormy, drawn.stroke?.zombie ?? 'no', index + 1, onLine);
      const wanted = (await calm)[index];
      if (wanted === undefined) throw new Error('the undisturbed run has fewer nights');
      const difference = compareNights(left, wanted, { again: stormy.mayEnd, twins: stormy.twins });
      if (difference !== null) throw new Found({ ...difference, says: `${name}: ${difference.says}` });
      last = left;
      closed.push(...(await world.outcomes()));
    }
    await countAs(world, 'quiet');
    mustSucceed(await night(world, `${world.name}-quiet`), 'one more night');
    const difference = last === undefined ? null : compareQuiet(last, await leftBy(world, `${world.name}-quiet`, 'quiet'));
    if (difference !== null) throw new Found(difference);
    await mustStay(world, closed);
    await mustNotLeak(scenario, world);
    equal = true;
    return total;
  } finally {
    await asleep?.wake();
    await world.stop();
    if (equal && !keep) await world.drop();
  }
}

/**
 * Where the org turns a value into something else on save, what is seen after a lost answer is neither what was wanted nor what was before: it is `deferred` (`changedMeanwhile`), and sent once more by the
 * next run (writing.md, verify).
 */
function withOrgsOwnValues({ model }: Scenario, stormy: Storm): Storm {
  const struck = Object.keys(stormy.struck).length + stormy.kills;
  if (model.noteBecomes === null || struck === 0) return stormy;
  return { ...stormy, mayEnd: true, twins: stormy.twins + 4 * struck };
}

/** The run itself, or the one after it if it may have left something. */
async function afterwards(world: World, stormy: Storm, zombie: DrawnStroke['zombie'], number: number, onLine: (line: string) => void): Promise<Left> {
  const counted = `night ${number}`;
  if (!stormy.mayEnd) {
    mustSucceed(stormy.ended, `the disturbed night ${number}, although nothing struck that may end it,`);
    return leftBy(world, runKey(world, number), counted);
  }
  const run = `${runKey(world, number)}-again`;
  const waking = zombie === 'wakesAfter' ? Promise.resolve() : delay(wakesAfterMs).then(stormy.wake);
  const ended = await night(world, run);
  await waking;
  if (zombie === 'wakesAfter') await mustDoNothing(world, stormy, `${counted} afterwards`);
  onLine(`  night ${number} again: ${ended.status}`);
  mustSucceed(ended, `the undisturbed run after the disturbed night ${number}`);
  return leftBy(world, run, counted);
}

/** A worker that wakes up after the next run has ended sends nothing but the one request of an object that it had begun. */
async function mustDoNothing(world: World, { wake }: Storm, counted: string): Promise<void> {
  await countAs(world, counted);
  await wake();
  await delay(wakesAfterMs);
  const { written } = await countsOf(world, counted);
  const requests = new Set([...written].flatMap(([key, each]) => each.requests.map((request) => `${key.split(' ', 1)[0]}: ${request}`)));
  const lines = [...requests].filter((line, _at, all) => all.some((other) => other !== line && other.split(':', 1)[0] === line.split(':', 1)[0]));
  if (lines.length > 0) throw new Found({ kind: 'doubled', says: 'a worker that woke up after the next run had ended sent', lines });
}

/** What a run that ended had become of its intents stays so, whoever wakes up later. */
async function mustStay(world: World, closed: readonly string[]): Promise<void> {
  const now = new Set(await world.outcomes());
  const lines = [...new Set(closed)].filter((line) => !now.has(line)).concat(await world.late());
  if (lines.length > 0) throw new Found({ kind: 'different', says: 'a run that had ended was written again', lines });
}

/** No value of either side is in what Temporal keeps of the seed, failures included. */
async function mustNotLeak({ files }: Scenario, world: World): Promise<void> {
  const held = new HeldValues(files['crm-sync.yaml'] ?? '');
  for (const [name, content] of Object.entries(files)) if (name.endsWith('.csv')) held.addCsv(content);
  const kept = new KeptTexts();
  await kept.addServer(world.client, `TaskQueue = '${world.name}'`);
  const lines = kept.placesOf(held.values);
  if (lines.length > 0) throw new Found({ kind: 'different', says: 'a value of the data stands in a history', lines });
}

function mustSucceed({ run, status, why }: EndedRun, what: string): void {
  if (status === 'success') return;
  throw new Found({ kind: 'different', says: `${what} ended as ${status}${why === undefined ? '' : ` (${why})`}: ${run}`, lines: [] });
}

function told(name: string, { ended, struck, done }: Storm): readonly string[] {
  return [
    `  ${name}: ${ended.status}${ended.why === undefined ? '' : ` (${ended.why})`}`,
    ...Object.entries(struck).map(([fault, times]) => `    fault ${fault}${times === 1 ? '' : `, ${times} times`}`),
    ...done.map((line) => `    ${line}`),
  ];
}

function optionsOf({ seed, files, simulator }: Scenario, base: Base, folder: string, kind: 'calm' | 'storm'): WorldOptions {
  return { name: `chaos-${seed}-${kind}`, base, directory: path.join(folder, kind), files, simulator };
}

/** Children of a run are named by its key: unique where several syncs share a server. */
const runKey = ({ name }: World, number: number): string => `${name}-night-${number}`;
const countAs = (world: World, name: string): Promise<void> => settle(world.simulator.url, { run: name });

/** What people do on both sides between two nights, by the seed alone. Hours pass before and after. */
async function day(scenario: Scenario, world: World, number: number): Promise<void> {
  const random = streamOf(scenario.seed, 'edits', number);
  await countAs(world, `day ${number}`);
  await settle(world.simulator.url, { advanceSeconds: 1_800 });
  await editBothSides(random, world, 4 + random.below(8), {}, { contactsWhere: `(not LastName like '${plainName}%')` });
  const scores = newScores(scenario, number);
  if (scores !== null) await importScores(world, scores);
  await settle(world.simulator.url, { advanceSeconds: 14_400 });
}

async function importScores({ store }: World, csv: string): Promise<void> {
  const folder = await mkdtemp(path.join(tmpdir(), 'crm-sync-feed-'));
  await writeFile(path.join(folder, 'user-1.csv'), csv);
  await importInto(store, folder, ['user-1.csv']);
  await rm(folder, { recursive: true });
}
