import { orgOf } from '../identity/org.ts';
import type { Random } from '../match/random.ts';
import { createUnseen, crmEdits } from './crm-edits.ts';
import { nothingKept } from './expected-match.ts';
import type { Kept } from './expected-match.ts';
import { personEdits } from './person-edits.ts';
import type { Place } from './place.ts';
import { readSides } from './sides.ts';
import type { TwoSides } from './sides.ts';

const weighted = [...crmEdits, ...personEdits];

export type EditCounts = Record<string, number>;

export interface Among {
  /** Of contacts, a condition of SOQL: others are left alone. */
  readonly contactsWhere?: string;
  /** What the last night left: records with links are drawn more often. */
  readonly kept?: Kept;
  /** The next edit may be a night's: no transaction is left open. */
  readonly nightComes?: boolean;
}

/** So many random edits one after the other, each on what the ones before it left; counted by their names. */
export async function editBothSides(random: Random, world: TwoSides, count: number, counts: EditCounts, among: Among = {}): Promise<void> {
  const { contactsWhere, kept: { links, tombstones } = nothingKept, nightComes = false } = among;
  const org = await orgOf(world);
  const known = new Set([...links, ...tombstones].map(({ crmId }) => crmId));
  const all = weighted.reduce((sum, [, weight]) => sum + weight, 0);
  for (let left = count; left > 0; left--) {
    let at = random.next() * all;
    const [name, , edit] = weighted.find(([, weight]) => (at -= weight) < 0) ?? raise();
    const place: Place = { random, world, org, sides: await readSides(world, contactsWhere), known, nightComes };
    if (await edit(place)) counts[name] = (counts[name] ?? 0) + 1;
  }
}

/** A transaction that is still open when the night reads: what it saved is no record yet. Nothing in the org is edited after it. */
export async function leaveOpen(random: Random, world: TwoSides, counts: EditCounts): Promise<void> {
  const place: Place = { random, world, org: await orgOf(world), sides: await readSides(world), known: new Set(), nightComes: true };
  await createUnseen(place);
  counts['createUnseen'] = (counts['createUnseen'] ?? 0) + 1;
}

function raise(): never {
  throw new Error('there are no edits');
}
