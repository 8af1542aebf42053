import { text } from 'node:stream/consumers';
import { describe, expect, test } from 'vitest';
import { linkingSubTiers, outcomes } from '../../src/domain/report.ts';
import type { ObjectReport } from '../../src/domain/report.ts';
import { beginMatch } from '../../src/mirror/match/begin.ts';
import { finishMatch } from '../../src/mirror/match/finish.ts';
import { dropRunPartitions, openRunPartitions } from '../../src/mirror/match/partitions.ts';
import { checkSums, matchCounts } from '../../src/operator/match-counts.ts';
import { recordsCsv } from '../../src/operator/records.ts';
import { sql } from '../../src/postgres/sql.ts';
import { failureOf, load } from '../config/failure.ts';
import { testDatabaseUrl } from '../services/database.ts';
import { emptyWorld, loadWorld, matchDatabase, matchWorld, testShape } from './match-fixture.ts';
import { id18 } from './ids.ts';

const database = await matchDatabase(await testDatabaseUrl());
const shape = testShape(load(''));
const contact = (at: number): string => id18(`003${String(at).padStart(12, '0')}`, '003') ?? '';
const world = {
  ...emptyWorld,
  records: { account: [], lead: [], contact: [1, 2, 3].map((at) => ({ id: contact(at), values: { Email: `${at}@x` } })) },
  persons: { account: [], user: [1, 4].map((at) => ({ id: `u${at}`, values: { emailAddress: `${at}@x` } })) },
};
const ctx = (runNo: number) => ({ runNo, run: `run-${runNo}`, shape, decisionSeq: 0, leads: false });

const zeros = <K extends string>(keys: readonly K[]): Record<K, number> => Object.fromEntries(keys.map((key) => [key, 0])) as Record<K, number>;
const sound: ObjectReport = {
  fetched: { salesforce: 3, personalization: 4 },
  outcomes: { ...zeros(outcomes), linked: 2, unmatched: 1 },
  linkedBy: { ...zeros(linkingSubTiers), email: 1, id: 1 },
  kept: 1,
  drifted: 0,
  nearMisses: 0,
  malformedIds: 0,
  persons: { linked: 2, unmatched: 1, stopped: 1, held: 0 },
};

describe('R26 sums', () => {
  test('that add up pass', () => {
    expect(() => checkSums('contact', sound)).not.toThrow();
  });

  test.each([
    ['a record without an outcome', { outcomes: { ...sound.outcomes, unmatched: 0 } }, 'outcomes of Contact records: 2 instead of 3'],
    ['a link of no sub-tier', { linkedBy: { ...sound.linkedBy, email: 0 } }, 'by sub-tier: 1 instead of 2'],
    ['a person too many', { persons: { ...sound.persons, stopped: 2 } }, 'persons of the contact match: 5 instead of 4'],
    [
      'a linked person that no record has',
      { persons: { ...sound.persons, linked: 1, unmatched: 2 } },
      'linked persons of the contact match: 1 instead of 2',
    ],
    ['more kept than linked', { kept: 3 }, 'more kept than linked'],
    ['more drifted than kept', { drifted: 2 }, 'more drifted than kept'],
    [
      'persons counted twice',
      { fetched: { salesforce: 3, personalization: 2 }, persons: { linked: 2, unmatched: -1, stopped: 1, held: 0 } },
      'negative',
    ],
  ])('%s fails the run', (_, wrong, message) => {
    const failure = failureOf(() => checkSums('contact', { ...sound, ...wrong }));
    expect(failure.code).toBe('SUMS');
    expect(failure.message).toContain(message);
  });

  test('an object that was not matched counts nothing, and has no rows', async () => {
    await database.transaction((tx) => openRunPartitions(tx, 1));
    const counts = await matchCounts(database, 1, 'lead');
    expect(counts).toEqual({
      ...sound,
      fetched: { salesforce: 0, personalization: 0 },
      outcomes: zeros(outcomes),
      linkedBy: zeros(linkingSubTiers),
      kept: 0,
      persons: { linked: 0, unmatched: 0, stopped: 0, held: 0 },
    });
    expect((await text(recordsCsv(database, 1))).split('\n')).toHaveLength(2);
  });
});

test('R26 a match cannot end with two outcomes of one record', async () => {
  await expect(
    database.transaction(async (tx) => {
      await loadWorld(tx, shape, world, 2);
      await openRunPartitions(tx, 2);
      await beginMatch(tx, ctx(2), 'contact');
      await tx.query(
        sql`insert into crm_outcome (run_no, object, rec, outcome) select 2, 'contact', rec, 'ambiguous' from crm_record, generate_series(1, 2)`,
      );
      await finishMatch(tx, ctx(2), 'contact');
    }),
  ).rejects.toMatchObject({ code: 'DATABASE_23505' });
});

test('R9 a match cannot end with one person linked to two records', async () => {
  await expect(
    database.transaction(async (tx) => {
      await loadWorld(tx, shape, world, 3);
      await openRunPartitions(tx, 3);
      await beginMatch(tx, ctx(3), 'contact');
      await tx.query(sql`
        insert into crm_outcome (run_no, object, rec, outcome, sub_tier, pers)
        select 3, 'contact', rec, 'linked', 'email', (select min(rec) from pers_record) from crm_record where crm_id <> ${contact(3)}`);
      await finishMatch(tx, ctx(3), 'contact');
    }),
  ).rejects.toMatchObject({ code: 'DATABASE_23505' });
});

test('a match that is begun again forgets what it had found, and ends the same', async () => {
  const answers: string[] = [];
  await database.transaction((tx) => loadWorld(tx, shape, world, 4));
  for (let attempt = 1; attempt <= 2; attempt++) {
    await database.transaction((tx) => matchWorld(tx, ctx(4)));
    answers.push(await text(recordsCsv(database, 4)), JSON.stringify(await matchCounts(database, 4, 'contact')));
  }
  expect(answers.slice(2)).toEqual(answers.slice(0, 2));
  expect(answers[0]).toContain(`Contact,${contact(1)},linked,u1,email,Email,emailAddress,,0,\n`);
});

test('what a run found is forgotten with its partitions, and its counts of the match are not', async () => {
  await database.transaction(async (tx) => {
    await loadWorld(tx, shape, world, 5);
    await matchWorld(tx, ctx(5));
    await dropRunPartitions(tx, 5);
    await dropRunPartitions(tx, 5);
  });
  const left = await database.query<{ rows: number; counts: number }>(sql`
    select (select count(*) from crm_outcome where run_no = 5) as rows, (select count(*) from match_count where run_no = 5) as counts`);
  expect(left.rows).toEqual([{ rows: 0, counts: 2 }]);
});
