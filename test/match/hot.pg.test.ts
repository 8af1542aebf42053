import { text } from 'node:stream/consumers';
import { parse } from 'csv-parse/sync';
import { expect, test } from 'vitest';
import { recordsCsv } from '../../src/operator/records.ts';
import { sql } from '../../src/postgres/sql.ts';
import { load } from '../config/failure.ts';
import { testDatabaseUrl } from '../services/database.ts';
import { emptyWorld, loadWorld, matchDatabase, matchWorld, testShape } from './match-fixture.ts';
import type { WorldDecision } from './match-fixture.ts';
import { id18 } from './ids.ts';

const database = await matchDatabase(await testDatabaseUrl());
const shape = testShape(load(''));
const contact = (at: number): string => id18(`003${String(at).padStart(12, '0')}`, '003') ?? '';
const user = (at: number): string => `u${String(at).padStart(5, '0')}`;
const size = 3000;

/** `size` contacts and as many users share one address. */
async function matchHub(runNo: number, decisions: readonly WorldDecision[]): Promise<readonly string[][]> {
  const at = Array.from({ length: size }, (_, index) => index);
  const world = {
    ...emptyWorld,
    records: { account: [], lead: [], contact: at.map((n) => ({ id: contact(n), values: { Email: 'hub@x' } })) },
    persons: { account: [], user: at.map((n) => ({ id: user(n), values: { emailAddress: 'hub@x' } })) },
    decisions,
  };
  await database.transaction(async (tx) => {
    const decisionSeq = await loadWorld(tx, shape, world, runNo);
    await matchWorld(tx, { runNo, run: `run-${runNo}`, shape, decisionSeq, leads: false });
  });
  return parse(await text(recordsCsv(database, runNo)), { from_line: 2 });
}

const block = (crm: number, pers: number): WorldDecision => ({ kind: 'block', object: 'contact', crmId: contact(crm), persId: user(pers) });

async function rowsOf(table: 'candidate' | 'hot_member', runNo: number): Promise<number> {
  const found = await database.query<{ rows: number }>(sql`
    select (select count(*) from candidate where run_no = ${runNo} and ${table} = 'candidate')
         + (select count(*) from hot_member where run_no = ${runNo} and ${table} = 'hot_member') as rows`);
  return found.rows[0]?.rows ?? 0;
}

test('R13 a key that thousands share costs no more than they are many: no pair of it is listed, yet every count is exact', async () => {
  const rows = await matchHub(1, []);
  expect(rows).toHaveLength(size);
  const first50 = Array.from({ length: 50 }, (_, at) => user(at)).join(';');
  for (const row of rows) expect(row.slice(2)).toEqual(['ambiguous', '', 'email', '', '', '', String(size), first50]);
  expect(await rowsOf('candidate', 1)).toBe(0);
  expect(await rowsOf('hot_member', 1)).toBe(2 * size);
});

test('R13 blocked pairs inside it are taken off, and make no pair of it listed either', async () => {
  const rows = await matchHub(2, [block(0, 0), block(0, 1), block(1, 49)]);
  const named = (from: (at: number) => boolean): string =>
    Array.from({ length: size }, (_, at) => at)
      .filter(from)
      .slice(0, 50)
      .map(user)
      .join(';');
  expect(rows[0]?.slice(8)).toEqual([String(size - 2), named((at) => at > 1)]);
  expect(rows[1]?.slice(8)).toEqual([String(size - 1), named((at) => at !== 49)]);
  expect(rows[2]?.slice(8)).toEqual([String(size), named(() => true)]);
  expect(await rowsOf('candidate', 2)).toBe(0);
});

test('R13 who is left with one candidate in it is not linked while that one has others', async () => {
  const all = Array.from({ length: size }, (_, at) => at);
  const rows = await matchHub(
    3,
    all.slice(1).map((at) => block(0, at)),
  );
  expect(rows[0]?.slice(2)).toEqual(['ambiguous', '', 'email', '', '', '', '1', user(0)]);
});

test('R13 a pair left alone in it is linked', async () => {
  const all = Array.from({ length: size }, (_, at) => at).slice(1);
  const rows = await matchHub(4, [...all.map((at) => block(0, at)), ...all.map((at) => block(at, 0))]);
  expect(rows[0]?.slice(2, 5)).toEqual(['linked', user(0), 'email']);
  expect(rows[1]?.slice(2, 9)).toEqual(['ambiguous', '', 'email', '', '', '', String(size - 1)]);
});
