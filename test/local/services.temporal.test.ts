import { Connection } from '@temporalio/client';
import pg from 'pg';
import { expect, test } from 'vitest';
import { testDatabaseUrl } from '../services/database.ts';
import { testNamespace } from '../services/namespace.ts';

const url = await testDatabaseUrl();
const { address, namespace } = await testNamespace();

test('a test file has an empty database of its own, UTF-8 with the order of code points', async () => {
  const client = new pg.Client({ connectionString: url });
  await client.connect();
  const { rows } = await client.query<{ encoding: string; collation: string; relations: string }>(
    `select pg_encoding_to_char(encoding) as encoding, datcollate as collation,
            (select count(*) from pg_class join pg_namespace n on n.oid = relnamespace where nspname = 'public') as relations
       from pg_database where datname = current_database()`,
  );
  await client.end();
  expect(rows).toEqual([{ encoding: 'UTF8', collation: 'C', relations: '0' }]);
});

test('a test file has a Temporal namespace of its own', async () => {
  const connection = await Connection.connect({ address });
  const { namespaceInfo } = await connection.workflowService.describeNamespace({ namespace });
  await connection.close();
  expect(namespaceInfo?.name).toBe(namespace);
});
