import { beforeEach, describe, expect, test } from 'vitest';
import { absorbPersons } from '../../src/mirror/absorb.ts';
import type { AbsorbCounts } from '../../src/mirror/absorb.ts';
import { createStage, stageTable } from '../../src/mirror/stage.ts';
import { identifier, sql } from '../../src/postgres/sql.ts';
import { load } from '../config/failure.ts';
import { matchDatabase, testShape } from '../match/match-fixture.ts';
import { testDatabaseUrl } from '../services/database.ts';

const database = await matchDatabase(await testDatabaseUrl());
const shape = { ...testShape(load('')), persons: { user: [{ name: 'name', type: 'text' as const }], account: [] } };
const stage = stageTable(1, 'users');

type Row = readonly [id: string | null, accountId: string | null, name: string | null];

/** One night's complete read. */
async function read(runNo: number, ...rows: readonly Row[]): Promise<AbsorbCounts> {
  return database.transaction(async (tx) => {
    await createStage(tx, stage, ['id', 'accountId', 'a0']);
    for (const [id, accountId, name] of rows)
      await tx.query(sql`insert into ${identifier(stage)} (id, "accountId", a0) values (${id}, ${accountId}, ${name})`);
    return absorbPersons(tx, shape, 'user', runNo, stage);
  });
}

async function mirror(): Promise<readonly string[]> {
  const found = await database.query<{ line: string }>(sql`
    select concat_ws(' ', pers_id, coalesce(account_pers_id, '-'), coalesce(field_values[1], '-'), changed_run) as line from pers_record_user order by pers_id`);
  return found.rows.map(({ line }) => line);
}

describe('a complete read of the persons', () => {
  beforeEach(async () => {
    await database.query('truncate pers_record');
    await read(1, ['a', null, 'Ann'], ['b', 'x', 'Bob'], ['c', null, null]);
  });

  test('a first read brings everybody', async () => {
    expect(await mirror()).toEqual(['a - Ann 1', 'b x Bob 1', 'c - - 1']);
  });

  test('the same read again touches nobody', async () => {
    expect(await read(2, ['a', null, 'Ann'], ['b', 'x', 'Bob'], ['c', null, null])).toEqual({
      records: 3,
      added: 0,
      changed: 0,
      gone: 0,
      refused: 0,
    });
    expect(await mirror()).toEqual(['a - Ann 1', 'b x Bob 1', 'c - - 1']);
  });

  test('who is new, who differs in a value or in the account, and R23 who is gone', async () => {
    expect(await read(2, ['a', 'y', 'Ann'], ['c', null, 'Cid'], ['d', null, 'Dan'])).toEqual({
      records: 3,
      added: 1,
      changed: 2,
      gone: 1,
      refused: 0,
    });
    expect(await mirror()).toEqual(['a y Ann 2', 'c - Cid 2', 'd - Dan 2']);
  });

  test('one person comes for one that goes', async () => {
    expect(await read(2, ['a', null, 'Ann'], ['b', 'x', 'Bob'], ['d', null, null])).toEqual({
      records: 3,
      added: 1,
      changed: 0,
      gone: 1,
      refused: 0,
    });
    expect(await mirror()).toEqual(['a - Ann 1', 'b x Bob 1', 'd - - 2']);
  });

  test('a row without an id is left out and counted', async () => {
    expect(await read(2, ['a', null, 'Ann'], [null, null, 'Nobody'], ['b', 'x', 'Bob'], ['c', null, null])).toEqual({
      records: 4,
      added: 0,
      changed: 0,
      gone: 0,
      refused: 1,
    });
  });

  test('a read that names somebody twice is not taken over', async () => {
    await expect(read(2, ['a', null, 'Ann'], ['a', null, 'Anna'])).rejects.toMatchObject({ code: 'ROWS_TWICE' });
    expect(await mirror()).toEqual(['a - Ann 1', 'b x Bob 1', 'c - - 1']);
  });
});
