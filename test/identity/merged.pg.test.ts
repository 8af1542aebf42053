import { describe, expect, test } from 'vitest';
import { matchDatabase } from '../match/match-fixture.ts';
import { freshNights, idOf } from '../match/nights.ts';
import { testDatabaseUrl } from '../services/database.ts';

const database = await matchDatabase(await testDatabaseUrl());

const into = (master: string) => ({ ineligible: 'deleted', masterId: master });
const users = { u1: { emailAddress: 'a@x' }, u2: { emailAddress: 'b@x' }, u3: { emailAddress: 'c@x' } };
const records = { c1: { Email: 'a@x' }, c2: { Email: 'b@x' }, c3: { Email: 'c@x' } };

describe('R20 a merged record hands its link to the master', () => {
  test('that is free: the link goes on, made by what made it', async () => {
    const nights = await freshNights(database);
    await nights.night({ records: { c1: records.c1, c2: {} }, users });
    expect(await nights.night({ records: { c1: into('c2'), c2: { Email: 'a@x' } }, users })).toEqual({
      c1: 'ineligible deleted',
      c2: 'linked email u1 kept',
    });
    expect(nights.committed).toEqual({ made: 0, kept: 1, ended: 1 });
    expect(await nights.ended()).toEqual(['c1 u1 merged']);
  });

  test('along a chain of several nights', async () => {
    const nights = await freshNights(database);
    await nights.night({ records: { c1: records.c1, c2: {}, c3: {} }, users });
    await nights.night({ records: { c1: into('c2'), c2: {}, c3: {} }, users });
    expect(await nights.night({ records: { c1: into('c2'), c2: into('c3'), c3: {} }, users })).toMatchObject({ c3: 'linked email u1 drifted' });
    expect(await nights.ended()).toEqual(['c1 u1 merged', 'c2 u1 merged']);
    expect(await nights.open()).toEqual(['c3 u1 email']);
  });

  test('that is linked already: both are candidates, both links rest, night after night', async () => {
    const nights = await freshNights(database);
    await nights.night({ records, users });
    const merged = { records: { ...records, c1: into('c2') }, users };
    for (let night = 0; night < 2; night++) {
      expect(await nights.night(merged)).toEqual({ c1: 'ineligible deleted', c2: 'ambiguous link u1;u2', c3: 'linked email u3 kept' });
      expect(nights.committed).toEqual({ made: 0, kept: 1, ended: 0 });
    }
    expect(await nights.open()).toEqual(['c1 u1 email', 'c2 u2 email', 'c3 u3 email']);
  });

  test('and with a longer chain there are as many candidates as links', async () => {
    const nights = await freshNights(database);
    await nights.night({ records, users });
    await nights.night({ records: { ...records, c1: into('c2') }, users });
    const chain = { records: { c1: into('c2'), c2: into('c3'), c3: records.c3 }, users };
    expect(await nights.night(chain)).toEqual({ c1: 'ineligible deleted', c2: 'ineligible deleted', c3: 'ambiguous link u1;u2;u3' });
    expect(await nights.open()).toEqual(['c1 u1 email', 'c2 u2 email', 'c3 u3 email']);
    await nights.decide('pin', 'c3', 'u2');
    expect(await nights.night(chain)).toMatchObject({ c3: 'linked pin u2' });
    expect(await nights.open()).toEqual(['c3 u2 pin']);
    expect(await nights.night(chain)).toMatchObject({ c3: 'linked pin u2 kept' });
  });

  test('two records merged into a free third are two candidates', async () => {
    const nights = await freshNights(database);
    await nights.night({ records: { c1: records.c1, c2: records.c2 }, users });
    expect(await nights.night({ records: { c1: into('c3'), c2: into('c3'), c3: {} }, users })).toMatchObject({ c3: 'ambiguous link u1;u2' });
  });

  test.each([
    ['the one of the master', 'u2', ['c2 u2 pin']],
    ['the one of the merged record', 'u1', ['c2 u1 pin']],
    ['somebody else', 'u3', ['c2 u3 pin']],
  ])('until somebody pins %s', async (_, person, open) => {
    const nights = await freshNights(database);
    const two = { c1: records.c1, c2: records.c2 };
    await nights.night({ records: two, users });
    const merged = { records: { c1: into('c2'), c2: {} }, users };
    await nights.night(merged);
    await nights.decide('pin', 'c2', person);
    expect(await nights.night(merged)).toMatchObject({ c2: `linked pin ${person}${person === 'u2' ? ' kept' : ''}` });
    expect(await nights.open()).toEqual(open);
    expect(await nights.night(merged)).toMatchObject({ c2: `linked pin ${person} kept` });
  });

  test('or until one of the two pairs is blocked, or one of the persons is gone', async () => {
    const nights = await freshNights(database);
    const two = { c1: records.c1, c2: records.c2 };
    const merged = { records: { c1: into('c2'), c2: {} }, users };
    await nights.night({ records: two, users });
    await nights.night(merged);
    await nights.decide('block', 'c2', 'u1');
    expect(await nights.night(merged)).toMatchObject({ c2: 'linked email u2 drifted' });
    expect(await nights.open()).toEqual(['c2 u2 email']);

    const others = await freshNights(database);
    await others.night({ records: two, users });
    await others.night(merged);
    expect(await others.night({ ...merged, users: { u1: users.u1 } })).toMatchObject({ c2: 'linked email u1 drifted' });
    expect(await others.open()).toEqual(['c2 u1 email']);
  });

  test('also when the recycle bin does not hold the merged record any more', async () => {
    const nights = await freshNights(database);
    await nights.night({ records: { c1: records.c1, c2: records.c2, c3: {} }, users });
    await nights.night({ records: { c1: into('c2'), c2: records.c2, c3: {} }, users });
    expect(await nights.night({ records: { c2: records.c2, c3: {} }, users })).toMatchObject({ c2: 'ambiguous link u1;u2' });
    // The master is merged in turn.
    expect(await nights.night({ records: { c2: into('c3'), c3: {} }, users })).toMatchObject({ c3: 'ambiguous link u1;u2' });
    expect(await nights.night({ records: { c3: {} }, users })).toEqual({ c3: 'ambiguous link u1;u2' });
    await nights.decide('pin', 'c3', 'u1');
    expect(await nights.night({ records: { c3: {} }, users })).toEqual({ c3: 'linked pin u1' });
    expect(await nights.open()).toEqual(['c3 u1 pin']);
  });

  test('a merged record that is undeleted while its link rests has it back', async () => {
    const nights = await freshNights(database);
    await nights.night({ records, users });
    await nights.night({ records: { ...records, c1: into('c2') }, users });
    expect(await nights.night({ records, users })).toEqual({ c1: 'linked email u1 kept', c2: 'linked email u2 kept', c3: 'linked email u3 kept' });
  });

  test('a master that is pinned elsewhere takes nothing over', async () => {
    const nights = await freshNights(database);
    await nights.night({ records: { c1: records.c1, c2: {} }, users });
    await nights.decide('pin', 'c2', 'u3');
    expect(await nights.night({ records: { c1: into('c2'), c2: {} }, users })).toMatchObject({ c2: 'linked pin u3' });
    expect(await nights.ended()).toEqual(['c1 u1 merged']);
  });

  test('a pin goes with the link it made; the pin of the merged record itself rests', async () => {
    const nights = await freshNights(database);
    await nights.decide('pin', 'c1', 'u3');
    await nights.night({ records: { c1: {}, c2: {} }, users });
    expect(await nights.night({ records: { c1: into('c2'), c2: {} }, users })).toMatchObject({ c2: 'linked pin u3 kept' });
  });

  test('a cycle names nothing: its records are deleted', async () => {
    const nights = await freshNights(database);
    await nights.night({ records, users });
    const cycle = { records: { c1: into('c2'), c2: into('c1'), c3: into('c3') }, users: { ...users, u4: { sfcrmContactId: idOf('c1') } } };
    expect(await nights.night(cycle)).toEqual({ c1: 'ineligible deleted', c2: 'ineligible deleted', c3: 'ineligible deleted' });
    expect(await nights.ended()).toEqual(['c1 u1 deleted', 'c2 u2 deleted', 'c3 u3 deleted']);
  });

  test('a master that is deleted leaves a tombstone; undeleted, it has the link', async () => {
    const nights = await freshNights(database);
    await nights.night({ records: { c1: records.c1, c2: {} }, users });
    const gone = { records: { c1: into('c2'), c2: { ineligible: 'deleted' } }, users };
    expect(await nights.night(gone)).toEqual({ c1: 'ineligible deleted', c2: 'ineligible deleted' });
    expect(await nights.ended()).toEqual(['c1 u1 deleted']);
    expect(await nights.night({ records: { c2: {} }, users })).toEqual({ c2: 'linked email u1 drifted' });
  });

  test('a master that is not there yet has the link when it comes', async () => {
    const nights = await freshNights(database);
    await nights.night({ records: { c1: records.c1 }, users });
    await nights.night({ records: { c1: into('c2') }, users });
    expect(await nights.night({ records: { c1: into('c2'), c2: {} }, users })).toMatchObject({ c2: 'linked email u1 drifted' });
  });
});

describe('R20 an id that names a merged record names its master', () => {
  test('also of one merged after another', async () => {
    const nights = await freshNights(database);
    const named = { u1: { sfcrmContactId: idOf('c1') } };
    expect(await nights.night({ records: { c1: into('c2'), c2: into('c3'), c3: {} }, users: named })).toMatchObject({ c3: 'linked id u1' });
  });

  test('and makes it ambiguous if another id names the master itself', async () => {
    const nights = await freshNights(database);
    const named = { u1: { sfcrmContactId: idOf('c1') }, u2: { sfcrmContactId: idOf('c2') } };
    expect(await nights.night({ records: { c1: into('c2'), c2: {} }, users: named })).toMatchObject({ c2: 'ambiguous id u1;u2' });
  });

  test('of accounts and leads as well', async () => {
    const nights = await freshNights(database);
    const world = {
      records: { a1: into('a2'), a2: {}, l1: into('l2'), l2: {} },
      users: { u1: { sfcrmLeadId: idOf('l1') } },
      accounts: { p1: { sfcrmAccountId: idOf('a1') } },
      leads: true,
    };
    expect(await nights.night(world)).toMatchObject({ a2: 'linked id p1', l2: 'linked id u1' });
  });
});

test("R17 R20 a merged lead's link whose user is only stopped rests, and is its master's when he is free again", async () => {
  const nights = await freshNights(database);
  const of = (leads: Record<string, Record<string, string>>, contacts: Record<string, Record<string, string>>) => ({
    records: { ...leads, ...contacts },
    users: { u1: { emailAddress: 'a@x' } },
    leads: true,
  });
  await nights.night(of({ l1: { Email: 'a@x' }, l2: {} }, {}));
  expect(await nights.night(of({ l1: into('l2'), l2: {} }, { c1: { Email: 'a@x' }, c2: { Email: 'a@x' } }))).toMatchObject({
    l2: 'suppressed link u1',
  });
  expect(await nights.open()).toEqual(['l1 u1 email']);
  expect(await nights.night(of({ l1: into('l2'), l2: {} }, {}))).toMatchObject({ l2: 'linked email u1 drifted' });
  expect(await nights.open()).toEqual(['l2 u1 email']);
});
