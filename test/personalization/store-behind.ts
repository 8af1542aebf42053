import { randomBytes } from 'node:crypto';
import pg from 'pg';
import { expect } from 'vitest';
import type { PersonKind } from '../../src/domain/objects.ts';
import type { AttributeTypes, PersonalizationSide } from '../../src/personalization/port.ts';
import { openStore, type PersonalizationStore } from '../../src/personalization/store.ts';
import type { ContractStore, SeedPerson } from './contract-store.ts';

const personsPerPage = 5;

/** The PostgreSQL store in a schema of its own, and the back door that the contract's tests need. */
export async function makeStore(url: string): Promise<ContractStore & { readonly side: PersonalizationStore }> {
  const schema = `store_${randomBytes(6).toString('hex')}`;
  const stores: PersonalizationStore[] = [];
  const open = async (): Promise<PersonalizationStore> => {
    const store = await openStore(url, schema, { personsPerPage });
    stores.push(store);
    return store;
  };
  const side = await open();
  const behind = await client(url, schema);
  const table = (kind: PersonKind) => (kind === 'user' ? { name: 'profile_user', id: 'user_id' } : { name: 'profile_account', id: 'account_id' });
  return {
    side,
    personsPerPage,
    another: async (): Promise<PersonalizationSide> => open(),
    seed: async (types: AttributeTypes, persons: readonly SeedPerson[]) => {
      for (const kind of ['user', 'account'] as const)
        for (const { name, type } of types[kind])
          await behind.query('insert into attribute (kind, name, type) values ($1, $2, $3) on conflict do nothing', [kind, name, type]);
      for (const { kind, id, accountId, values } of persons) {
        const filled = JSON.stringify(Object.fromEntries(Object.entries(values).filter(([, value]) => value !== null)));
        if (kind === 'user')
          await behind.query('insert into profile_user (user_id, account_id, attributes) values ($1, $2, $3)', [id, accountId, filled]);
        else await behind.query('insert into profile_account (account_id, attributes) values ($1, $2)', [id, filled]);
      }
    },
    edit: async (kind, id, attribute, value) => {
      const { name, id: idColumn } = table(kind);
      await behind.query(`update ${name} set attributes = attributes || jsonb_build_object($2::text, $3::text) where ${idColumn} = $1`, [
        id,
        attribute,
        value,
      ]);
    },
    hold: async (kind, id) => {
      const holder = await client(url, schema);
      const { name, id: idColumn } = table(kind);
      await holder.query('begin');
      await holder.query(`select from ${name} where ${idColumn} = $1 for update`, [id]);
      return async () => {
        await holder.query('rollback');
        await holder.end();
      };
    },
    waiting: async (count) => {
      const waiters = async () =>
        Number(
          (
            await behind.query(
              "select count(*) from pg_stat_activity where datname = current_database() and application_name = 'crm-sync' and wait_event_type = 'Lock'",
            )
          ).rows[0]?.count,
        );
      await expect.poll(waiters, { timeout: 20_000 }).toBe(count);
    },
    cut: async () => {
      await behind.query(
        "select pg_terminate_backend(pid, 10000) from pg_stat_activity where datname = current_database() and application_name = 'crm-sync'",
      );
    },
    end: async () => {
      for (const store of stores) await store.close();
      await behind.query(`drop schema ${schema} cascade`);
      await behind.end();
    },
  };
}

async function client(url: string, schema: string): Promise<pg.Client> {
  const connection = new pg.Client({ connectionString: url, options: `-c search_path=${schema} -c client_min_messages=warning` });
  await connection.connect();
  return connection;
}
