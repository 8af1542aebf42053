import { expect, test } from 'vitest';
import { Database } from '../../src/postgres/database.ts';
import { sql } from '../../src/postgres/sql.ts';
import { testDatabaseUrl } from '../services/database.ts';

const url = await testDatabaseUrl();

test('a process that is frozen in the middle of a transaction loses its session after a while: its locks end, and it is told that the database is to be asked again', async () => {
  const database = new Database({ url, searchPath: ['public'] });
  try {
    const { rows } = await database.query<{ limit: string }>(sql`select current_setting('idle_in_transaction_session_timeout') as limit`);
    expect(rows).toEqual([{ limit: '5min' }]);
    await database.query('create table held (n integer)');
    await database.query('insert into held values (1)');
    const frozen = database.transaction(async (tx) => {
      // What takes five minutes takes half a second here.
      await tx.query(`set local idle_in_transaction_session_timeout = '500ms'`);
      await tx.query('select from held for update');
      // Waits for the lock that this transaction holds until its session is ended.
      await database.query('update held set n = 2');
      await tx.query('update held set n = 3');
    });
    await expect(frozen).rejects.toMatchObject({ kind: 'transient', code: 'DATABASE_UNREACHABLE' });
    expect((await database.query<{ n: number }>('select n from held')).rows).toEqual([{ n: 2 }]);
  } finally {
    await database.close();
  }
});
