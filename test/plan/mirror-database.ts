import { randomBytes } from 'node:crypto';
import path from 'node:path';
import { Database } from '../../src/postgres/database.ts';
import { migrate } from '../../src/postgres/migrate.ts';

const source = path.join(import.meta.dirname, '../../src');

/** The newest ledger and mirror in two schemas of their own. Whoever makes it closes it. */
export async function mirrorDatabase(url: string): Promise<Database> {
  const stem = `sync_${randomBytes(5).toString('hex')}`;
  const database = new Database({ url, searchPath: [`${stem}_mirror`, `${stem}_ledger`] });
  await migrate(database, `${stem}_ledger`, path.join(source, 'ledger/migrations'));
  await migrate(database, `${stem}_mirror`, path.join(source, 'mirror/migrations'));
  return database;
}
