import { writeFileSync } from 'node:fs';
import path from 'node:path';
import { describe, expect, test } from 'vitest';
import { atStep, holdAt } from '../night/hold.ts';
import { inWorld } from '../night/in-world.ts';
import { testNamespace } from '../services/namespace.ts';
import { outcomes } from './outcomes.ts';
import { contactId, importScores, mappings, peopleDirectory, setOrg, userId, writtenContacts } from './people.ts';
import { openLinks, reaches } from './waiting.ts';

const temporal = await testNamespace();
const never = { approval: 'never' } as const;
const contacts = (...numbers: readonly number[]): readonly string[] => numbers.map(contactId);

describe('limitWrites', () => {
  test('only the first linked pairs by id are written, night after night; all are linked, the sums are right', async () => {
    await inWorld({ data: peopleDirectory({ count: 6 }), temporal, overrides: { ...never, limitWrites: 2 } }, async (world) => {
      const first = await world.night();
      expect(first.status).toBe('success');
      expect(await outcomes(world, first.run)).toEqual({
        'personalization applied': 2,
        'personalization deferred limitWrites': 4,
        'salesforce applied': 2,
        'salesforce deferred limitWrites': 4,
      });
      expect(Object.keys(await writtenContacts(world))).toEqual(contacts(1, 2));
      expect(await openLinks(world)).toHaveLength(6);
      await importScores(world, { u2: 200, u3: 300 });
      const second = await world.night();
      expect(await outcomes(world, second.run)).toEqual({
        'personalization deferred limitWrites': 4,
        'salesforce applied': 1,
        'salesforce deferred limitWrites': 4,
      });
      expect(await writtenContacts(world)).toEqual({ [contactId(1)]: 1, [contactId(2)]: 2 });
    });
  });
});

describe('R27 the push cap', () => {
  test('stops cleanly: what was not sent is deferred, the run is partial, and the next one sends the longest waiting first', async () => {
    await inWorld({ data: peopleDirectory({ count: 6 }), temporal, overrides: { ...never, 'caps.pushRecords': 2 } }, async (world) => {
      const first = await world.night();
      expect(first.status).toBe('partial');
      expect(await outcomes(world, first.run)).toEqual({ 'personalization applied': 6, 'salesforce applied': 2, 'salesforce deferred pushCap': 4 });
      const { report } = await world.files(first.run);
      expect(report.status).toBe('partial');
      expect(report.warnings).toEqual(['caps.pushRecords (2) is reached: 4 writes to 4 records wait for the next run']);
      expect(Object.keys(await writtenContacts(world))).toEqual(contacts(1, 2));
      // New work for a record that comes first by its id: those that wait since yesterday go before it.
      await importScores(world, { u1: 100 });
      const second = await world.night();
      expect(second.status).toBe('partial');
      expect(Object.keys(await writtenContacts(world)).toSorted()).toEqual(contacts(1, 2, 3, 4));
      expect((await writtenContacts(world))[contactId(1)]).toBe(1);
      // 5 and 6 wait since the first night, 1 since the second.
      const third = await world.night();
      expect(third.status).toBe('partial');
      expect(Object.keys(await writtenContacts(world)).toSorted()).toEqual(contacts(1, 2, 3, 4, 5, 6));
      expect((await writtenContacts(world))[contactId(1)]).toBe(1);
      const fourth = await world.night();
      expect(fourth.status).toBe('success');
      expect((await writtenContacts(world))[contactId(1)]).toBe(2);
      expect((await world.database.query('select from waiting')).rowCount).toBe(0);
    });
  });
});

describe('the API budget', () => {
  test('R27 what would take more calls than the run may make is deferred before anything is sent; the next run goes on', async () => {
    await inWorld({ data: peopleDirectory({ count: 8 }), temporal, overrides: never }, async (world) => {
      const { report } = await world.files((await world.night()).run);
      expect(report.apiCalls).toMatchObject({ budget: 20_000 });
      expect(report.apiCalls.used).toBeGreaterThan(5);
    });
    await inWorld({ data: peopleDirectory({ count: 8 }), temporal, overrides: { ...never, 'salesforce.apiBudget.perRun': 18 } }, async (world) => {
      const { run, status } = await world.night();
      const { report } = await world.files(run);
      expect([status, report.apiCalls.budget]).toEqual(['partial', 18]);
      expect(report.apiCalls.used).toBeLessThanOrEqual(20);
      expect(await outcomes(world, run)).toEqual({ 'personalization applied': 8, 'salesforce deferred apiBudget': 8 });
      expect(report.warnings).toEqual(['salesforce.apiBudget is spent: 8 writes to 8 records wait for the next run']);
      expect(await openLinks(world)).toHaveLength(8);
      expect(await writtenContacts(world)).toEqual({});
    });
  });

  test('the reserve of the org is left: others may have used the rest', async () => {
    await inWorld({ data: peopleDirectory({ count: 4 }), temporal, overrides: never }, async (world) => {
      await setOrg(world, { dailyApiRequests: 1_000 });
      const hold = await holdAt(world, atStep('plan.part', 'contact'));
      const { run, result } = await world.start();
      await hold.reached();
      await setOrg(world, { apiRequestsUsed: 899 });
      // The next answer says so.
      await world.database.query(`update run set api_budget = 200 where run = '${run}'`);
      await hold.release();
      const { status } = await result();
      const found = await outcomes(world, run);
      expect([status, found]).toEqual(['partial', { 'personalization applied': 4, 'salesforce deferred apiBudget': 4 }]);
      await setOrg(world, { apiRequestsUsed: 0 });
      expect((await world.night()).status).toBe('success');
      expect(Object.keys(await writtenContacts(world))).toEqual(contacts(1, 2, 3, 4));
    });
  });

  test('used up in the org during apply: the part ends, the rest is deferred and the run is partial', async () => {
    await inWorld({ data: peopleDirectory({ count: 4 }), temporal, overrides: { ...never, 'salesforce.apiBudget.reserve': '0%' } }, async (world) => {
      const hold = await holdAt(world, atStep('apply.reserve'));
      const { run, result } = await world.start();
      await hold.reached();
      await setOrg(world, { apiRequestsUsed: 100_000 });
      await hold.release();
      expect((await result()).status).toBe('partial');
      expect(await outcomes(world, run)).toEqual({ 'personalization applied': 4, 'salesforce deferred apiBudget': 4 });
    });
  });

  test('`whenSpent: pause` waits durably, says so, and goes on when there are calls again', async () => {
    const overrides = { ...never, 'salesforce.apiBudget.whenSpent': 'pause', 'salesforce.apiBudget.reserve': '0%' } as const;
    await inWorld({ data: peopleDirectory({ count: 4 }), temporal, overrides }, async (world) => {
      const hold = await holdAt(world, atStep('apply.reserve'));
      const { run, result } = await world.start({ budgetPauseMs: 1_500 });
      await hold.reached();
      await setOrg(world, { apiRequestsUsed: 100_000 });
      await hold.release();
      expect((await reaches(world, 'paused')).pausedUntil).toMatch(/^\d{4}-.*Z$/);
      await setOrg(world, { apiRequestsUsed: 0 });
      expect((await result()).status).toBe('success');
      expect(await outcomes(world, run)).toEqual({ 'personalization applied': 4, 'salesforce applied': 4 });
    });
  });

  test('an org without calls refuses a run with a clear error, and lets one that pauses begin later', async () => {
    await inWorld({ data: peopleDirectory({ count: 2 }), temporal, overrides: never }, async (world) => {
      await setOrg(world, { apiRequestsUsed: 100_000 });
      await expect(world.night()).rejects.toMatchObject({
        cause: { cause: { type: 'API_BUDGET_SPENT', message: expect.stringContaining('nothing was read or written') as string } },
      });
      await setOrg(world, { apiRequestsUsed: 0 });
      expect((await world.night()).status).toBe('success');
    });
    await inWorld(
      { data: peopleDirectory({ count: 2 }), temporal, overrides: { ...never, 'salesforce.apiBudget.whenSpent': 'pause' } },
      async (world) => {
        await setOrg(world, { apiRequestsUsed: 100_000 });
        const { result } = await world.start({ budgetPauseMs: 1_500 });
        await reaches(world, 'paused');
        await setOrg(world, { apiRequestsUsed: 0 });
        expect((await result()).status).toBe('success');
      },
    );
  });

  test('an org at its reserve when the run begins: nothing is read, the run is partial, links stand', async () => {
    await inWorld({ data: peopleDirectory({ count: 2 }), temporal, overrides: never }, async (world) => {
      expect((await world.night()).status).toBe('success');
      await setOrg(world, { apiRequestsUsed: 95_000 });
      const { run, status } = await world.night();
      expect(status).toBe('partial');
      expect((await world.files(run)).report.apiCalls.budget).toBe(0);
      expect(await openLinks(world)).toHaveLength(2);
    });
  });
});

describe('what a run goes by', () => {
  test.each(['pull', 'push'] as const)('directions.%s off: nothing is planned that way', async (direction) => {
    const settings = mappings.replace('contact:', `contact:\n    directions: { ${direction}: false }`);
    await inWorld({ data: peopleDirectory({ count: 3, settings }), temporal, overrides: never }, async (world) => {
      const { run } = await world.night();
      expect(await outcomes(world, run)).toEqual(direction === 'pull' ? { 'salesforce applied': 3 } : { 'personalization applied': 3 });
    });
  });

  test('a settings file that changes during a run changes the next one', async () => {
    const data = peopleDirectory({ count: 3 });
    await inWorld({ data, temporal, overrides: never }, async (world) => {
      const hold = await holdAt(world, atStep('match.begin', 'contact'));
      const { run, result } = await world.start();
      await hold.reached();
      writeFileSync(path.join(data, 'crm-sync.yaml'), 'guards: { rejected: 0% }\n');
      await hold.release();
      expect((await result()).status).toBe('success');
      expect(await outcomes(world, run)).toEqual({ 'personalization applied': 3, 'salesforce applied': 3 });
      await importScores(world, { u1: 100 });
      expect(await outcomes(world, (await world.night()).run)).toEqual({});
    });
  });

  test.each([
    [{ hiddenFields: ['Contact.Title'] }, /objects\.contact\.pull\[0\]\.from.*Title/s],
    [{ hiddenFields: ['Contact.Score__c'] }, /objects\.contact\.push\[0\]\.to.*Score__c/s],
    [{ readOnlyFields: ['Contact.Score__c'] }, /objects\.contact\.push\[0\]\.to.*Score__c/s],
  ])('a field that lost its permission since the last night is a settings error before anything is written: %j', async (lost, message) => {
    await inWorld({ data: peopleDirectory({ count: 2 }), temporal, overrides: never }, async (world) => {
      await world.night();
      const before = await writtenContacts(world);
      await importScores(world, { [userId(1)]: 100 });
      await setOrg(world, lost);
      await expect(world.night()).rejects.toMatchObject({
        cause: { cause: { type: 'SETTINGS', message: expect.stringMatching(message) as string } },
      });
      expect(await writtenContacts(world)).toEqual(before);
      await setOrg(world, { hiddenFields: [], readOnlyFields: [] });
      expect((await world.night()).status).toBe('success');
    });
  });

  test('guards.rejected: more rejected intents than the share make the run partial, as many do not', async () => {
    const note = (share: string) =>
      inWorld({ data: peopleDirectory({ count: 5 }), temporal, overrides: { ...never, 'guards.rejected': share } }, async (world) => {
        await importScores(world, { u1: 'no number' });
        const { run, status } = await world.night();
        expect(await outcomes(world, run)).toEqual({
          'personalization applied': 5,
          'salesforce applied': 4,
          'salesforce rejected the source is not a number': 1,
        });
        expect(status).toBe(share === '10%' ? 'success' : 'partial');
      });
    await note('10%');
    await note('9%');
  });
});
