import type { Settings } from '../../src/config/settings.ts';
import { objectFacts, objectTypes } from '../../src/domain/objects.ts';
import type { ObjectType } from '../../src/domain/objects.ts';
import type { Expected, ExpectedLink } from '../match/expected.ts';
import { codePoints } from '../match/ids.ts';
import type { WorldDecision, WorldLink } from '../match/match-fixture.ts';
import { reference } from '../match/reference.ts';
import { withAccountsByContacts } from './accounts-by-contacts.ts';
import type { Sides } from './sides.ts';

/** A link, and when it was made: of several tombstones the newest comes back. */
export type Numbered = WorldLink & { readonly made: readonly [night: number, object: number, id: string] };

/** What earlier nights and people left. */
export interface Kept {
  readonly decisions: readonly WorldDecision[];
  readonly links: readonly Numbered[];
  readonly tombstones: readonly Numbered[];
}

export const nothingKept: Kept = { decisions: [], links: [], tombstones: [] };

export type Matched = Readonly<Partial<Record<ObjectType, Expected>>>;

const byAge = (a: Numbered, b: Numbered): number => a.made[0] - b.made[0] || a.made[1] - b.made[1] || codePoints(a.made[2], b.made[2]);
export const samePair = (a: Pick<WorldLink, 'object' | 'crmId' | 'persId'>, b: typeof a): boolean =>
  a.object === b.object && a.crmId === b.crmId && a.persId === b.persId;

/** The match of one night by the rules, and what is kept after it. */
export function matchedNight(
  settings: Settings,
  sides: Sides,
  kept: Kept,
  leads: boolean,
  night: number,
): { readonly matched: Matched; readonly after: Kept } {
  const world = { ...sides, ...kept };
  const first = reference(settings, world, leads);
  const { account, contact } = first;
  const matched =
    settings.objects.account.accountFromContacts && account !== undefined && contact !== undefined
      ? { ...first, account: withAccountsByContacts(world, account, contact) }
      : first;
  const objects = objectTypes.filter((object) => matched[object] !== undefined);
  const numbered = (link: ExpectedLink): Numbered => ({
    ...link,
    made: kept.links.find((before) => samePair(before, link))?.made ?? [night, objectTypes.indexOf(link.object), link.crmId],
  });
  const links = objects.flatMap((object) => matched[object]?.links ?? []).map(numbered);
  const over = objects.flatMap((object) => matched[object]?.overTombstones ?? []);
  const tombstones = [
    ...kept.tombstones.filter((stone) => !over.some((each) => samePair(each, stone))),
    ...objects.flatMap((object) => matched[object]?.newTombstones ?? []).map(numbered),
  ];
  // R23: nothing is kept of who is gone.
  const isThere = ({ object, persId }: Pick<WorldLink, 'object' | 'persId'>): boolean =>
    sides.persons[objectFacts[object].personKind].some(({ id }) => id === persId);
  const untouched = kept.links.filter(({ object }) => matched[object] === undefined);
  return {
    matched,
    after: {
      decisions: kept.decisions.filter(isThere),
      links: [...untouched, ...links].filter(isThere).toSorted(byAge),
      tombstones: tombstones.filter(isThere).toSorted(byAge),
    },
  };
}

const escaped = (id: string): string => id.replaceAll('\\', '\\\\').replaceAll(';', '\\;');

/** The rows of records.csv, in its order. */
export function recordRows(matched: Matched): readonly (readonly string[])[] {
  return objectTypes.flatMap((object) =>
    [...(matched[object]?.records ?? [])]
      .toSorted(([a], [b]) => codePoints(a, b))
      .map(([id, { outcome, personId = '', subTier = '', field, attribute, reason = '', candidates = [] }]) => [
        ...[objectFacts[object].crmName, id, outcome, personId, subTier, field ?? '', attribute ?? '', reason, String(candidates.length)],
        candidates.slice(0, 50).map(escaped).join(';'),
      ]),
  );
}
