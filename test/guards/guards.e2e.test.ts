import { writeFileSync } from 'node:fs';
import path from 'node:path';
import { describe, expect, test } from 'vitest';
import type { SettingValues } from '../../src/config/load.ts';
import { orgOf } from '../identity/org.ts';
import { inWorld } from '../night/in-world.ts';
import type { World } from '../night/world.ts';
import { testNamespace } from '../services/namespace.ts';
import { contactId, deleteContacts, importScores, mappings, peopleDirectory, userId } from './people.ts';
import type { People } from './people.ts';
import { openLinks, trippedOf, waitingRun } from './waiting.ts';

const temporal = await testNamespace();
const range = (from: number, to: number): readonly number[] => Array.from({ length: to - from + 1 }, (_, at) => from + at);

/** A world after its first night, which no guard can stop: there is nothing to compare with. */
async function afterFirstNight(
  people: People & { readonly overrides?: SettingValues },
  body: (world: World, folder: string) => Promise<void>,
): Promise<void> {
  const folder = peopleDirectory(people);
  await inWorld({ data: folder, temporal, overrides: { approval: 'guards', ...people.overrides } }, async (world) => {
    expect((await world.night()).status).toBe('success');
    await body(world, folder);
  });
}

const onlyPersons = { 'guards.linksEnded': '100%' } as const;

describe('R23 persons gone', () => {
  test('more than the share at once wait for approval, with the numbers; until then, and if it is rejected, nothing is unlinked', async () => {
    await afterFirstNight({ count: 40, overrides: onlyPersons }, async (world) => {
      const before = await openLinks(world);
      await world.store.deletePersons('user', range(1, 3).map(userId));
      const first = await waitingRun(world);
      expect(first.tripped).toEqual(['personsGone user: 3 of 40']);
      expect(first.progress.plan).toMatchObject({ links: { new: 0, kept: 37, ended: 3 }, asks: ['guards'] });
      expect(await openLinks(world)).toEqual(before);
      expect(await first.reject()).toMatchObject({ status: 'rejected' });
      expect(await openLinks(world)).toEqual(before);

      // Who is gone is not forgotten: the mirror lost sight of him a night ago.
      const second = await waitingRun(world);
      expect(second.tripped).toEqual(['personsGone user: 3 of 40']);
      expect(await second.approve()).toMatchObject({ status: 'success' });
      expect(await openLinks(world)).toEqual(before.slice(3));
      expect((await world.night()).status).toBe('success');
    });
  });

  test('as many as allowed do not wait; one more than a night ago is counted from there', async () => {
    await afterFirstNight({ count: 40, overrides: onlyPersons }, async (world) => {
      await world.store.deletePersons('user', range(1, 2).map(userId));
      expect((await world.night()).status).toBe('success');
      expect(await openLinks(world)).toHaveLength(38);
      await world.store.deletePersons('user', [userId(3)]);
      expect((await world.night()).status).toBe('success');
      expect(await openLinks(world)).toHaveLength(37);
    });
  });

  test('who is back before anybody answered is not gone, and keeps his link', async () => {
    await afterFirstNight({ count: 20, overrides: onlyPersons }, async (world) => {
      const before = await openLinks(world);
      await world.store.deletePersons('user', range(1, 2).map(userId));
      expect(await (await waitingRun(world)).reject()).toMatchObject({ status: 'rejected' });
      await importScores(world, { u1: 1, u2: 2 });
      expect((await world.night()).status).toBe('success');
      expect(await openLinks(world)).toEqual(before);
    });
  });
});

test('links: more than the share that would end wait for approval; one that goes on in the master of its record does not end', async () => {
  await afterFirstNight({ count: 20 }, async (world) => {
    await (await orgOf(world)).merge('Contact', contactId(20), [contactId(19)]);
    await world.store.deletePersons('user', [userId(20)]);
    const both = await waitingRun(world);
    expect(both.tripped).toEqual(['linksEnded contact: 1 of 20']);
    expect(await both.approve()).toMatchObject({ status: 'success' });
    expect(await openLinks(world)).toHaveLength(19);
    expect(await openLinks(world)).toContain(`${contactId(20)}/${userId(19)}`);
    await deleteContacts(world, [4]);
    const waiting = await waitingRun(world);
    expect(waiting.tripped).toEqual(['linksEnded contact: 1 of 19']);
    expect(await openLinks(world)).toHaveLength(19);
    expect(await waiting.approve()).toMatchObject({ status: 'success' });
    expect(await openLinks(world)).toHaveLength(18);
  });
});

test('records: more than the share that are deleted in Salesforce wait for approval, and again after a rejection', async () => {
  await afterFirstNight({ count: 20, overrides: onlyPersons }, async (world) => {
    await deleteContacts(world, range(1, 4));
    expect((await world.night()).status).toBe('success');
    await deleteContacts(world, range(5, 8));
    const first = await waitingRun(world);
    expect(first.tripped).toEqual(['recordsGone contact: 4 of 16']);
    expect(await first.reject()).toMatchObject({ status: 'rejected' });
    const second = await waitingRun(world);
    expect(second.tripped).toEqual(first.tripped);
    expect(await second.approve()).toMatchObject({ status: 'success' });
    expect((await world.night()).status).toBe('success');
  });
});

test('writes: more than so many times the median of the last runs that wrote wait for approval; quiet nights do not lower it', async () => {
  await afterFirstNight({ count: 20 }, async (world) => {
    const scores = (numbers: readonly number[], score: number) => Object.fromEntries(numbers.map((i) => [userId(i), score]));
    for (const night of [100, 101, 102]) {
      await importScores(world, scores([1, 2], night));
      expect((await world.night()).status).toBe('success');
    }
    for (let quiet = 0; quiet < 2; quiet++) expect((await world.night()).status).toBe('success');
    // 40, 2, 2, 2, and two that wrote nothing.
    await importScores(world, scores(range(1, 7), 200));
    const waiting = await waitingRun(world);
    expect(waiting.tripped).toEqual(['writes all: 7 of 2']);
    expect(await waiting.reject()).toMatchObject({ status: 'rejected' });
    await importScores(world, { u7: 7 });
    expect((await world.night()).status).toBe('success');
  });
});

test('settings: changed mappings or match fields since the last run that wrote wait for approval, once', async () => {
  const changed = mappings.replace('to: jobTitle', 'to: jobTitle, rule: fillBlank');
  await afterFirstNight({ count: 4 }, async (world, folder) => {
    writeFileSync(path.join(folder, 'crm-sync.yaml'), changed);
    const rejected = await waitingRun(world);
    expect(rejected.tripped).toEqual(['settings all: 1 of 0']);
    expect(await rejected.reject()).toMatchObject({ status: 'rejected' });
    const approved = await waitingRun(world);
    expect(await approved.approve()).toMatchObject({ status: 'success' });
    expect((await world.night()).status).toBe('success');
    writeFileSync(path.join(folder, 'crm-sync.yaml'), `guards: { recordsGone: 30% }\n${changed}`);
    expect((await world.night()).status).toBe('success');
  });
});

describe('who is asked', () => {
  test.each(['firstRun', 'guards', 'always', 'never'] as const)('approval: %s', async (approval) => {
    const folder = peopleDirectory({ count: 10 });
    await inWorld({ data: folder, temporal, overrides: { approval } }, async (world) => {
      const night = async (): Promise<string> => {
        const { status } = await world.night({ atGate: 'end' });
        if (status !== 'preview') return status;
        return (await waitingRun(world)).approve().then((ended) => `asked, ${ended.status}`);
      };
      const asks = {
        firstRun: ['asked, success', 'success'],
        guards: ['success', 'success'],
        always: ['asked, success', 'asked, success'],
        never: ['success', 'success'],
      };
      expect([await night(), await night()]).toEqual(asks[approval]);
      await world.store.deletePersons('user', [userId(1)]);
      if (approval === 'never') {
        const { run, status } = await world.night();
        expect(status).toBe('success');
        const { report } = await world.files(run);
        expect(trippedOf(report.guards)).toEqual(['personsGone user: 1 of 10', 'linksEnded contact: 1 of 10']);
        expect(report.warnings).toContain('guards.personsGone: 1 of 10 users are gone from Personalization; more than 5% asks for approval');
      } else expect((await waitingRun(world)).progress.plan?.asks).toEqual(approval === 'always' ? ['always', 'guards'] : ['guards']);
      if (approval !== 'never') await world.client.workflow.getHandle(`${world.name}-run`).executeUpdate('reject');
      expect(await openLinks(world)).toHaveLength(approval === 'never' ? 9 : 10);
    });
  });
});
