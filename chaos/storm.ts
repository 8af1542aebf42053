import { setTimeout as delay } from 'node:timers/promises';
import type { DrawnKill, DrawnStroke, Moment, PartToKill } from './drawn-kills.ts';
import { FaultsInForce } from './faults-in-force.ts';
import type { Rule } from './faults-in-force.ts';
import { night, patiently } from './night.ts';
import type { EndedRun } from './night.ts';
import { back, forgetDeadWorkers, pausePart, pidOf, signalTo } from './parts.ts';
import { holdAtRow } from './row-hold.ts';
import type { RowHold } from './row-hold.ts';
import type { DrawnNight } from './scenario.ts';
import type { StormyWorld } from './stormy-world.ts';
import type { World } from './world.ts';

/** What came of what was drawn for a night. */
export interface Storm {
  readonly ended: EndedRun;
  /** Name of each fault that struck, and how often. */
  readonly struck: Readonly<Record<string, number>>;
  /** Each kill, pause and stroke that came to pass, with the moment. */
  readonly done: readonly string[];
  readonly kills: number;
  /** Whether something struck after which a run may end otherwise than as `success`, or leave something for the next one. */
  readonly mayEnd: boolean;
  /** Wakes the worker up that sleeps through the end of its run; nothing to do if none does. */
  readonly wake: () => Promise<void>;
  /** Attempts that may have been at work twice at the same time: of each, the request that it was about to send or had sent may have been sent once more (writing.md). */
  readonly twins: number;
}

const holdMs = 2_500;
const lookEveryMs = 90;

/** One disturbed run. Whatever happens, all parts run and answer when this returns, and no fault is in force. */
export async function storm(world: StormyWorld, drawn: DrawnNight, run: string): Promise<Storm> {
  const strokes = [...drawn.kills, ...(drawn.stroke === null ? [] : [drawn.stroke])];
  const over = new AbortController();
  const faults = new FaultsInForce(world.simulator.url, [
    ...strokes.flatMap(({ moment }, at) => holdRule(moment, at)),
    ...drawn.faults.map(({ mayEnd: _mayEnd, ...rule }) => rule),
  ]);
  const place: Place = {
    world,
    faults,
    over: over.signal,
    done: [],
    kills: 0,
    twins: 0,
    mayEnd: false,
    begunMs: performance.now(),
    killing: Promise.resolve(),
    wakes: [],
  };
  const holds = await Promise.all(strokes.map(async ({ moment }) => (moment.kind === 'row' ? holdAtRow(world, moment) : undefined)));
  await faults.begin();
  const started = Promise.withResolvers<void>();
  const looking = keepLooking(place);
  const watching = strokes.map((stroke, at) => started.promise.then(() => watch(place, stroke, at, holds[at])));
  const leads = drawn.leadsTurned === null ? undefined : started.promise.then(() => turnLeads(place, drawn.leadsTurned?.afterMs ?? 0, drawn.leads));
  try {
    const ended = await night(world, run, started.resolve);
    over.abort();
    await Promise.all(watching);
    await leads;
    await place.killing;
    const wake = async (): Promise<void> => void (await Promise.all(place.wakes.map((each) => each())));
    if (ended.status !== 'terminated') await wake();
    await looking;
    await faults.end();
    const struck = Object.fromEntries(drawn.faults.map(({ name }) => [name, faults.struck(name)] as const).filter(([, times]) => times > 0));
    const mayEnd = place.mayEnd || drawn.faults.some(({ name, mayEnd: may }) => may && faults.struck(name) > 0);
    return { ended, struck, done: place.done, kills: place.kills, mayEnd, twins: place.twins + ended.takenForDead, wake };
  } catch (error) {
    for (const wake of place.wakes) void wake();
    throw error;
  } finally {
    over.abort();
    started.resolve();
    for (const hold of holds) await hold?.release();
  }
}

interface Place {
  readonly world: StormyWorld;
  readonly faults: FaultsInForce;
  readonly over: AbortSignal;
  readonly done: string[];
  kills: number;
  twins: number;
  mayEnd: boolean;
  begunMs: number;
  /** One after the other: what was killed is back before the next one is. */
  killing: Promise<void>;
  /** Workers that sleep through the end of their run. */
  readonly wakes: (() => Promise<void>)[];
}

const holdName = (at: number): string => `hold ${at}`;

/** A request that is to be struck in its middle is kept there: before the org sees it, or with its answer on the way. */
function holdRule(moment: Moment, at: number): readonly Rule[] {
  if (moment.kind !== 'request') return [];
  const { path, method, phase } = moment;
  return [
    {
      name: holdName(at),
      path,
      method,
      at: moment.at,
      count: 1,
      fault: phase === 'before' ? { kind: 'delay', ms: holdMs } : { kind: 'drip', bytes: 100_000_000, everyMs: holdMs },
    },
  ];
}

async function keepLooking({ faults, over }: Place): Promise<void> {
  while (!over.aborted) {
    await faults.look();
    await delay(lookEveryMs);
  }
}

async function reached({ faults, over }: Place, moment: Moment, at: number, hold: RowHold | undefined): Promise<boolean> {
  switch (moment.kind) {
    case 'ms':
      await delay(moment.ms, undefined, { signal: over }).catch(() => undefined);
      return !over.aborted;
    case 'row':
      return (await hold?.reached(over)) ?? false;
    case 'request':
      while (!over.aborted) {
        if (faults.struck(holdName(at)) > 0) return true;
        await delay(lookEveryMs);
      }
      return false;
    default:
      return moment satisfies never;
  }
}

async function watch(place: Place, stroke: DrawnKill | DrawnStroke, at: number, hold: RowHold | undefined): Promise<void> {
  try {
    if (!(await reached(place, stroke.moment, at, hold))) return;
    const before = place.killing;
    place.killing = (async () => {
      await before;
      if (place.over.aborted) return;
      const ms = Math.round(performance.now() - place.begunMs);
      const says = (what: string): unknown => place.done.push(`${what} ${stroke.moment.says} (${ms} ms)`);
      if ('parts' in stroke) await strike(place, stroke, hold, says);
      else await strikeRun(place, stroke, hold, says);
    })();
    await place.killing;
  } finally {
    await hold?.release();
  }
}

async function strike(place: Place, { how, parts, pauseMs }: DrawnKill, hold: RowHold | undefined, says: (what: string) => unknown): Promise<void> {
  const { world, faults } = place;
  const pids = parts
    .map((part) => [part, pidOf(world, part)] as const)
    .filter((each): each is readonly [PartToKill, number] => each[1] !== undefined);
  place.kills += pids.length;
  says(`${how === 'kill' ? 'SIGKILL' : `SIGSTOP for ${pauseMs} ms`} ${pids.map(([part]) => part).join(', ')}`);
  if (how === 'pause') {
    const paused = pids.map(([part]) => pausePart(world, part, pauseMs));
    if (parts.includes('worker')) await world.startSecondWorker();
    await hold?.release();
    await Promise.all(paused);
    return;
  }
  if (parts.includes('simulator')) {
    await faults.look();
    faults.remember();
  }
  for (const [, pid] of pids) signalTo(pid, 'SIGKILL');
  await hold?.release();
  await Promise.all(pids.map(([part, pid]) => back(world, part, pid)));
  if (parts.includes('simulator')) await faults.begin();
  if (parts.includes('worker')) await forgetDeadWorkers(world);
}

/** Terminates or cancels the run, with its worker asleep in the middle of something, or awake. */
async function strikeRun(place: Place, { how, zombie }: DrawnStroke, hold: RowHold | undefined, says: (what: string) => unknown): Promise<void> {
  const { world } = place;
  place.mayEnd = true;
  // What is under way goes on, and an activity that has not ended leaves no attempts in a history.
  place.twins += 1 + place.kills;
  says(`${how}${zombie === 'no' ? '' : ` with the worker asleep (${zombie})`}`);
  if (zombie !== 'no') {
    const { promise, resolve } = Promise.withResolvers<void>();
    const paused = pausePart(world, 'worker', promise);
    place.wakes.push(async () => {
      resolve();
      await paused;
    });
    await world.startSecondWorker();
  }
  const handle = world.client.workflow.getHandle(`${world.name}-run`);
  const strokeOnce = async (): Promise<unknown> => (how === 'terminate' ? handle.terminate('chaos') : handle.cancel());
  await patiently(Date.now() + 60_000, strokeOnce).catch(() => says('(too late)'));
  if (zombie !== 'no') await forgetDeadWorkers(world);
  await hold?.release();
}

async function turnLeads({ world, done }: Place, afterMs: number, on: boolean): Promise<void> {
  await delay(afterMs);
  done.push(`leads ${on ? 'on' : 'off'} after ${afterMs} ms`);
  await setLeads(world, on);
}

export async function setLeads({ client, name }: World, on: boolean): Promise<void> {
  await patiently(Date.now() + 60_000, () => client.workflow.getHandle(name).executeUpdate('setLeads', { args: [on] }));
}
