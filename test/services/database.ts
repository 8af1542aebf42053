import { randomBytes } from 'node:crypto';
import pg from 'pg';
import { afterAll, inject } from 'vitest';

/**
 * The address of a fresh, empty database, dropped after the file's last test. Called at the top level of a `.pg`, `.temporal` or `.e2e` test file:
 * `const url = await testDatabaseUrl();`. `template` is another database (nobody may be connected to it) that it begins as a copy of.
 */
export async function testDatabaseUrl(options: { readonly template?: string } = {}): Promise<string> {
  const admin = inject('postgresUrl');
  const name = `test_${randomBytes(8).toString('hex')}`;
  const url = new URL(admin);
  url.pathname = `/${name}`;
  const template = options.template === undefined ? 'template0' : new URL(options.template).pathname.slice(1);
  await asAdmin(admin, `create database ${name} template ${template}`);
  afterAll(() => asAdmin(admin, `drop database ${name} with (force)`));
  return url.href;
}

async function asAdmin(url: string, statement: string): Promise<void> {
  const client = new pg.Client({ connectionString: url });
  await client.connect();
  try {
    await client.query(statement);
  } finally {
    await client.end();
  }
}
