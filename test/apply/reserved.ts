import type { OpenRun } from '../../src/ledger/runs.ts';
import { sql } from '../../src/postgres/sql.ts';
import { nightWorld } from './night-world.ts';
import type { NightWorld } from './night-world.ts';

export const id = (n: number): string => `00300000000000${n}AAA`;
export const numbers = [1, 2, 3, 4];
export const still = (): void => undefined;

/** Four contacts: a title to be pulled, a department to be pushed. */
const files = {
  'Contact.csv': ['Id,LastName,Title,Department', ...numbers.map((n) => `${id(n)},L${n},T${n},old`)].join('\n'),
  'user-1.csv': ['userId,attribute:sfcrmContactId,attribute:department,attribute:title', ...numbers.map((n) => `u${n},${id(n)},new${n},`)].join('\n'),
  'crm-sync.yaml': 'objects:\n  contact:\n    pull: [{ from: Title, to: title }]\n    push: [{ from: department, to: Department }]',
} as const;

/** A night up to the point where its parts are cut: one of the store, one of the org. */
export interface Reserved {
  readonly world: NightWorld;
  readonly run: OpenRun;
  readonly storePart: number;
  readonly crmPart: number;
}

export async function reserved(
  url: string,
  way: 'collections' | 'bulk' = 'collections',
  given: Readonly<Record<string, string>> = files,
): Promise<Reserved> {
  const world = await nightWorld(url, given);
  const run = await world.open('one');
  await world.fetch(run);
  await world.plan(run, 1);
  const groups = await world.reserve(run);
  await world.deps.database.query(sql`update apply_part set path = ${way} where side = 'salesforce'`);
  const first = (side: string): number => groups.find((group) => group.side === side)?.first ?? -1;
  return { world, run, storePart: first('personalization'), crmPart: first('salesforce') };
}

export async function outcomes(world: NightWorld, run: OpenRun, side: 'salesforce' | 'personalization' = 'salesforce'): Promise<string[]> {
  const csv = await world.intents(run);
  return csv
    .trim()
    .split('\n')
    .map((line) => line.split(','))
    .filter((cells) => cells[0] === side)
    .map((cells) => [cells[2]?.replace(/^00300000000000(\d)AAA$/, '$1'), ...cells.slice(7)].join(',').replace(/,+$/, ''));
}
