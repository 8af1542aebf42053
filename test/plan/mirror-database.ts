import path from 'node:path';
import { afterAll } from 'vitest';
import { Database } from '../../src/postgres/database.ts';
import { migrate } from '../../src/postgres/migrate.ts';
import { testDatabaseUrl } from '../services/database.ts';

const source = path.join(import.meta.dirname, '../../src');

/** A fresh database with the newest ledger and mirror, closed after the file's last test. */
export async function mirrorDatabase(): Promise<{ readonly database: Database; readonly url: string }> {
  const url = await testDatabaseUrl();
  const database = new Database({ url, searchPath: ['crm_sync_mirror', 'crm_sync_ledger'] });
  afterAll(() => database.close());
  await migrate(database, 'crm_sync_ledger', path.join(source, 'ledger/migrations'));
  await migrate(database, 'crm_sync_mirror', path.join(source, 'mirror/migrations'));
  return { database, url };
}
