import { objectFacts, objectTypes } from '../src/domain/objects.ts';
import { readSides } from '../test/model/sides.ts';
import type { Sides } from '../test/model/sides.ts';
import type { World } from './world.ts';

interface Written {
  readonly id: string;
  readonly updates: number;
  readonly requests: readonly string[];
}

/** How often something of the org was done under the name of a night, by object and record. */
export interface Counts {
  readonly written: ReadonlyMap<string, Written>;
  readonly triggers: ReadonlyMap<string, number>;
}

/** Everything that is compared of a night: its files, both sides after it, and what the org counted. */
export interface Left extends Counts {
  readonly records: readonly string[];
  readonly intents: readonly string[];
  readonly values: readonly string[];
}

export async function leftBy(world: World, run: string, counted: string): Promise<Left> {
  const [files, sides, counts] = await Promise.all([world.files(run), readSides(world), countsOf(world, counted)]);
  return { records: linesOf(files.records), intents: linesOf(files.intents), values: valuesOf(sides), ...counts };
}

const linesOf = (csv: string): readonly string[] => csv.split('\n').filter((line) => line !== '');

export async function countsOf({ simulator }: World, counted: string): Promise<Counts> {
  const [written, triggers] = [new Map<string, Written>(), new Map<string, number>()];
  for (const object of objectTypes.map((each) => objectFacts[each].crmName)) {
    const query = `object=${object}&run=${encodeURIComponent(counted)}`;
    for (const each of await ask<Written>(`${simulator.url}/__simulator/updates?${query}`)) written.set(`${object} ${each.id}`, each);
    for (const { id, triggers: runs } of await ask<{ id: string; triggers: Record<string, number> }>(
      `${simulator.url}/__simulator/triggers?${query}`,
    ))
      for (const [name, times] of Object.entries(runs)) triggers.set(`${object} ${id} ${name}`, times);
  }
  return { written, triggers };
}

async function ask<T>(url: string): Promise<readonly T[]> {
  return (await (await fetch(url)).json()) as T[];
}

function valuesOf({ records, persons }: Sides): readonly string[] {
  const lines = (what: string, each: { readonly id: string; readonly values: Readonly<Record<string, string>> }): string[] =>
    Object.entries(each.values).map(([name, value]) => JSON.stringify([what, each.id, name, value]));
  return [
    ...objectTypes.flatMap((object) => records[object].flatMap((record) => lines(objectFacts[object].crmName, record))),
    ...(['user', 'account'] as const).flatMap((kind) => persons[kind].flatMap((person) => lines(kind, person))),
  ].toSorted();
}
