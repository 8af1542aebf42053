import { cp, mkdtemp, readdir, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { expect, test } from 'vitest';
import { Database } from '../../src/postgres/database.ts';
import { migrate } from '../../src/postgres/migrate.ts';
import { sql } from '../../src/postgres/sql.ts';
import { testDatabaseUrl } from '../services/database.ts';

const migrations = path.resolve('src/mirror/migrations');
const url = await testDatabaseUrl();

/** The migrations that a version knew which ended with this one. */
async function migrationsUpTo(last: string): Promise<string> {
  const folder = await mkdtemp(path.join(tmpdir(), 'crm-sync-migrations-'));
  for (const name of await readdir(migrations)) if (name <= last) await cp(path.join(migrations, name), path.join(folder, name));
  return folder;
}

test('intents that an earlier version kept, a row each, are all there after the update, those of one record and fate together', async () => {
  const database = new Database({ url, searchPath: ['older_mirror'] });
  const older = await migrationsUpTo('0007-part-holder.sql');
  try {
    await migrate(database, 'older_mirror', older);
    await database.query('create table intent_r3 partition of intent for values in (3)');
    await database.query('create table intent_r4 partition of intent for values in (4)');
    await database.query(`
      insert into intent (run_no, side, object, crm, pers, target_id, target_object, field, position, target_type, before, after, rule, outcome, code, reason, part, sending)
      values (3, 'personalization', 'contact', 1, 2, 'u1', 'user', 'title', 4, 'text', null, 'a', 'crm', 'applied', null, null, 0, false),
        (3, 'personalization', 'contact', 1, 2, 'u1', 'user', 'phone', 5, 'text', 'x', 'b', 'crm', 'applied', null, null, 0, false),
        (3, 'personalization', 'contact', 1, 2, 'u1', 'user', 'score', 6, 'number', null, 'many', 'crm', 'rejected', 'NOT_A_NUMBER', 'the source is not a number', 0, false),
        (3, 'salesforce', 'contact', 1, 2, '003', 'Contact', 'Title', 2, 'string', null, 'c', 'personalization', null, null, null, 1000000000, true),
        (3, 'salesforce', 'contact', 5, 6, '001', 'Account', 'PersonTitle', 2, 'string', 'd', null, 'personalization', null, null, null, 1000000001, false),
        (4, 'personalization', 'contact', 1, 2, 'u1', 'user', 'phone', 5, 'text', 'b', 'e', 'crm', 'deferred', null, 'changedMeanwhile', 0, false)`);
    const kept = sql`
      select run_no, side, object, crm, pers, target_id, target_object, field, position, target_type, scale, before, after, rule, outcome, code, reason, part, sending
        from intent order by run_no, side, target_id, field`;
    const { rows } = await database.query(kept);
    await migrate(database, 'older_mirror', migrations);
    expect((await database.query(kept)).rows).toEqual(rows);
    const sets = await database.query<{ fields: number }>('select cardinality(mappings) as fields from intent_set order by set_no');
    expect(sets.rows.map(({ fields }) => fields).toSorted()).toEqual([1, 1, 1, 1, 2]);
  } finally {
    await database.close();
    await rm(older, { recursive: true, force: true });
  }
});
