import { Failure } from '../../src/domain/failure.ts';
import { objectFacts, objectTypes } from '../../src/domain/objects.ts';
import { decide } from '../../src/ledger/decisions.ts';
import type { Random } from '../match/random.ts';
import type { World } from '../night/world.ts';
import type { WorldDecision } from '../match/match-fixture.ts';
import { samePair } from './expected-match.ts';
import type { Kept, Matched } from './expected-match.ts';
import type { Sides } from './sides.ts';

/** Somebody settles a few pairs, such that are linked or stopped above all (R13). What the ledger refuses is no decision. */
export async function decideSome(
  random: Random,
  world: World,
  sides: Sides,
  matched: Matched,
  before: Kept,
  counts: Record<string, number>,
): Promise<Kept> {
  let kept = before;
  for (let left = random.below(4); left > 0; left--) {
    const wanted = somePair(random, sides, matched, kept);
    if (wanted === null) continue;
    const made = await world.database
      .transaction((tx) => decide(tx, { ...wanted, by: 'test' }))
      .catch((error: unknown) => {
        if (error instanceof Failure) return null;
        throw error;
      });
    counts[made === null ? 'refusedDecision' : wanted.kind] = (counts[made === null ? 'refusedDecision' : wanted.kind] ?? 0) + 1;
    if (made?.changed === true) kept = { ...kept, decisions: [...kept.decisions, wanted] };
    if (made?.linkEnded === true) kept = { ...kept, links: kept.links.filter((link) => !samePair(link, wanted)) };
  }
  return kept;
}

function somePair(random: Random, sides: Sides, matched: Matched, kept: Kept): WorldDecision | null {
  const object = random.pick(objectTypes);
  const persons = sides.persons[objectFacts[object].personKind];
  const decided = kept.decisions.filter((each) => each.object === object);
  if (decided.length > 0 && random.chance(0.3)) {
    const { crmId, persId, kind } = random.pick(decided);
    const undone = kind === 'pin' ? 'unpin' : 'unblock';
    return { object, crmId, persId, kind: random.pick([undone, undone, 'block', 'pin']) };
  }
  const rows = [...(matched[object]?.records ?? [])].filter(([, { personId, candidates = [] }]) => personId !== undefined || candidates.length > 0);
  if (rows.length > 0 && random.chance(0.7)) {
    const [crmId, { personId, candidates = [] }] = random.pick(rows);
    const linked = personId !== undefined;
    const persId = personId ?? random.pick(candidates);
    if (!persons.some(({ id }) => id === persId)) return null;
    return { object, crmId, persId, kind: random.pick(linked ? ['unlink', 'unlink', 'block', 'pin'] : ['pin', 'pin', 'block']) };
  }
  const records = sides.records[object];
  if (records.length === 0 || persons.length === 0) return null;
  return { object, crmId: random.pick(records).id, persId: random.pick(persons).id, kind: random.pick(['pin', 'block']) };
}
