import { readdir, readFile } from 'node:fs/promises';
import path from 'node:path';
import { describe, expect, test } from 'vitest';
import { takeUpAgain } from '../../src/ledger/runs.ts';
import { Database } from '../../src/postgres/database.ts';
import { migrate } from '../../src/postgres/migrate.ts';
import { identifier, sql } from '../../src/postgres/sql.ts';
import { testDatabaseUrl } from '../services/database.ts';

const migrations = path.resolve('src/ledger/migrations');
const url = await testDatabaseUrl();
const database = new Database({ url, searchPath: ['crm_sync_ledger'] });
await database.query(await readFile(path.join(import.meta.dirname, 'dumps/0001-ledger.dump.sql'), 'utf8'));

const rows = async (table: string): Promise<unknown> => (await database.query(sql`select * from ${identifier(table)} t order by t::text`)).rows;

/** Columns, constraints, indexes and functions of a schema, by name. */
async function shapeOf(schema: string): Promise<readonly string[]> {
  const { rows: found } = await database.query<{ line: string }>(sql`
    select format('%s.%s %s %s %s', c.table_name, c.column_name, c.data_type, c.is_nullable, c.column_default) as line from information_schema.columns c where c.table_schema = ${schema}
    union all
    select format('%s %s', r.relname, pg_get_constraintdef(k.oid)) from pg_constraint k join pg_class r on r.oid = k.conrelid join pg_namespace n on n.oid = r.relnamespace where n.nspname = ${schema}
    union all
    select indexdef from pg_indexes where schemaname = ${schema}
    union all
    select pg_get_functiondef(p.oid) from pg_proc p join pg_namespace n on n.oid = p.pronamespace where n.nspname = ${schema}`);
  return found.map(({ line }) => line.replaceAll(`${schema}.`, '').replaceAll(/\s+/g, ' ')).toSorted();
}

describe('a ledger as the first version made it', () => {
  test('is brought up to date by the newest one, with everything that it holds', async () => {
    const kept = ['binding', 'lead_switch', 'write_job'] as const;
    const before = await Promise.all(kept.map(rows));
    const links = await database.query('select object, crm_id, pers_id, sub_tier, made_run, ended_run, ended_reason from link order by link_no');
    expect(await migrate(database, 'crm_sync_ledger', migrations)).toBeGreaterThan(0);
    expect(await Promise.all(kept.map(rows))).toEqual(before);
    expect(
      (await database.query('select object, crm_id, pers_id, sub_tier, made_run, ended_run, ended_reason from link order by link_no')).rows,
    ).toEqual(links.rows);
    expect((await database.query('select crm_id, pers_id from pin_now(100)')).rows).toEqual([{ crm_id: '003000000000002AAA', pers_id: 'u2' }]);
    expect((await database.query('select crm_id, pers_id from block_now(100)')).rows).toEqual([{ crm_id: '003000000000004AAA', pers_id: 'u3' }]);
    // The run that was open goes on under the new version.
    expect(await takeUpAgain(database, '20261001T020000Z-5e6f7a8b')).toMatchObject({ attempt: 2, decisionSeq: 2, leads: true });
    expect(await migrate(database, 'crm_sync_ledger', migrations)).toBe(0);
  });

  test('has the same tables then as one that the newest version made', async () => {
    await migrate(database, 'crm_sync_ledger', migrations);
    await migrate(database, 'fresh_ledger', migrations);
    expect(await shapeOf('crm_sync_ledger')).toEqual(await shapeOf('fresh_ledger'));
  });
});

test('a ledger that a newer version made is refused by an older one', async () => {
  await migrate(database, 'crm_sync_ledger', migrations);
  await database.query(`insert into migration (version, name) values (9999, '9999-later.sql')`);
  await expect(migrate(database, 'crm_sync_ledger', migrations)).rejects.toMatchObject({ code: 'SCHEMA_TOO_NEW' });
});

test.each(['ledger', 'mirror', 'personalization'])('the migrations of %s are numbered one after the other', async (part) => {
  const names = (await readdir(path.resolve('src', part, 'migrations'))).toSorted();
  expect(names.map((name) => Number(name.slice(0, 4)))).toEqual(names.map((_, at) => at + 1));
});
