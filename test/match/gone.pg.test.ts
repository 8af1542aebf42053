import { describe, expect, test } from 'vitest';
import { sql } from '../../src/postgres/sql.ts';
import { testDatabaseUrl } from '../services/database.ts';
import { matchDatabase } from './match-fixture.ts';
import { freshNights, pair } from './nights.ts';

const database = await matchDatabase(await testDatabaseUrl());

describe('records and persons that go', () => {
  test('R21 a deleted record frees its person, and has the link back when it is undeleted and both are free', async () => {
    const nights = await freshNights(database);
    await nights.night(pair);
    const deleted = { records: { c1: { Email: 'a@x', ineligible: 'deleted' } }, users: pair.users };
    expect(await nights.night(deleted)).toEqual({ c1: 'ineligible deleted' });
    expect(await nights.ended()).toEqual(['c1 u1 deleted']);
    expect(await nights.night({ records: { c1: {} }, users: pair.users })).toEqual({ c1: 'linked email u1 drifted' });
    expect(nights.committed).toEqual({ made: 0, kept: 1, ended: 0 });
  });

  test('R21 an undeleted record whose person was taken meanwhile is matched anew, for good', async () => {
    const nights = await freshNights(database);
    await nights.night(pair);
    const taken = { records: { c1: { ineligible: 'deleted' }, c2: { Email: 'a@x' } }, users: pair.users };
    expect(await nights.night(taken)).toMatchObject({ c2: 'linked email u1' });
    expect(await nights.night({ ...taken, records: { c1: {}, c2: { Email: 'a@x' } } })).toEqual({ c1: 'unmatched', c2: 'linked email u1 kept' });
    expect(await nights.night({ ...taken, records: { c1: {}, c2: { ineligible: 'deleted' } } })).toEqual({
      c1: 'unmatched',
      c2: 'ineligible deleted',
    });
  });

  test('R20 a merged record hands its link to the master, along the chain', async () => {
    const nights = await freshNights(database);
    await nights.night(pair);
    const merged = {
      records: { c1: { ineligible: 'deleted', masterId: 'c2' }, c2: { ineligible: 'deleted', masterId: 'c3' }, c3: {} },
      users: pair.users,
    };
    expect(await nights.night(merged)).toEqual({ c1: 'ineligible deleted', c2: 'ineligible deleted', c3: 'linked email u1 drifted' });
    expect(await nights.ended()).toEqual(['c1 u1 merged']);
    expect(await nights.open()).toEqual(['c3 u1 email']);
  });

  test('R20 a master that is linked to another person is ambiguous, both links rest until somebody pins one', async () => {
    const nights = await freshNights(database);
    const before = { records: { c1: { Email: 'a@x' }, c2: { Email: 'b@x' } }, users: { u1: { emailAddress: 'a@x' }, u2: { emailAddress: 'b@x' } } };
    await nights.night(before);
    const merged = { ...before, records: { c1: { ineligible: 'deleted', masterId: 'c2' }, c2: { Email: 'b@x' } } };
    expect(await nights.night(merged)).toEqual({ c1: 'ineligible deleted', c2: 'ambiguous link u1;u2' });
    expect(await nights.open()).toEqual(['c1 u1 email', 'c2 u2 email']);
    await nights.decide('pin', 'c2', 'u1');
    expect(await nights.night(merged)).toEqual({ c1: 'ineligible deleted', c2: 'linked pin u1' });
    expect(await nights.open()).toEqual(['c2 u1 pin']);
    expect(await nights.ended()).toEqual(['c1 u1 merged', 'c2 u2 pinnedElsewhere']);
  });

  test('R19 the link of a converted lead goes on as that of its contact', async () => {
    const nights = await freshNights(database);
    const lead = { records: { l1: { Email: 'a@x' } }, users: { u1: { emailAddress: 'a@x' } }, leads: true };
    await nights.night(lead);
    const converted = { ...lead, records: { l1: { ineligible: 'converted', convertedId: 'c1' }, c1: { Email: 'a@x' } } };
    expect(await nights.night(converted)).toEqual({ c1: 'linked email u1 converted', l1: 'ineligible converted' });
    expect(await nights.ended()).toEqual(['l1 u1 converted']);
    expect(await nights.night(converted)).toEqual({ c1: 'linked email u1 kept', l1: 'ineligible converted' });
  });

  test('R22 an account that became a person account is out of the account match, and its link ends', async () => {
    const nights = await freshNights(database);
    const world = { records: { a1: { Name: 'Acme' } }, users: {}, accounts: { p1: { name: 'Acme' } } };
    expect(await nights.night(world)).toEqual({ a1: 'linked name p1' });
    expect(await nights.night({ ...world, records: { a1: { Name: 'Acme', ineligible: 'personAccount' } } })).toEqual({
      a1: 'ineligible personAccount',
    });
    expect(await nights.ended()).toEqual(['a1 p1 ineligible']);
  });

  test('R23 a person that is gone is unlinked', async () => {
    const nights = await freshNights(database);
    await nights.night(pair);
    expect(await nights.night({ ...pair, users: {} })).toEqual({ c1: 'unmatched' });
    expect(await nights.ended()).toEqual(['c1 u1 personGone']);
  });
});

test('R6 keys follow what changes, comes and goes: nights that change a little match like nights that begin anew', async () => {
  const nights = await freshNights(database);
  await nights.night({ records: { c1: { Email: 'a@x' }, c2: { Email: 'b@x' } }, users: { u1: { emailAddress: 'c@x' }, 'd@x': {} } });
  expect(await nights.night({ records: { c1: { Email: 'c@x' }, c3: { Email: 'd@x' } }, users: { u1: { emailAddress: 'c@x' }, 'd@x': {} } })).toEqual({
    c1: 'linked email u1',
    c3: 'linked email d@x',
  });
  // c2 was forgotten: nothing of it is left to match with.
  expect(await nights.night({ records: { c1: { Email: 'c@x' } }, users: { u1: { emailAddress: 'c@x' }, u4: { emailAddress: 'b@x' } } })).toEqual({
    c1: 'linked email u1 kept',
  });
  const keys = await database.query<{ keys: number }>(sql`
    select (select count(*) from crm_key k where object = 'contact' and not exists (select from crm_record r where r.rec = k.rec))
         + (select count(*) from pers_key k where object = 'contact' and not exists (select from pers_record r where r.rec = k.rec)) as keys`);
  expect(keys.rows).toEqual([{ keys: 0 }]);
});
