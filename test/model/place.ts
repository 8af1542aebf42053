import type { ObjectType } from '../../src/domain/objects.ts';
import type { Org } from '../identity/org.ts';
import type { Random } from '../match/random.ts';
import type { SideRecord, Sides, TwoSides } from './sides.ts';

/** One thing that somebody does to either side, by its public interface; false where there is nothing to do it to. */
export type Edit = (place: Place) => Promise<boolean>;

export interface Place {
  readonly random: Random;
  readonly world: TwoSides;
  readonly org: Org;
  readonly sides: Sides;
  /** Records that have a link, or a tombstone of one: there is most to go wrong with them. */
  readonly known: ReadonlySet<string>;
  /** No transaction is left open: the next night's windows end where the oldest one begins, and what is saved after it waits for the night after. */
  readonly nightComes: boolean;
}

const isLive = ({ ineligible }: SideRecord): boolean => ineligible !== 'deleted' && ineligible !== 'converted';
export const live = ({ sides }: Place, object: ObjectType): SideRecord[] => sides.records[object].filter(isLive);
export const pickOne = <T>({ random }: Place, from: readonly T[]): T | undefined => (from.length === 0 ? undefined : random.pick(from));

/** More often than by chance one that earlier nights linked. */
export function pickKnown(place: Place, from: readonly SideRecord[]): SideRecord | undefined {
  const known = from.filter(({ id }) => place.known.has(id));
  return pickOne(place, known.length > 0 && place.random.chance(0.7) ? known : from);
}

/** The simulator's settings, and what it does once, such as `advanceSeconds`. */
export async function settle({ simulator }: Pick<TwoSides, 'simulator'>, settings: object): Promise<void> {
  const answer = await fetch(`${simulator.url}/__simulator/settings`, { method: 'POST', body: JSON.stringify(settings) });
  if (!answer.ok) throw new Error(`the simulator refused its settings: ${await answer.text()}`);
}
