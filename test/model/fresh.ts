import { expect } from 'vitest';
import { parse } from 'csv-parse/sync';
import { objectFacts, objectTypes } from '../../src/domain/objects.ts';
import { decide } from '../../src/ledger/decisions.ts';
import type { NightFiles } from '../night/world.ts';
import { startWorld } from '../night/world.ts';
import type { TestNamespace } from '../services/namespace.ts';
import { matchedNight, nothingKept, recordRows } from './expected-match.ts';
import { expectRows } from './life.ts';
import type { Life } from './life.ts';
import { readSides } from './sides.ts';
import type { Sides } from './sides.ts';

type Row = readonly string[];

/** A sync that never saw a night, over the same end state and with the same decisions: its records.csv, checked against the rules. It writes nothing. */
export async function freshAnswer(life: Life, data: string, temporal: TestNamespace): Promise<readonly Row[]> {
  const { decisions } = life.kept;
  const { matched } = matchedNight(life.settings, await readSides(life.world), { ...nothingKept, decisions }, life.leads, 1);
  const fresh = await startWorld({ data, temporal, beside: life.world });
  try {
    for (const decision of decisions) await fresh.database.transaction((tx) => decide(tx, { ...standing(decision), by: 'test' }));
    if (life.leads) await fresh.setLeads(true);
    const { run, status } = await fresh.night({ kind: 'preview' });
    expect(status, life.label).toBe('preview');
    const rows = rowsOf(await fresh.files(run));
    expectRows(
      `${life.label}, afresh: records.csv`,
      rows.map((row) => JSON.stringify(row)),
      recordRows(matched).map((row) => JSON.stringify(row)),
    );
    return rows;
  } finally {
    await fresh.stop();
  }
}

/** Without a link there is nothing to unlink: the pair is blocked all the same. */
function standing(decision: Life['kept']['decisions'][number]): Life['kept']['decisions'][number] {
  return decision.kind === 'unlink' ? { ...decision, kind: 'block' } : decision;
}

export const rowsOf = ({ records }: NightFiles): string[][] => parse(records, { from_line: 2 });

const personsOf = ([, , , person = '', , , , , , candidates = '']: Row): string[] => [
  ...(person === '' ? [] : [person]),
  ...(candidates === '' ? [] : candidates.split(/(?<!\\);/).map((id) => id.replaceAll(/\\(.)/g, '$1'))),
];
/** R14: what comes of earlier nights. */
const isSticky = ([, , , , subTier = '', , , reason = '']: Row): boolean => ['kept', 'drifted', 'converted'].includes(reason) || subTier === 'link';

/** What a row says but for that its link is an old one. */
const said = (row: Row): string => JSON.stringify(row.map((cell, at) => (at === 7 && ['kept', 'drifted', 'converted'].includes(cell) ? '' : cell)));

/**
 * The rows in which the life's last night and a fresh sync differ, and those of them that R14 does not account for. R14 does for a sticky link, and for whoever shares a
 * person, in either answer, with a row that it does account for; for an account by contacts (R15) the users that belong to it are such persons. Nothing else is left of earlier nights.
 */
export function unexplained(
  last: readonly Row[],
  fresh: readonly Row[],
  users: Sides['persons']['user'],
): { readonly sticky: readonly Row[]; readonly unexplained: readonly string[] } {
  const key = ([object, id]: Row): string => `${object} ${id}`;
  const after = new Map(fresh.map((row) => [key(row), row]));
  const differing = last.filter((row) => said(row) !== said(after.get(key(row)) ?? []));
  const kindOf = ([object]: Row): string =>
    objectTypes.filter((type) => objectFacts[type].crmName === object).map((type) => objectFacts[type].personKind)[0] ?? '';
  const answers = (row: Row): Row[] => [row, after.get(key(row)) ?? []];
  const personKeys = (row: Row): string[] =>
    answers(row)
      .flatMap(personsOf)
      .map((id) => `${kindOf(row)} ${id}`);
  const voters = (row: Row): string[] =>
    answers(row)
      .filter(([, , , , subTier]) => subTier === 'contacts')
      .flatMap(personsOf)
      .flatMap((account) => users.filter(({ accountId = '' }) => accountId.normalize('NFC').trim() === account).map(({ id }) => `user ${id}`));
  const sticky = differing.filter(isSticky);
  const explained = new Set(sticky.map(key));
  const touched = new Set(sticky.flatMap(personKeys));
  for (let grew = true; grew;) {
    grew = false;
    for (const row of differing) {
      if (explained.has(key(row)) || ![...personKeys(row), ...voters(row)].some((person) => touched.has(person))) continue;
      explained.add(key(row));
      for (const person of personKeys(row)) touched.add(person);
      grew = true;
    }
  }
  const left = [...differing.filter((row) => !explained.has(key(row))).map((row) => `${row.join()} | afresh ${(after.get(key(row)) ?? []).join()}`)];
  const missing = fresh.filter((row) => !last.some((other) => key(other) === key(row))).map((row) => `only afresh ${row.join()}`);
  return { sticky, unexplained: [...left, ...missing] };
}
