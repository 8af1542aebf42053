import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { parse } from 'csv-parse/sync';
import { describe, expect, onTestFinished, test } from 'vitest';
import { schemaNames } from '../../src/config/settings.ts';
import { decide } from '../../src/ledger/decisions.ts';
import type { DecisionKind } from '../../src/ledger/decisions.ts';
import { rebuildMirror } from '../../src/mirror/rebuild.ts';
import { migrate } from '../../src/postgres/migrate.ts';
import { identifier, sql } from '../../src/postgres/sql.ts';
import { exportLinks } from '../../src/operator/links-export.ts';
import { importLinks } from '../../src/operator/links-import.ts';
import { importFeeds } from '../../src/personalization/feeds.ts';
import { testNamespace } from '../services/namespace.ts';
import { atStep, holdAt } from '../night/hold.ts';
import { inWorld } from '../night/in-world.ts';
import type { World } from '../night/world.ts';
import { rebuild } from './rebuild.ts';

const temporal = await testNamespace();
const here = { data: path.join(import.meta.dirname, '../night/small'), temporal };

/** A data directory of its own. */
async function dataOf(files: Readonly<Record<string, string>>): Promise<string> {
  const folder = await mkdtemp(path.join(tmpdir(), 'crm-sync-operator-'));
  onTestFinished(() => rm(folder, { recursive: true }));
  for (const [name, content] of Object.entries(files)) await writeFile(path.join(folder, name), content);
  return folder;
}

const decided = (world: World, kind: DecisionKind, crmId: string, persId: string) =>
  world.database.transaction((tx) => decide(tx, { kind, object: 'contact', crmId, persId, by: 'test' }));

/** What cannot be fetched again, less runs that come and go and what the next night counts anew. */
async function ledgerOf({ database }: World): Promise<Readonly<Record<string, unknown>>> {
  const tables = ['link', 'decision', 'written', 'binding', 'lead_switch'] as const;
  return Object.fromEntries(
    await Promise.all(
      tables.map(async (table) => [table, (await database.query(sql`select * from ${identifier(table)} t order by t::text`)).rows] as const),
    ),
  );
}

const reports = async ({ database }: World, runs: readonly string[]): Promise<unknown> =>
  (await database.query(sql`select run, status, report from run where run = any(${runs}) order by run`)).rows;

async function writesSince(world: World): Promise<{ readonly clear: () => Promise<void>; readonly rows: () => Promise<number> }> {
  const place = `${world.simulator.url}/__simulator/requests`;
  return {
    clear: async () => void (await fetch(place, { method: 'DELETE' })),
    rows: async () => {
      const log = (await (await fetch(place)).json()) as { method: string; path: string; rows?: number }[];
      return log
        .filter(({ method, path: pattern }) => method === 'PATCH' && pattern.includes('/composite/sobjects'))
        .reduce((sum, { rows = 0 }) => sum + rows, 0);
    },
  };
}

type Intent = Readonly<Record<string, string>>;
const intentsOf = async (world: World, run: string): Promise<readonly Intent[]> => parse<Intent>((await world.files(run)).intents, { columns: true });

/** A contact whose wanted e-mail no org takes, beside one that is pushed without trouble. */
const withReject = {
  'Contact.csv': 'Id,LastName,Email,Score__c\n003000000000001AAA,One,,\n003000000000002AAA,Two,,\n003000000000003AAA,Three,,\n',
  'schema.json': '{"Contact": {"Score__c": "number"}}',
  'user-1.csv':
    'userId,attribute:sfcrmContactId,attribute:mail,attribute:score\nu1,003000000000001AAA,one at nowhere,\nu2,003000000000002AAA,,7\nu3,003000000000003AAA,,\n',
  'crm-sync.yaml': 'guards: { rejected: 100% }\nobjects: { contact: { push: [{ from: mail, to: Email }, { from: score, to: Score__c }] } }\n',
} as const;

test('a rejected row whose source did not change is sent once a night, and applied when it does', async () => {
  const data = await dataOf(withReject);
  await inWorld({ data, temporal }, async (world) => {
    const log = await writesSince(world);
    for (let night = 1; night <= 3; night += 1) {
      await log.clear();
      const { run, status } = await world.night();
      expect(status).toBe('success');
      const rejected = (await intentsOf(world, run)).filter(({ outcome }) => outcome === 'rejected');
      expect(rejected).toMatchObject([{ id: '003000000000001AAA', field: 'Email', code: 'INVALID_EMAIL_ADDRESS' }]);
      // The first night sends the other contact as well.
      expect(await log.rows()).toBe(night === 1 ? 2 : 1);
    }
    const feed = path.join(data, 'user-2.csv');
    await writeFile(feed, 'userId,attribute:mail\nu1,one@somewhere.example\n');
    await importFeeds(world.store, [feed], () => undefined);
    const { run } = await world.night();
    expect(await intentsOf(world, run)).toMatchObject([{ id: '003000000000001AAA', field: 'Email', outcome: 'applied' }]);
  });
});

describe('R13 decisions during a run', () => {
  test('a pair that is blocked before its link is real gets none, and nothing of it is written', async () => {
    await inWorld(here, async (world) => {
      const hold = await holdAt(world, atStep('plan.begin', 'contact'));
      const { run, result } = await world.start();
      await hold.reached();
      await decided(world, 'block', '003000000000002AAA', 'u2');
      await hold.release();
      expect((await result()).status).toBe('success');
      const links = await world.database.query(sql`select from link where object = 'contact' and crm_id = '003000000000002AAA'`);
      expect(links.rowCount).toBe(0);
      const intents = (await intentsOf(world, run)).filter(({ id }) => id === '003000000000002AAA' || id === 'u2');
      expect(intents.length).toBeGreaterThan(0);
      for (const intent of intents) expect(intent).toMatchObject({ outcome: 'deferred', reason: 'blockedMeanwhile' });
    });
  });

  test('an unlink before the links of a later night are real ends the link for good', async () => {
    await inWorld(here, async (world) => {
      await world.night();
      const hold = await holdAt(world, atStep('plan.begin', 'contact'));
      const { result } = await world.start();
      await hold.reached();
      expect(await decided(world, 'unlink', '003000000000001AAA', 'u1')).toMatchObject({ changed: true, linkEnded: true });
      await hold.release();
      await result();
      const links = await world.database.query<{ ended_reason: string | null }>(sql`
        select ended_reason from link where object = 'contact' and crm_id = '003000000000001AAA' and pers_id = 'u1'`);
      expect(links.rows).toEqual([{ ended_reason: 'unlinked' }]);
      const { run } = await world.night();
      expect((await world.files(run)).records).toMatch(/^Contact,003000000000001AAA,(?!linked,u1)/m);
    });
  });
});

describe('mirror rebuild', () => {
  test('on a state with links, pins, blocks and rejected rows: the next night has all of them, and writes nothing', async () => {
    const data = await dataOf(withReject);
    await inWorld({ data, temporal }, async (world) => {
      const runs = [(await world.night()).run];
      await decided(world, 'pin', '003000000000002AAA', 'u2');
      await decided(world, 'unlink', '003000000000003AAA', 'u3');
      const quiet = await world.night();
      runs.push(quiet.run);
      const [ledger, told, before] = [await ledgerOf(world), await reports(world, runs), await world.files(quiet.run)];
      const log = await writesSince(world);

      const hold = await holdAt(world, atStep('match.begin', 'contact'));
      const { run, result } = await world.start();
      await hold.reached();
      await expect(rebuild(world)).rejects.toMatchObject({ code: 'RUN_OPEN', message: expect.stringContaining(run) as string });
      await hold.release();
      await result();

      await rebuild(world);
      expect((await world.database.query('select from crm_record')).rowCount).toBe(0);
      expect(await ledgerOf(world)).toEqual(ledger);
      await log.clear();
      const after = await world.night();
      expect(after.status).toBe('success');
      const files = await world.files(after.run);
      expect(files.records).toBe(before.records);
      // What was rejected is tried again, as every night, and nothing else.
      expect(files.intents).toBe(before.intents);
      expect(await log.rows()).toBe(1);
      expect(await ledgerOf(world)).toEqual(ledger);
      expect(await reports(world, runs)).toEqual(told);
    });
  });
});

describe('a ledger that was restored from its backup', () => {
  test('is all that the next night needs: the same links, and nothing is written', async () => {
    await inWorld(here, async (world) => {
      await world.night();
      await decided(world, 'pin', '003000000000001AAA', 'u1');
      const { run } = await world.night();
      const before = await world.files(run);
      await backUpAndRestore(world);
      const after = await world.night();
      expect(after.status).toBe('success');
      const files = await world.files(after.run);
      expect(files.records).toBe(before.records);
      expect(files.intents).toBe(before.intents);
      expect(files.intents).not.toContain(',applied,');
    });
  });
});

test('R25 a ledger that was restored from `links export` sends nothing again, not even what the org had made something else of', async () => {
  const data = await dataOf({
    'Contact.csv': 'Id,LastName,Score__c,Note__c\n003000000000001AAA,One,,\n003000000000002AAA,Two,,\n',
    'schema.json': '{"Contact": {"Score__c": "number", "Note__c": "text"}}',
    'user-1.csv': 'userId,attribute:sfcrmContactId,attribute:score,attribute:note\nu1,003000000000001AAA,7,mine\nu2,003000000000002AAA,8,\n',
    'crm-sync.yaml': 'objects: { contact: { push: [{ from: score, to: Score__c }, { from: note, to: Note__c }] } }\n',
  });
  await inWorld({ data, temporal }, async (world) => {
    const trigger = { object: 'Contact', when: 'Note__c', set: 'Note__c', to: 'as the org has it' };
    await fetch(`${world.simulator.url}/__simulator/settings`, { method: 'POST', body: JSON.stringify({ triggers: [trigger] }) });
    await world.night();
    const file = path.join(data, 'links.jsonl');
    expect(await exportLinks(world.database, file)).toMatchObject({ links: 2, written: 1 });
    await world.database.query('truncate link, decision, written, binding');
    await rebuild(world);
    expect(await world.database.transaction((tx) => importLinks(tx, file))).toMatchObject({ links: 2, written: 1 });
    const log = await writesSince(world);
    await log.clear();
    const { run, status } = await world.night();
    expect(status).toBe('success');
    expect(await log.rows()).toBe(0);
    expect(await intentsOf(world, run)).toMatchObject([{ id: '003000000000001AAA', field: 'Note__c', outcome: 'unchanged', reason: 'changedByOrg' }]);
  });
});

test('a ledger that is older than its mirror opens no run until the mirror is made anew', async () => {
  await inWorld(here, async (world) => {
    const first = await world.night();
    const { records } = await world.files(first.run);
    const lost = await world.night();
    await world.database.query(sql`delete from run where run = ${lost.run}`);
    await world.database.query(`select setval(pg_get_serial_sequence('run', 'run_no'), (select max(run_no) from run))`);
    const { result } = await world.start();
    await expect(result()).rejects.toMatchObject({ cause: { cause: { type: 'MIRROR_AHEAD' } } });
    await rebuild(world);
    const after = await world.night();
    expect(after.status).toBe('success');
    expect((await world.files(after.run)).records).toBe(records.replaceAll(/^(\S+,linked,\S*?,\S*?,\S*?,\S*?),,/gm, '$1,kept,'));
  });
});

/** The tables of the ledger are all that is kept; both schemas are lost and made anew by the newest migrations. */
async function backUpAndRestore({ database, name }: World): Promise<void> {
  const { ledger, mirror } = schemaNames(name);
  const tables = await database.query<{ name: string }>(
    sql`select tablename as name from pg_tables where schemaname = ${ledger} and tablename <> 'migration'`,
  );
  const kept = new Map<string, string>();
  for (const table of tables.rows) {
    const rows = await database.query<{ rows: string }>(
      sql`select coalesce(jsonb_agg(to_jsonb(t)), '[]')::text as rows from ${identifier(ledger)}.${identifier(table.name)} t`,
    );
    kept.set(table.name, rows.rows[0]?.rows ?? '[]');
  }
  await database.query(sql`drop schema ${identifier(ledger)} cascade`);
  await migrate(database, ledger, path.resolve('src/ledger/migrations'));
  for (const [table, rows] of kept) {
    const place = sql`insert into ${identifier(ledger)}.${identifier(table)} overriding system value select * from jsonb_populate_recordset(null::${identifier(ledger)}.${identifier(table)}, ${rows}::jsonb)`;
    await database.query(place);
  }
  const identities = await database.query<{ table: string; column: string }>(sql`
    select table_name as table, column_name as column from information_schema.columns where table_schema = ${ledger} and is_identity = 'YES'`);
  for (const { table, column } of identities.rows)
    await database.query(sql`
      select setval(pg_get_serial_sequence(${`${ledger}.${table}`}, ${column}), coalesce((select max(${identifier(column)}) from ${identifier(ledger)}.${identifier(table)}), 0) + 1)`);
  await database.transaction((tx) => rebuildMirror(tx, mirror));
}

describe('binding', () => {
  test('an org or a store that was swapped under the sync is refused before anything is written', async () => {
    await inWorld(here, async (world) => {
      await world.night();
      const updates = async (): Promise<unknown> => (await fetch(`${world.simulator.url}/__simulator/updates?object=Contact`)).json();
      const before = [await ledgerOf(world), await updates()];
      const refused = async (type: string, named: string): Promise<void> => {
        const { result } = await world.start();
        await expect(result()).rejects.toMatchObject({ cause: { cause: { type, message: expect.stringContaining(named) as string } } });
      };
      for (const [side, type] of [
        ['salesforce', 'OTHER_ORG'],
        ['personalization', 'OTHER_STORE'],
      ] as const) {
        const { rows } = await world.database.query<{ external_id: string }>(sql`select external_id from binding where side = ${side}`);
        await world.database.query(sql`update binding set external_id = 'another' where side = ${side}`);
        await refused(type, 'this sync is bound to another');
        await world.database.query(sql`update binding set external_id = ${rows[0]?.external_id} where side = ${side}`);
      }
      // The same address, answered by another org while the worker runs.
      const swapped = await fetch(`${world.simulator.url}/__simulator/settings`, {
        method: 'POST',
        body: JSON.stringify({ organizationId: '00D000000000042EAA' }),
      });
      expect(swapped.status).toBe(200);
      await refused('OTHER_ORG', '00D000000000042EAA');
      expect([await ledgerOf(world), await updates()]).toEqual(before);
      expect((await world.database.query(`select from run`)).rowCount).toBe(1);
    });
  });
});
