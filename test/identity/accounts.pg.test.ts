import { describe, expect, test } from 'vitest';
import { matchDatabase } from '../match/match-fixture.ts';
import { freshNights, Nights } from '../match/nights.ts';
import type { Night } from '../match/nights.ts';
import { testDatabaseUrl } from '../services/database.ts';

const database = await matchDatabase(await testDatabaseUrl());

const on = 'objects: { account: { accountFromContacts: true } }';
const user = (mail: string, accountId: string) => ({ emailAddress: mail, accountId });
const contact = (mail: string, accountId: string) => ({ Email: mail, accountId });
const one: Night = {
  records: { a1: { Name: 'Alpha' }, a2: { Name: 'Other' }, c1: contact('a@x', 'a1') },
  users: { u1: user('a@x', 'p1') },
  accounts: { p1: { name: 'Beta' } },
};

describe('R15 accounts by their contacts', () => {
  test('only with the setting', async () => {
    const nights = await freshNights(database);
    expect(await nights.night(one)).toMatchObject({ a1: 'unmatched' });
    expect(await (await freshNights(database, on)).night(one)).toEqual({ a1: 'linked contacts p1', a2: 'unmatched', c1: 'linked email u1' });
  });

  test('R14 the link stays, without drift, whatever its contacts do later, and with the setting off as well', async () => {
    const nights = await freshNights(database, on);
    await nights.night(one);
    const moved = { ...one, records: { ...one.records, c1: contact('a@x', 'a2') } };
    expect(await nights.night(moved)).toMatchObject({ a1: 'linked contacts p1 kept', a2: 'unmatched' });
    expect(await new Nights(database).night(moved)).toMatchObject({ a1: 'linked contacts p1 kept' });
  });

  test('R14 it is drifted when a higher sub-tier claims one of the two', async () => {
    const nights = await freshNights(database, on);
    await nights.night(one);
    expect(await nights.night({ ...one, records: { ...one.records, a2: { Name: 'Beta' } } })).toMatchObject({
      a1: 'linked contacts p1 drifted',
      a2: 'unmatched',
    });
  });

  test('contacts that disagree vote for nothing, until they agree', async () => {
    const nights = await freshNights(database, on);
    const two = (second: string): Night => ({
      records: { ...one.records, c2: contact('b@x', second) },
      users: { ...one.users, u2: user('b@x', ' p1 ') },
      accounts: { p1: { name: 'Beta' } },
    });
    expect(await nights.night(two('a2'))).toMatchObject({ a1: 'unmatched', a2: 'unmatched' });
    expect(await nights.night(two('a1'))).toMatchObject({ a1: 'linked contacts p1' });
  });

  test('of a merged account the master votes; one that is deleted, a person account or unknown does not', async () => {
    const nights = await freshNights(database, on);
    const votes = (a3: Night['records'][string], known = true): Night => ({
      records: { a1: { Name: 'Alpha' }, ...(known ? { a3 } : {}), c1: contact('a@x', 'a1'), c2: contact('b@x', 'a3') },
      users: { ...one.users, u2: user('b@x', 'p1') },
      accounts: { p1: { name: 'Beta' } },
    });
    expect(await nights.night(votes({}))).toMatchObject({ a1: 'unmatched' });
    for (const [a3, known] of [
      [{ ineligible: 'deleted' }, true],
      [{ ineligible: 'personAccount' }, true],
      [{}, false],
      [{ ineligible: 'deleted', masterId: 'a1' }, true],
    ] as const)
      expect(await (await freshNights(database, on)).night(votes(a3, known))).toMatchObject({ a1: 'linked contacts p1' });
  });

  test('two that claim one are ambiguous; a blocked pair is no claim', async () => {
    const nights = await freshNights(database, on);
    const two: Night = {
      records: { ...one.records, c2: contact('b@x', 'a1') },
      users: { ...one.users, u2: user('b@x', 'p2') },
      accounts: { p1: { name: 'Beta' }, p2: { name: 'Gamma' } },
    };
    expect(await nights.night(two)).toMatchObject({ a1: 'ambiguous contacts p1;p2' });
    await nights.decide('block', 'a1', 'p2');
    expect(await nights.night(two)).toMatchObject({ a1: 'linked contacts p1' });
    expect(await nights.open()).toContain('a1 p1 contacts');
  });

  test('only if both are unmatched: not linked, not stopped', async () => {
    const nights = await freshNights(database, on);
    const taken = { ...one, accounts: { p1: { name: 'Beta' }, p2: { name: 'Alpha' } } };
    expect(await nights.night(taken)).toMatchObject({ a1: 'linked name p2' });
    const stopped = { ...one, accounts: { p1: { name: 'Other' }, p2: { name: 'Other' } } };
    expect(await (await freshNights(database, on)).night(stopped)).toMatchObject({ a1: 'unmatched', a2: 'ambiguous name p1;p2' });
  });

  test('R20 R21 its link is handed to a master, and comes back with an undeleted account', async () => {
    const nights = await freshNights(database, on);
    await nights.night(one);
    const none = { ...one, users: {} };
    const merged = { ...none, records: { a1: { ineligible: 'deleted', masterId: 'a2' }, a2: {} } };
    expect(await nights.night(merged)).toMatchObject({ a2: 'linked contacts p1 kept' });
    await nights.night({ ...none, records: { a2: { ineligible: 'deleted' } } });
    expect(await nights.night({ ...none, records: { a2: {} } })).toEqual({ a2: 'linked contacts p1 kept' });
  });
});
