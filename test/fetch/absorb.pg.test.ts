import { Readable } from 'node:stream';
import { afterAll, beforeAll, beforeEach, expect, test } from 'vitest';
import type { PoolClient } from 'pg';
import { absorbRecords } from '../../src/mirror/absorb-records.ts';
import type { Absorbed, AbsorbedRecords } from '../../src/mirror/absorb-records.ts';
import type { RunShape } from '../../src/mirror/run-shape.ts';
import { copyPage, createStage, dropStage } from '../../src/mirror/stage.ts';
import type { Database } from '../../src/postgres/database.ts';
import { mirrorDatabase } from '../plan/mirror-database.ts';
import { testDatabaseUrl } from '../services/database.ts';

const url = await testDatabaseUrl();
let database: Database;
beforeAll(async () => {
  database = await mirrorDatabase(url);
});
afterAll(() => database.close());
beforeEach(async () => {
  await database.query('truncate crm_record');
});

const shape = {
  crm: { contact: [{ name: 'Email', type: 'email' }] },
  identityFields: { contact: ['Id', 'SystemModstamp', 'IsDeleted'] },
} as unknown as RunShape;
const columns = ['Id', 'SystemModstamp', 'IsDeleted', 'Email'];
const id = (row: number): string => `00300000000000${row}AAA`;
type Row = readonly [row: number, second: number, email: string];
let runNo = 0;

async function absorb(absorbed: Absorbed, rows: readonly Row[]): Promise<AbsorbedRecords> {
  runNo += 1;
  return database.transaction(async (tx: PoolClient) => {
    await createStage(tx, 'stage_test', columns);
    const lines = rows.map(([row, second, email]) => `${id(row).slice(0, 18)},2026-11-24T02:00:0${second}.000Z,false,${email}`);
    await copyPage(tx, 'stage_test', columns, Readable.from([Buffer.from(`${[columns.join(','), ...lines].join('\n')}\n`)]));
    const counts = await absorbRecords(tx, shape, 'contact', runNo, 'stage_test', absorbed);
    await dropStage(tx, 'stage_test');
    return counts;
  });
}

/** `1@0 a@x.com run 1` */
async function held(): Promise<readonly string[]> {
  const found = await database.query<{ row: string; second: string; email: string; run: number }>(`
    select substr(crm_id, 15, 1) as row, substr(modstamp, 19, 1) as second, field_values[1] as email, changed_run as run from crm_record order by crm_id`);
  return found.rows.map(({ row, second, email, run }) => `${row}@${second} ${email} run ${run - first}`);
}

let first: number;
beforeEach(async () => {
  first = runNo;
  await absorb({ kind: 'full', windowFrom: null }, [
    [1, 2, 'a@x.com'],
    [2, 2, 'b@x.com'],
  ]);
});

test('a row that is older than what is held is not taken, one of the same second is', async () => {
  await absorb({ kind: 'window' }, [
    [1, 1, 'late@x.com'],
    [2, 2, 'same@x.com'],
  ]);
  expect(await held()).toEqual(['1@2 a@x.com run 1', '2@2 same@x.com run 2']);
});

test('the same content with a later stamp is no change, but a row between the two that comes later is older', async () => {
  expect(await absorb({ kind: 'window' }, [[1, 5, 'a@x.com']])).toMatchObject({ changed: 0, added: 0 });
  await absorb({ kind: 'window' }, [[1, 3, 'between@x.com']]);
  expect(await held()).toEqual(['1@5 a@x.com run 1', '2@2 b@x.com run 1']);
});

test('a window takes what it has and forgets nobody; a full read forgets whom it does not have', async () => {
  expect(await absorb({ kind: 'window' }, [[3, 4, 'c@x.com']])).toMatchObject({ added: 1, changed: 0, gone: 0 });
  expect(await held()).toHaveLength(3);
  expect(
    await absorb({ kind: 'full', windowFrom: null }, [
      [1, 2, 'a@x.com'],
      [3, 4, 'c@x.com'],
    ]),
  ).toMatchObject({ added: 0, changed: 0, gone: 1, missed: 0 });
  expect(await held()).toEqual(['1@2 a@x.com run 1', '3@4 c@x.com run 2']);
});

test('a record in both its states is taken in the newer one', async () => {
  await absorb({ kind: 'window' }, [
    [1, 4, 'new@x.com'],
    [1, 3, 'old@x.com'],
  ]);
  expect(await held()).toEqual(['1@4 new@x.com run 2', '2@2 b@x.com run 1']);
});

test.each([
  ['a window', { kind: 'window' }],
  ['a full read', { kind: 'full', windowFrom: null }],
] as const)('%s that brings a row twice is not taken: another one may be missing', async (_what, absorbed) => {
  await expect(
    absorb(absorbed, [
      [1, 4, 'new@x.com'],
      [1, 4, 'new@x.com'],
    ]),
  ).rejects.toMatchObject({ code: 'ROWS_TWICE', kind: 'permanent' });
  expect(await held()).toEqual(['1@2 a@x.com run 1', '2@2 b@x.com run 1']);
});

test('what a window would have brought is not missed by a full read, what it would not is', async () => {
  const compared = { kind: 'full', windowFrom: '2026-11-24T02:00:04.000Z' } as const;
  // 1 changed without a trace, 2 is gone, 3 was made too early, 4 in time.
  expect(
    await absorb(compared, [
      [1, 3, 'odd@x.com'],
      [3, 3, 'c@x.com'],
      [4, 4, 'd@x.com'],
    ]),
  ).toMatchObject({ missed: 3, added: 2, changed: 1, gone: 1 });
});
