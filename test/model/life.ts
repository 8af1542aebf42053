import { mkdtempSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { parse } from 'csv-parse/sync';
import { expect } from 'vitest';
import { objectFacts, objectTypes } from '../../src/domain/objects.ts';
import type { Settings } from '../../src/config/settings.ts';
import type { NightFiles, World } from '../night/world.ts';
import type { Random } from '../match/random.ts';
import { decideSome } from './decisions.ts';
import { editBothSides, leaveOpen } from './edits.ts';
import type { EditCounts } from './edits.ts';
import { matchedNight, nothingKept, recordRows } from './expected-match.ts';
import type { Kept, Matched } from './expected-match.ts';
import { intentsOf, sentAfter, sidesAfter, valueLines } from './expected-values.ts';
import type { Sent } from './expected-values.ts';
import type { ModelSettings } from './model-settings.ts';
import { settle } from './place.ts';
import { readSides } from './sides.ts';
import type { Sides } from './sides.ts';

export interface Life {
  readonly world: World;
  readonly random: Random;
  readonly settings: Settings;
  readonly model: ModelSettings;
  /** In front of what is wrong. */
  readonly label: string;
  readonly counts: EditCounts;
  /** How often each outcome of a record or an intent was met. */
  readonly seen: Record<string, number>;
  nights: number;
  leads: boolean;
  kept: Kept;
  sent: Sent;
  sides: Sides;
  matched: Matched;
}

export function directoryOf(files: Readonly<Record<string, string>>): string {
  const directory = mkdtempSync(path.join(tmpdir(), 'crm-sync-model-'));
  for (const [name, content] of Object.entries(files)) writeFileSync(path.join(directory, name), content);
  return directory;
}

export async function beginLife(life: Pick<Life, 'world' | 'random' | 'settings' | 'model' | 'label'>): Promise<Life> {
  const { model, world } = life;
  if (model.noteBecomes !== null) await settle(world, { triggers: [{ object: 'Contact', when: 'Note__c', set: 'Note__c', to: model.noteBecomes }] });
  return { ...life, counts: {}, seen: {}, nights: 0, leads: false, kept: nothingKept, sent: new Map(), sides: await readSides(world), matched: {} };
}

/** A day: edits soon after the last night, some hours later and right before the next one. Now and then the next one is weeks later. */
export async function day(life: Life): Promise<void> {
  const { random, world, counts } = life;
  const edits = (most: number, nightComes = false): Promise<void> =>
    editBothSides(random, world, random.below(most + 1), counts, { kept: life.kept, nightComes });
  const pass = (leastSeconds: number, mostSeconds: number): Promise<void> =>
    settle(world, { advanceSeconds: leastSeconds + random.below(mostSeconds - leastSeconds) });
  await edits(4);
  await pass(1, 1200);
  await edits(4);
  await pass(7_200, 43_200);
  await edits(6);
  await pass(7_200, 36_000);
  if (random.chance(0.04)) await pass(15 * 86_400, 20 * 86_400);
  await edits(6, true);
  // What commits late may be stamped further before the night than a window overlaps.
  if (random.chance(0.6)) await leaveOpen(random, world, counts);
  if (random.chance(0.5)) await pass(660, 1_200);
  life.sides = await readSides(world);
  life.kept = await decideSome(random, world, life.sides, life.matched, life.kept, counts);
  if (random.chance(0.25)) await switchLeads(life, !life.leads);
}

export async function switchLeads(life: Life, enabled: boolean): Promise<void> {
  life.leads = enabled;
  await life.world.setLeads(enabled);
  const name = enabled ? 'leadsOn' : 'leadsOff';
  life.counts[name] = (life.counts[name] ?? 0) + 1;
}

const rowsOf = (csv: string): string[][] => parse(csv, { from_line: 2 });
const lines = (rows: readonly (readonly string[])[]): string[] => rows.map((row) => JSON.stringify(row));

/** One night, and all that it says and does compared with the rules. Returns its files. */
export async function night(life: Life): Promise<NightFiles> {
  const { world, settings, model } = life;
  life.nights += 1;
  const label = `${life.label}, night ${life.nights}`;
  const before = await readSides(world);
  const { matched, after } = matchedNight(settings, before, life.kept, life.leads, life.nights);
  const intents = intentsOf(model, before, matched, life.sent);
  const { run, status } = await world.night();
  expect(status, label).toBe('success');
  const files = await world.files(run);
  expectRows(`${label}: records.csv`, lines(rowsOf(files.records)), lines(recordRows(matched)));
  const found = rowsOf(files.intents).map((row) => (row[7] === 'rejected' ? [...row.slice(0, 9), ''] : row));
  expectRows(`${label}: intents.csv`, lines(found), lines(intents.map(({ row }) => row)));
  const now = await readSides(world);
  expectRows(`${label}: values`, valueLines(now), valueLines(sidesAfter(model, before, intents)));
  for (const object of objectTypes.filter((each) => matched[each] !== undefined)) {
    const { nearMisses, malformedIds } = files.report.objects[object];
    const wanted = matched[object];
    expect({ object, nearMisses, malformedIds }, label).toEqual({ object, nearMisses: wanted?.nearMisses, malformedIds: wanted?.malformedIds });
  }
  for (const [, , outcome, , subTier, , , reason] of recordRows(matched)) {
    const name = [outcome, subTier, reason].filter((word) => word !== '').join(' ');
    life.seen[name] = (life.seen[name] ?? 0) + 1;
  }
  for (const what of comings(life.kept, matched)) life.seen[what] = (life.seen[what] ?? 0) + 1;
  for (const { row } of intents) {
    const name = [row[0], row[7], row[8], row[9]].filter((word) => word !== '').join(' ');
    life.seen[name] = (life.seen[name] ?? 0) + 1;
  }
  life.kept = after;
  life.sent = sentAfter(life.sent, now, intents);
  life.sides = now;
  life.matched = matched;
  return files;
}

/** What became of links tonight that no row of records.csv says: brought back (R21), handed over by a merger (R20) or a conversion (R19), ended or at rest. */
function comings(before: Kept, matched: Matched): string[] {
  const linked = objectTypes.flatMap((object) => [...(matched[object]?.records ?? [])].map(([crmId, record]) => ({ object, crmId, ...record })));
  return linked.flatMap(({ object, crmId, personId, subTier, reason }) => {
    if (personId === undefined) return subTier === 'link' ? ['links at rest'] : [];
    if (reason === undefined) return [];
    const own = before.links.filter(({ persId }) => persId === personId);
    if (own.some((link) => link.object === object && link.crmId === crmId)) return [];
    if (own.some((link) => link.object === object)) return ['links handed to a master'];
    return own.length > 0 ? ['links handed to a contact'] : ['tombstones brought back'];
  });
}

/** Equal, or only what differs is shown. */
export function expectRows(label: string, found: readonly string[], wanted: readonly string[]): void {
  const [left, right] = [new Set(found), new Set(wanted)];
  expect({ found: found.filter((row) => !right.has(row)), wanted: wanted.filter((row) => !left.has(row)) }, label).toEqual({ found: [], wanted: [] });
  expect(found, label).toEqual(wanted);
}

/** R25: the night after one, with nothing changed on either side, sends nothing anywhere. Returns its files. */
export async function expectWritesNothing(life: Life): Promise<NightFiles> {
  const writes = async (): Promise<unknown> =>
    Promise.all(
      objectTypes.map(async (object) => {
        const answer = await fetch(`${life.world.simulator.url}/__simulator/updates?object=${objectFacts[object].crmName}`);
        return answer.json();
      }),
    );
  const before = [valueLines(life.sides), await writes()];
  const files = await night(life);
  expect([valueLines(life.sides), await writes()], `${life.label}: the quiet night`).toEqual(before);
  expect(rowsOf(files.intents).filter((row) => row[7] === 'applied' || row[7] === 'deferred')).toEqual([]);
  return files;
}
