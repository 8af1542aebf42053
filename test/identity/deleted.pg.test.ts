import { describe, expect, test } from 'vitest';
import { matchDatabase } from '../match/match-fixture.ts';
import { freshNights, idOf } from '../match/nights.ts';
import { testDatabaseUrl } from '../services/database.ts';

const database = await matchDatabase(await testDatabaseUrl());

const users = { u1: { emailAddress: 'a@x' } };
const deleted = { ineligible: 'deleted' };
const contact = { Email: 'a@x' };

describe('R21 a deleted record', () => {
  test('leaves a tombstone, and its person is free for another record in the same night', async () => {
    const nights = await freshNights(database);
    await nights.night({ records: { c1: contact }, users });
    expect(await nights.night({ records: { c1: { ...contact, ...deleted }, c2: contact }, users })).toEqual({
      c1: 'ineligible deleted',
      c2: 'linked email u1',
    });
    expect(await nights.ended()).toEqual(['c1 u1 deleted']);
    expect(nights.committed).toEqual({ made: 1, kept: 0, ended: 1 });
  });

  test('has its link back when it is undeleted, before anything that compares values, and keeps what made it', async () => {
    const nights = await freshNights(database);
    await nights.night({ records: { c1: contact }, users });
    await nights.night({ records: { c1: deleted }, users });
    const claimed = { ...users, u2: { sfcrmContactId: idOf('c1') } };
    expect(await nights.night({ records: { c1: contact }, users: claimed })).toEqual({ c1: 'linked email u1 drifted' });
    expect(await nights.night({ records: { c1: contact }, users })).toEqual({ c1: 'linked email u1 kept' });
    expect(await nights.open()).toEqual(['c1 u1 email']);
  });

  test('that was undeleted between two nights was never gone', async () => {
    const nights = await freshNights(database);
    await nights.night({ records: { c1: contact }, users });
    expect(await nights.night({ records: { c1: contact }, users })).toEqual({ c1: 'linked email u1 kept' });
  });

  test('whose person was taken is matched anew, for good', async () => {
    const nights = await freshNights(database);
    await nights.night({ records: { c1: contact, c2: {} }, users });
    await nights.night({ records: { c1: deleted, c2: contact }, users });
    expect(await nights.night({ records: { c1: {}, c2: contact }, users })).toEqual({ c1: 'unmatched', c2: 'linked email u1 kept' });
    expect(await nights.night({ records: { c1: {}, c2: deleted }, users })).toEqual({ c1: 'unmatched', c2: 'ineligible deleted' });
    expect(await nights.night({ records: { c1: {}, c2: {} }, users })).toEqual({ c1: 'unmatched', c2: 'linked email u1 drifted' });
  });

  test('whose person is stopped or pinned elsewhere is matched anew', async () => {
    const nights = await freshNights(database);
    await nights.night({ records: { c1: contact, c2: {} }, users: { ...users, u2: { emailAddress: 'b@x' } } });
    await nights.night({ records: { c1: deleted, c2: {} }, users: { ...users, u2: { emailAddress: 'b@x' } } });
    await nights.decide('pin', 'c2', 'u1');
    expect(await nights.night({ records: { c1: { Email: 'b@x' }, c2: {} }, users: { ...users, u2: { emailAddress: 'b@x' } } })).toEqual({
      c1: 'linked email u2',
      c2: 'linked pin u1',
    });
  });

  test('that is undeleted with a pin of its own goes by the pin', async () => {
    const nights = await freshNights(database);
    await nights.night({ records: { c1: contact }, users: { ...users, u2: {} } });
    await nights.night({ records: { c1: deleted }, users: { ...users, u2: {} } });
    await nights.decide('pin', 'c1', 'u2');
    expect(await nights.night({ records: { c1: contact }, users: { ...users, u2: {} } })).toEqual({ c1: 'linked pin u2' });
    await nights.decide('unpin', 'c1', 'u2');
    await nights.decide('unlink', 'c1', 'u2');
    expect(await nights.night({ records: { c1: {} }, users: { ...users, u2: {} } })).toEqual({ c1: 'unmatched' });
  });

  test('whose pair is blocked meanwhile does not have it back', async () => {
    const nights = await freshNights(database);
    await nights.night({ records: { c1: contact }, users });
    await nights.night({ records: { c1: deleted }, users });
    await nights.decide('block', 'c1', 'u1');
    expect(await nights.night({ records: { c1: contact }, users })).toEqual({ c1: 'unmatched' });
    await nights.decide('unblock', 'c1', 'u1');
    expect(await nights.night({ records: { c1: contact }, users })).toEqual({ c1: 'linked email u1' });
  });

  test('with several tombstones of one person: the newest comes back', async () => {
    const nights = await freshNights(database);
    await nights.night({ records: { c1: contact, c2: {} }, users });
    await nights.night({ records: { c1: deleted, c2: contact }, users });
    await nights.night({ records: { c1: deleted, c2: deleted }, users });
    expect(await nights.night({ records: { c1: {}, c2: {} }, users })).toEqual({ c1: 'unmatched', c2: 'linked email u1 drifted' });
  });

  test('that is gone from the recycle bin as well is forgotten; one made anew is another record', async () => {
    const nights = await freshNights(database);
    await nights.night({ records: { c1: contact }, users });
    await nights.night({ records: { c1: deleted }, users });
    await nights.night({ records: {}, users });
    expect(await nights.night({ records: { c2: contact }, users })).toEqual({ c2: 'linked email u1' });
  });

  test('that went without a trace has a tombstone as well', async () => {
    const nights = await freshNights(database);
    await nights.night({ records: { c1: contact }, users });
    expect(await nights.night({ records: {}, users })).toEqual({});
    expect(await nights.ended()).toEqual(['c1 u1 deleted']);
  });

  test('of accounts and leads as well', async () => {
    const nights = await freshNights(database);
    const world = (gone: Record<string, string>) => ({
      records: { a1: { Name: 'Acme', ...gone }, l1: { ...contact, ...gone } },
      users,
      accounts: { p1: { name: 'Acme' } },
      leads: true,
    });
    await nights.night(world({}));
    expect(await nights.night(world(deleted))).toEqual({ a1: 'ineligible deleted', l1: 'ineligible deleted' });
    expect(await nights.night(world({}))).toEqual({ a1: 'linked name p1 kept', l1: 'linked email u1 kept' });
  });

  test('of a lead that is undeleted while leads are off: its link is back when they are on', async () => {
    const nights = await freshNights(database);
    const world = (gone: Record<string, string>, leads: boolean) => ({ records: { l1: { ...contact, ...gone } }, users, leads });
    await nights.night(world({}, true));
    await nights.night(world(deleted, true));
    expect(await nights.night(world({}, false))).toEqual({});
    expect(await nights.night(world({}, true))).toEqual({ l1: 'linked email u1 kept' });
  });
});

describe('R14 R21 persons', () => {
  test('one who is gone and comes again is matched anew', async () => {
    const nights = await freshNights(database);
    await nights.night({ records: { c1: contact }, users });
    expect(await nights.night({ records: { c1: contact }, users: {} })).toEqual({ c1: 'unmatched' });
    expect(await nights.night({ records: { c1: contact }, users })).toEqual({ c1: 'linked email u1' });
    expect(await nights.night({ records: { c1: contact }, users: { u1: {} } })).toEqual({ c1: 'linked email u1 drifted' });
  });

  test('R13 a pin to somebody who is gone rests, and holds again when he is back', async () => {
    const nights = await freshNights(database);
    const two = { c1: contact };
    await nights.decide('pin', 'c1', 'u9');
    expect(await nights.night({ records: two, users })).toEqual({ c1: 'linked email u1' });
    expect(await nights.night({ records: two, users: { ...users, u9: {} } })).toEqual({ c1: 'linked pin u9' });
    expect(await nights.ended()).toEqual(['c1 u1 pinnedElsewhere']);
  });
});
