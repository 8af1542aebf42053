import { describe, expect, test } from 'vitest';
import { testDatabaseUrl } from '../services/database.ts';
import { matchDatabase } from './match-fixture.ts';
import { freshNights } from './nights.ts';
import type { Night } from './nights.ts';

const database = await matchDatabase(await testDatabaseUrl());

describe('R15 accounts by their contacts', () => {
  const yaml = 'objects: { account: { accountFromContacts: true } }';
  const world = (votes: readonly string[]): Night => ({
    records: {
      a1: {},
      a2: {},
      a3: { ineligible: 'deleted' },
      ...Object.fromEntries(votes.map((account, at) => [`c${at + 1}`, { Email: `${at}@x`, ...(account === '' ? {} : { accountId: account }) }])),
    },
    users: Object.fromEntries(votes.map((_, at) => [`u${at}`, { emailAddress: `${at}@x`, accountId: 'p1' }])),
    accounts: { p1: {}, p2: {} },
  });

  test('those that vote must agree; blank, unknown and ineligible ones do not vote', async () => {
    const nights = await freshNights(database, yaml);
    expect(await nights.night(world(['a1', 'a1', '', 'a3', 'a9']))).toMatchObject({ a1: 'linked contacts p1', a2: 'unmatched' });
    expect(await nights.night(world(['a2']))).toMatchObject({ a1: 'linked contacts p1 kept' });
  });

  test('two votes for different accounts are none', async () => {
    const nights = await freshNights(database, yaml);
    expect(await nights.night(world(['a1', 'a2']))).toMatchObject({ a1: 'unmatched', a2: 'unmatched' });
  });

  test('an account that two claim is ambiguous, unless one of them is blocked', async () => {
    const nights = await freshNights(database, yaml);
    const claimed = world(['a1', 'a1']);
    const both = { ...claimed, users: { ...claimed.users, u1: { emailAddress: '1@x', accountId: ' p2 ' } } };
    expect(await nights.night(both)).toMatchObject({ a1: 'ambiguous contacts p1;p2' });
    await nights.decide('block', 'a1', 'p2');
    expect(await nights.night(both)).toMatchObject({ a1: 'linked contacts p1' });
  });
});
