import { describe, expect, onTestFinished, test } from 'vitest';
import { objectTypes } from '../../src/domain/objects.ts';
import { closeRun, noteLinksCommitted } from '../../src/ledger/runs.ts';
import type { OpenRun } from '../../src/ledger/runs.ts';
import { lastApplied } from '../../src/mirror/plan/due.ts';
import { noteMappings } from '../../src/mirror/plan/intent-fields.ts';
import { forgetPlan, planPart } from '../../src/mirror/plan/plan.ts';
import { crmPosition } from '../../src/mirror/run-shape.ts';
import { once } from '../../src/mirror/step-ledger.ts';
import { sql } from '../../src/postgres/sql.ts';
import { nightWorld } from '../apply/night-world.ts';
import type { NightWorld } from '../apply/night-world.ts';
import { Random } from '../match/random.ts';
import { testDatabaseUrl } from '../services/database.ts';

/** Repeats what a failed run did: `PLAN_SEED=123 npx vitest run test/plan`. */
const firstSeed = Number(process.env['PLAN_SEED'] ?? Date.now() % 1_000_000);
const url = await testDatabaseUrl();
const id = (n: number): string => `003${String(n).padStart(12, '0')}AAA`;
const pairs = 12;

const yaml = (rule: string): string => `objects:
  contact:
    pull: [{ from: Title, to: title${rule} }]
    push:
      - { from: n, to: Num__c }
      - { from: s, to: Text__c }
`;

async function smallWorld(): Promise<NightWorld> {
  const numbers = Array.from({ length: pairs }, (_, n) => n);
  return nightWorld(url, {
    'schema.json': JSON.stringify({ Contact: { Num__c: 'number', Text__c: 'text' } }),
    'Contact.csv': ['Id,LastName,Title,Num__c,Text__c', ...numbers.map((n) => `${id(n)},L,t${n},,`)].join('\n'),
    'user-1.csv': [
      'userId,attribute:sfcrmContactId,attribute:n,attribute:s,attribute:title',
      ...numbers.map((n) => `u${n},${id(n)},${n % 3 === 0 ? 'many' : n},s${n},`),
    ].join('\n'),
    'crm-sync.yaml': yaml(''),
  });
}

interface Planned {
  /** Of all pairs. */
  readonly all: readonly string[];
  /** Of those that were due. */
  readonly due: readonly string[];
  readonly since: number | null;
}

async function planOf(world: NightWorld, run: OpenRun): Promise<readonly string[]> {
  const found = await world.deps.database.query<{ line: string }>(sql`
    select row(side, target_object, target_id, field, before, after, rule, outcome, code, reason)::text as line from intent where run_no = ${run.runNo} order by 1`);
  return found.rows.map(({ line }) => line);
}

/** A night that is planned both ways; the plan of those that are due is the one that is applied. `end`: what becomes of the run. */
async function night(world: NightWorld, name: string, end: 'success' | 'preview' | 'failed' = 'success'): Promise<Planned> {
  const { database } = world.deps;
  const run = await world.open(name);
  await world.fetch(run);
  await world.plan(run);
  const all = await planOf(world, run);
  const since = await database.transaction(async (tx) => {
    await forgetPlan(tx, run.runNo, objectTypes);
    return lastApplied(tx, run, 'contact');
  });
  await once(database, run, { step: 'plan.begin', object: 'contact', part: 0 }, async () => ({ records: 0, compared: true }));
  for (const part of [0, 1]) await database.transaction(async (tx) => planPart(tx, run, 'contact', part, 2, since));
  const due = await planOf(world, run);
  if (end === 'success') {
    await database.transaction((tx) => noteLinksCommitted(tx, run));
    await world.apply(run, await world.reserve(run));
  }
  if (end === 'failed') {
    await database.transaction((tx) => noteLinksCommitted(tx, run));
    await database.query(sql`update intent_set set outcome = 'deferred' where run_no = ${run.runNo} and outcome is null`);
  }
  await closeRun(database, run.run, end, {});
  return { all, due, since };
}

const setTitle = (world: NightWorld, n: number, title: string): unknown =>
  world.simulator.org.store.sql('update "Contact" set "Title" = ? where "Id" = ?').run(title, id(n));
const setAttribute = (world: NightWorld, n: number, name: string, text: string): Promise<unknown> =>
  world.store.database.query(sql`
    update profile_user set attributes = attributes || jsonb_build_object(${name}::text, ${text}::text) where user_id = ${`u${n}`}`);

describe('which pairs are compared again', () => {
  test('R24 after an applied plan only those that changed, and those whose value was refused', async () => {
    const world = await smallWorld();
    const first = await night(world, 'one');
    expect([first.since, first.due]).toEqual([null, first.all]);
    const second = await night(world, 'two');
    expect(second.due).toEqual(second.all);
    expect(second.due.map((line) => line.includes('NOT_A_NUMBER'))).toEqual([true, true, true, true]);
    setTitle(world, 1, 'new');
    const third = await night(world, 'three');
    expect(third.due).toEqual(third.all);
    expect(third.due).toHaveLength(5);
  });

  test('a pair that nothing happened to is not looked at', async () => {
    const world = await smallWorld();
    await night(world, 'one');
    await night(world, 'two');
    // Nobody but this test changes the mirror behind the reads' back: what is found shows what was compared.
    await world.deps.database.query(
      sql`update crm_record set field_values[${crmPosition(world.shape, 'contact', 'Title')}::integer] = 'behind' where crm_id in (${id(1)}, ${id(2)})`,
    );
    const run = await world.open('three');
    const since = await world.deps.database.transaction(async (tx) => lastApplied(tx, run, 'contact'));
    expect(since).not.toBeNull();
    await world.deps.database.query(sql`
      insert into crm_outcome (run_no, object, rec, outcome, sub_tier, pers) select ${run.runNo}, object, rec, outcome, sub_tier, pers from crm_outcome where run_no = ${since}`);
    await world.deps.database.query(sql`update crm_record set changed_run = ${run.runNo} where crm_id = ${id(2)}`);
    const planned = await world.deps.database.transaction(async (tx) => {
      await noteMappings(tx, run, 'contact');
      return planPart(tx, run, 'contact', 0, 1, since);
    });
    expect(planned.intents).toBe(4 + 1);
  });

  test('all of them if the mappings changed, if the last run that wrote failed half-way, or if what it found was forgotten; a preview does not count', async () => {
    const world = await smallWorld();
    const { database } = world.deps;
    const one = await world.open('one');
    await closeRun(database, one.run, 'cancelled', {});
    await night(world, 'two');
    setTitle(world, 3, 'looked at only');
    const preview = await night(world, 'three', 'preview');
    const after = await night(world, 'four');
    expect([preview.since, after.since]).toEqual([2, 2]);
    expect(after.due).toEqual(after.all);
    expect(after.due.join()).toContain('looked at only');
    await night(world, 'five', 'failed');
    expect((await night(world, 'six')).since).toBeNull();
    const run = await world.open('seven');
    await database.transaction(async (tx) => {
      expect(await lastApplied(tx, run, 'contact')).toBe(6);
      const mapped = structuredClone(world.shape.settings.objects.contact.pull).map((each) => ({ ...each, rule: 'fillBlank' as const }));
      const { settings } = world.shape;
      const contact = { ...settings.objects.contact, pull: mapped };
      const shape = { ...world.shape, settings: { ...settings, objects: { ...settings.objects, contact } } };
      expect(await lastApplied(tx, { ...run, shape }, 'contact')).toBeNull();
      await tx.query('drop table intent_set_r6');
      expect(await lastApplied(tx, run, 'contact')).toBeNull();
    });
  });

  test('R25 what the org made something else of is listed every night', async () => {
    const world = await smallWorld();
    world.simulator.org.settings = {
      ...world.simulator.org.settings,
      triggers: [{ object: 'Contact', when: 'Text__c', set: 'Text__c', to: 'THE ORG' }],
    };
    await night(world, 'one');
    for (const name of ['two', 'three', 'four']) {
      const { all, due, since } = await night(world, name);
      expect(since, name).not.toBeNull();
      expect(due, name).toEqual(all);
      expect(
        due.filter((line) => line.includes('changedByOrg')),
        name,
      ).toHaveLength(pairs);
    }
  });

  test(`whatever changes, what is due holds all that is to be done: seed ${firstSeed}`, { timeout: 300_000 }, async () => {
    const random = new Random(firstSeed);
    const world = await smallWorld();
    let since = 0;
    onTestFinished(() => expect(since).toBeGreaterThan(0));
    for (let at = 0; at < 12; at += 1) {
      for (let changes = random.below(4); changes > 0; changes -= 1) {
        const n = random.below(pairs);
        const choice = random.below(5);
        if (choice === 0) setTitle(world, n, random.pick(['a', 'b', '', 'c']));
        else if (choice === 1) await setAttribute(world, n, 'n', random.pick(['1', 'many', '2.0', '']));
        else if (choice === 2) await setAttribute(world, n, 'title', random.pick(['a', 'z', '']));
        else if (choice === 3) await setAttribute(world, n, 'sfcrmContactId', random.pick([id(n), id(random.below(pairs)), '']));
        else await setAttribute(world, n, 's', random.pick(['s', 's2', '']));
      }
      const found = await night(world, `night ${at}`, random.pick(['success', 'success', 'success', 'preview', 'failed']));
      expect(found.due, `seed ${firstSeed}, night ${at}`).toEqual(found.all);
      if (found.since !== null) since += 1;
    }
  });
});
