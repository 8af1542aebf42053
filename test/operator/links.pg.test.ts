import { mkdtemp, readFile, rm, stat, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { afterAll, describe, expect, test } from 'vitest';
import { keepRunsOut } from '../../src/ledger/between-runs.ts';
import { bind } from '../../src/ledger/binding.ts';
import { exportLinks } from '../../src/operator/links-export.ts';
import { importLinks } from '../../src/operator/links-import.ts';
import type { ImportedLinks } from '../../src/operator/links-import.ts';
import { endLinksMeant, linksMeant, meantFilter } from '../../src/operator/links-reset.ts';
import type { LinkFilter } from '../../src/operator/links-reset.ts';
import { testDatabaseUrl } from '../services/database.ts';
import { matchDatabase } from '../match/match-fixture.ts';
import { idOf } from '../match/nights.ts';
import { operatorNights } from './operator-nights.ts';
import type { OperatorNights } from './operator-nights.ts';

const database = await matchDatabase(await testDatabaseUrl());
const folder = await mkdtemp(path.join(tmpdir(), 'crm-sync-links-'));
afterAll(() => rm(folder, { recursive: true }));
const file = path.join(folder, 'links.jsonl');

const world = {
  records: { c1: { Email: 'a@x' }, c2: { Name: 'Bob' }, a1: { Name: 'Acme' } },
  users: { u1: { emailAddress: 'a@x' }, u2: { name: 'Bob' } },
  accounts: { p1: { name: 'Acme' } },
} as const;

async function reset(given: LinkFilter): Promise<number> {
  return database.transaction(async (tx) => endLinksMeant(tx, await meantFilter(tx, given), 'ann@desk'));
}

const restore = (from = file): Promise<ImportedLinks> => database.transaction((tx) => importLinks(tx, from));

/** Everything that the ledger knows of links and decisions, less the numbers of rows. */
async function known(): Promise<unknown> {
  const links = await database.query(
    'select object, crm_id, pers_id, sub_tier, crm_field, attribute, made_run, made_at, ended_run, ended_at, ended_reason from link order by made_at, object, crm_id, ended_at',
  );
  const decisions = await database.query('select object, crm_id, pers_id, kind, decided_by, decided_at, note from decision order by seq');
  return { links: links.rows, decisions: decisions.rows };
}

describe('R14 links reset', () => {
  test('counts the links that are meant by what made them, and ends them alone', async () => {
    const { night, nights } = await operatorNights(database);
    const run = await night(world);
    expect(await linksMeant(database, {})).toEqual([
      { object: 'account', subTier: 'name', field: 'Name', attribute: 'name', links: 1 },
      { object: 'contact', subTier: 'email', field: 'Email', attribute: 'emailAddress', links: 1 },
      { object: 'contact', subTier: 'name', field: 'Name', attribute: 'name', links: 1 },
    ]);
    expect(await nights.open()).toHaveLength(3);
    expect(await reset({ subTier: 'name', field: 'Email' })).toBe(0);
    expect(await reset({ field: 'Email', run })).toBe(1);
    expect(await nights.open()).toEqual(['a1 p1 name', 'c2 u2 name']);
    expect(await nights.ended()).toEqual(['c1 u1 reset']);
    expect(await reset({ subTier: 'name' })).toBe(2);
    // Nothing is blocked: the next night matches anew.
    await night(world);
    expect(await nights.open()).toEqual(['a1 p1 name', 'c1 u1 email', 'c2 u2 name']);
    expect(await reset({})).toBe(3);
    expect(await reset({})).toBe(0);
  });

  test('takes the beginning of a key for a run, if it means one, and the whole key for that run alone', async () => {
    const { night, nights } = await operatorNights(database);
    await night(world);
    await database.query(`update link set made_run = case crm_id when '${idOf('c1')}' then 'r-1' when '${idOf('c2')}' then 'r-12' else 'q' end`);
    await expect(meantFilter(database, { run: 'r' })).rejects.toMatchObject({ code: 'RUN_UNCLEAR', exitCode: 2 });
    await expect(meantFilter(database, { run: 'x' })).rejects.toMatchObject({ code: 'RUN_UNKNOWN', exitCode: 2 });
    await expect(meantFilter(database, { subTier: 'phone' })).rejects.toMatchObject({ code: 'USAGE', exitCode: 2 });
    expect(await reset({ run: 'r-1' })).toBe(1);
    expect(await nights.ended()).toEqual(['c1 u1 reset']);
  });

  test('R21 a tombstone that is meant does not come back', async () => {
    const { night, nights } = await operatorNights(database);
    await night(world);
    const bin = { ...world, records: { ...world.records, c1: { Email: 'a@x', ineligible: 'deleted' } } };
    await night(bin);
    expect(await nights.ended()).toEqual(['c1 u1 deleted']);
    await reset({ subTier: 'email' });
    await night({ ...world, records: { ...world.records, c1: { Email: 'other@x' } } });
    expect(await nights.open()).toEqual(['a1 p1 name', 'c2 u2 name']);
  });
});

describe('R5 between runs', () => {
  test('is refused while a run is open, and keeps one from being opened until it is done', async () => {
    await operatorNights(database);
    const open = (run: string) =>
      database.query(
        `insert into run (run, kind, workflow_id, settings, settings_hash, decision_seq, leads) values ('${run}', 'night', 'w', '{}', 'h', 0, false)`,
      );
    await open('r1');
    await expect(database.transaction((tx) => keepRunsOut(tx, 'links reset', undefined))).rejects.toMatchObject({ code: 'RUN_OPEN', exitCode: 1 });
    // Temporal knows that r1 was terminated.
    let opening: Promise<unknown> = Promise.resolve();
    await database.transaction(async (tx) => {
      await keepRunsOut(tx, 'links reset', 'r1');
      opening = open('r2');
      await expect.poll(async () => (await database.query(`select from pg_locks where relation = 'run'::regclass and not granted`)).rowCount).toBe(1);
    });
    await opening;
    expect((await database.query('select run, status, finished_at is null as open from run order by run_no')).rows).toEqual([
      { run: 'r1', status: 'failed', open: false },
      { run: 'r2', status: 'running', open: true },
    ]);
    await expect(database.transaction((tx) => keepRunsOut(tx, 'links reset', 'r1'))).rejects.toMatchObject({ code: 'RUN_OPEN' });
  });
});

describe('links export and import', () => {
  /** Links in force, ended ones, a tombstone, decisions that count and that do not. */
  async function history(): Promise<OperatorNights> {
    const made = await operatorNights(database);
    await bind(database, 'salesforce', '00D1');
    await bind(database, 'personalization', 'store-1');
    await made.night(world);
    await made.night({ ...world, records: { ...world.records, c2: { Name: 'Bob', ineligible: 'deleted' } } });
    await made.nights.decide('pin', 'c1', 'u1');
    await made.nights.decide('unpin', 'c1', 'u1');
    await made.nights.decide('block', 'a1', 'p1');
    await made.nights.decide('pin', 'c1', 'u2');
    return made;
  }

  test('an empty ledger is as it was before, with its history and binding, and a second import changes nothing', async () => {
    await history();
    const before = await known();
    expect(await exportLinks(database, file)).toEqual({ links: 3, open: 1, decisions: 4, written: 0 });
    expect((await stat(file)).mode & 0o777).toBe(0o600);
    await database.query('truncate link, decision, binding');
    expect(await restore()).toEqual({ links: 1, known: 0, ended: 2, decisions: 4, written: 0 });
    expect(await known()).toEqual(before);
    expect((await database.query('select external_id from binding order by side')).rows).toEqual([
      { external_id: 'store-1' },
      { external_id: '00D1' },
    ]);
    expect(await restore()).toEqual({ links: 0, known: 1, ended: 0, decisions: 0, written: 0 });
    expect(await known()).toEqual(before);
  });

  test('takes back a reset', async () => {
    const { nights } = await history();
    const open = await nights.open();
    await exportLinks(database, file);
    await reset({});
    expect(await nights.open()).toEqual([]);
    expect(await restore()).toMatchObject({ links: 1, ended: 0, decisions: 0 });
    expect(await nights.open()).toEqual(open);
  });

  test('R21 a tombstone that was restored comes back with its record', async () => {
    const { night, nights } = await history();
    await exportLinks(database, file);
    await database.query('truncate link, decision');
    await restore();
    await nights.decide('unpin', 'c1', 'u2');
    await night({ ...world, records: { ...world.records, c2: { Name: 'Renamed' } } });
    expect(await nights.open()).toContain('c2 u2 name');
  });

  test('what contradicts the ledger is listed, and nothing of the file is taken', async () => {
    const { nights } = await history();
    await exportLinks(database, file);
    await database.query(`update link set pers_id = 'u9' where ended_run is null`);
    await database.query('delete from decision');
    await nights.decide('pin', 'a1', 'p1');
    await nights.decide('pin', 'c3', 'u2');
    const before = await known();
    await expect(restore()).rejects.toMatchObject({
      code: 'IMPORT_CONFLICTS',
      exitCode: 1,
      message: expect.stringMatching(
        /contradicts the ledger in 2 places:\n {2}line \d+: contact \S+ and u1: linked here: \S+ and u9\n {2}line \d+: account \S+ and p1: block in the file, pin here$/,
      ) as string,
    });
    expect(await known()).toEqual(before);
    await nights.decide('unpin', 'a1', 'p1');
    await database.query(`delete from decision where object = 'account'`);
    await database.query(`update link set pers_id = 'u1' where pers_id = 'u9'`);
    // R13: pins are one to one.
    await expect(restore()).rejects.toMatchObject({
      code: 'IMPORT_CONFLICTS',
      message: expect.stringContaining('pins are one to one (R13)') as string,
    });
  });

  test('a pair that was blocked meanwhile is not linked again', async () => {
    const { nights } = await history();
    await exportLinks(database, file);
    await nights.decide('unlink', 'c1', 'u1');
    await expect(restore()).rejects.toMatchObject({ message: expect.stringContaining('linked in the file, blocked here') as string });
  });

  test('a file of another org or store is refused', async () => {
    await history();
    await exportLinks(database, file);
    const text = await readFile(file, 'utf8');
    for (const [from, to, code] of [
      ['00D1', '00D2', 'OTHER_ORG'],
      ['store-1', 'store-2', 'OTHER_STORE'],
    ] as const) {
      await writeFile(file, text.replace(from, to));
      await expect(restore()).rejects.toMatchObject({ code, exitCode: 2 });
    }
  });

  test.for([
    ['nothing at all', () => '', 'it is empty'],
    ['another file', () => 'a,b\n', 'its first line does not say that it is one'],
    ['a later version', (text: string) => text.replace('"version":1', '"version":2'), 'it has version 2'],
    ['a file that was cut off', (text: string) => text.slice(0, text.lastIndexOf('{"type":"end"')), 'it was cut off'],
    ['a file that lacks a line', (text: string) => text.replace(/\{"type":"decision".*\n/, ''), 'its last line says 3, 4 and 0'],
    ['half a line', (text: string) => text.replace(/("type":"link".*)"madeRun".*/, '$1'), 'line 2: is no JSON object'],
    [
      'a value of an object that is not synchronised',
      (text: string) => text.replace(/(?=\{"type":"end")/, '{"type":"written","object":"Case"}\n'),
      '"object" is no object of Salesforce that is synchronised',
    ],
    [
      'an id of another object',
      (text: string) => text.replace('"object":"account"', '"object":"lead"'),
      'line 2: "salesforceId" is no Lead id of 18 characters',
    ],
    ['an unknown reason', (text: string) => text.replace('"endedReason":"deleted"', '"endedReason":"because"'), '"endedReason" is none of'],
    [
      'a link twice',
      (text: string) => text.replace(/(\{"type":"link".*"endedReason":null.*\n)/, '$1$1').replace('"links":3', '"links":4'),
      'links a record that line',
    ],
  ] as const)('%s is refused', async ([, change, problem]) => {
    await history();
    await exportLinks(database, file);
    const before = await known();
    await writeFile(file, change(await readFile(file, 'utf8')));
    await expect(restore()).rejects.toMatchObject({ code: 'FILE_INVALID', message: expect.stringContaining(problem) as string });
    expect(await known()).toEqual(before);
  });

  test('a file that is not there, or a folder that cannot be written, is said as such', async () => {
    await history();
    await expect(restore(path.join(folder, 'nosuch'))).rejects.toMatchObject({ code: 'FILE_UNREADABLE' });
    await expect(exportLinks(database, path.join(folder, 'nosuch', 'file'))).rejects.toMatchObject({ code: 'FILE_UNWRITABLE' });
  });
});
