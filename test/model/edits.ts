import { orgOf } from '../identity/org.ts';
import type { Random } from '../match/random.ts';
import { crmEdits } from './crm-edits.ts';
import { nothingKept } from './expected-match.ts';
import type { Kept } from './expected-match.ts';
import { personEdits } from './person-edits.ts';
import { readSides } from './sides.ts';
import type { TwoSides } from './sides.ts';

const weighted = [...crmEdits, ...personEdits];

export type EditCounts = Record<string, number>;

export interface Among {
  /** Of contacts, a condition of SOQL: others are left alone. */
  readonly contactsWhere?: string;
  /** What the last night left: records with links are drawn more often. */
  readonly kept?: Kept;
}

/** So many random edits one after the other, each on what the ones before it left; counted by their names. */
export async function editBothSides(random: Random, world: TwoSides, count: number, counts: EditCounts, among: Among = {}): Promise<void> {
  const org = await orgOf(world);
  const { links, tombstones } = among.kept ?? nothingKept;
  const known = new Set([...links, ...tombstones].map(({ crmId }) => crmId));
  const all = weighted.reduce((sum, [, weight]) => sum + weight, 0);
  for (let left = count; left > 0; left--) {
    let place = random.next() * all;
    const [name, , edit] = weighted.find(([, weight]) => (place -= weight) < 0) ?? raise();
    if (await edit({ random, world, org, sides: await readSides(world, among.contactsWhere), known })) counts[name] = (counts[name] ?? 0) + 1;
  }
}

function raise(): never {
  throw new Error('there are no edits');
}
