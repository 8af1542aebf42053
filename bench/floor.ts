import { once } from 'node:events';
import { chmod, mkdtemp, rm } from 'node:fs/promises';
import { createWriteStream } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import pg from 'pg';
import { userKind } from '../sample/personalizationFor.ts';
import { syntheticContact } from '../simulator/src/synthetic.ts';

/** What a machine needs at the very least for the same data: seconds of each part, the best of the runs. */
export interface Floor {
  /** Both sides from files into tables, at the same time. */
  readonly copy: number;
  /** One hash join of contacts and users. */
  readonly join: number;
  /** The eight pulled values into the merged rows. */
  readonly update: number;
  readonly merged: number;
}

const contactFields = [
  'Id',
  'SystemModstamp',
  'AccountId',
  'FirstName',
  'LastName',
  'Email',
  'Title',
  'MailingStreet',
  'CreatedDate',
  'Segments__c',
  'Loyalty_Number__c',
] as const;
const userColumns = ['firstName', 'lastName', 'jobTitle', 'street', 'crmAccountId', 'workEmail', 'crmCreated', 'crmSegments'] as const;
const pulled = [
  'FirstName',
  'LastName',
  'Title',
  'MailingStreet',
  'AccountId',
  'Email',
  'CreatedDate',
  'Segments__c',
] as const satisfies readonly (typeof contactFields)[number][];
const runs = 3;

const cell = (text: string): string => (/[",\r\n]/.test(text) ? `"${text.replaceAll('"', '""')}"` : text);

/** Contacts and users of the synthetic org as CSV; a contact's last column names the user that the rules link it to, so that one join finds all pairs. */
async function writeFiles(folder: string, contacts: number, seed: number): Promise<void> {
  const files = [createWriteStream(path.join(folder, 'contacts.csv')), createWriteStream(path.join(folder, 'users.csv'))] as const;
  const linked = new Set(['id', 'loyalty', 'email']);
  for (let i = 1; i <= contacts; i += 1) {
    const contact = syntheticContact(seed, i, contacts);
    const rows = [
      [...contactFields.map((field) => contact[field] ?? ''), linked.has(userKind(i, contacts)) ? `u${i}` : ''],
      [
        `u${i}`,
        contact['Id'] ?? '',
        contact['Loyalty_Number__c'] ?? '',
        contact['Email'] ?? '',
        ...userColumns.map((name) => (i % 50 === 0 ? `old ${name}` : '')),
      ],
    ];
    for (const [at, file] of files.entries()) if (!file.write(`${(rows[at] ?? []).map(cell).join(',')}\n`)) await once(file, 'drain');
  }
  for (const file of files) {
    file.end();
    await once(file, 'close');
  }
}

/** Measures it in a schema of its own that is dropped at the end, on the server of `url`, whose user must be allowed to read files. */
export async function measureFloor(url: string, contacts: number, seed: number): Promise<Floor> {
  const folder = await mkdtemp(path.join(tmpdir(), 'crm-sync-floor-'));
  await chmod(folder, 0o755);
  const clients = [0, 1].map(() => new pg.Client({ connectionString: url }));
  try {
    await writeFiles(folder, contacts, seed);
    for (const client of clients) await client.connect();
    let best: Floor | undefined;
    for (let run = 0; run < runs; run += 1) {
      const found = await measureOnce(clients, folder);
      if (best === undefined || total(found) < total(best)) best = found;
    }
    return best as Floor;
  } finally {
    for (const client of clients) await client.end();
    await rm(folder, { recursive: true, force: true });
  }
}

export function total({ copy, join, update }: Floor): number {
  return copy + join + update;
}

async function measureOnce(clients: readonly pg.Client[], folder: string): Promise<Floor> {
  const [first, second] = clients as readonly [pg.Client, pg.Client];
  const list = (names: readonly string[]): string => names.map((name) => `"${name}" text`).join(', ');
  await first.query('drop schema if exists bench_floor cascade; create schema bench_floor');
  await first.query(
    `create table bench_floor.contact (${list([...contactFields, 'linked'])}); create table bench_floor.person (${list(['userId', 'contactId', 'loyalty', 'email', ...userColumns])})`,
  );
  for (const client of clients)
    await client.query(
      "set search_path = bench_floor; set work_mem = '64MB'; set hash_mem_multiplier = 2; set jit = off; set max_parallel_workers_per_gather = 0",
    );
  const timed = async (body: () => Promise<unknown>): Promise<number> => {
    const begun = performance.now();
    await body();
    return (performance.now() - begun) / 1000;
  };
  const copy = await timed(() =>
    Promise.all([
      first.query(`copy contact from '${folder}/contacts.csv' (format csv)`),
      second.query(`copy person from '${folder}/users.csv' (format csv)`),
    ]),
  );
  const join = await timed(() => first.query('create table pair as select c."Id", p."userId" from contact c join person p on p."userId" = c.linked'));
  let merged = 0;
  const update = await timed(async () => {
    const done = await first.query(
      `update person p set ${userColumns.map((name, at) => `"${name}" = c."${pulled[at]}"`).join(', ')} from contact c where c.linked = p."userId"`,
    );
    merged = done.rowCount ?? 0;
  });
  await first.query('drop schema bench_floor cascade');
  return { copy, join, update, merged };
}
