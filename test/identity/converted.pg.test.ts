import { describe, expect, test } from 'vitest';
import { matchDatabase } from '../match/match-fixture.ts';
import { freshNights, idOf } from '../match/nights.ts';
import type { Night } from '../match/nights.ts';
import { testDatabaseUrl } from '../services/database.ts';

const database = await matchDatabase(await testDatabaseUrl());

const users = { u1: { emailAddress: 'a@x' }, u2: { emailAddress: 'b@x' } };
const became = (contact: string) => ({ ineligible: 'converted', convertedId: contact });
const night = (records: Night['records'], rest: Partial<Night> = {}): Night => ({ records, users, leads: true, ...rest });
const lead = { l1: { Email: 'a@x' } };

describe('R19 the link of a converted lead follows', () => {
  test('to a new contact: reason `converted` in that night, `kept` or `drifted` later', async () => {
    const nights = await freshNights(database);
    await nights.night(night(lead));
    const converted = night({ l1: became('c1'), c1: { Email: 'a@x' } });
    expect(await nights.night(converted)).toEqual({ l1: 'ineligible converted', c1: 'linked email u1 converted' });
    expect(await nights.ended()).toEqual(['l1 u1 converted']);
    expect(await nights.open()).toEqual(['c1 u1 email']);
    expect(await nights.night(converted)).toMatchObject({ c1: 'linked email u1 kept' });
    expect(await nights.night(night({ l1: became('c1'), c1: { Email: 'z@x' } }))).toMatchObject({ c1: 'linked email u1 drifted' });
  });

  test('before anything that compares values', async () => {
    const nights = await freshNights(database);
    await nights.night(night(lead));
    const claimed = { ...users, u2: { sfcrmContactId: idOf('c1') } };
    expect(await nights.night(night({ l1: became('c1'), c1: {} }, { users: claimed }))).toMatchObject({ c1: 'linked email u1 converted' });
    expect(await nights.night(night({ l1: became('c1'), c1: {} }, { users: claimed }))).toMatchObject({ c1: 'linked email u1 drifted' });
  });

  test('to an existing contact that is linked to nobody', async () => {
    const nights = await freshNights(database);
    await nights.night(night({ ...lead, c1: { Email: 'z@x' } }));
    expect(await nights.night(night({ l1: became('c1'), c1: { Email: 'z@x' } }))).toMatchObject({ c1: 'linked email u1 converted' });
  });

  test('to a contact that is linked to the same user already: nothing is left to follow', async () => {
    const nights = await freshNights(database);
    await nights.night(night({ c1: { Email: 'a@x' } }));
    await nights.night(night({ ...lead, c1: { Email: 'a@x' } }));
    expect(await nights.night(night({ l1: became('c1'), c1: { Email: 'a@x' } }))).toEqual({ l1: 'ineligible converted', c1: 'linked email u1 kept' });
  });

  test('to a contact that is linked to another user: both links rest until somebody pins one', async () => {
    const nights = await freshNights(database);
    await nights.night(night({ ...lead, c1: { Email: 'b@x' } }));
    expect(await nights.open()).toEqual(['c1 u2 email', 'l1 u1 email']);
    const converted = night({ l1: became('c1'), c1: { Email: 'b@x' } });
    for (let each = 0; each < 2; each++) {
      expect(await nights.night(converted)).toEqual({ l1: 'ineligible converted', c1: 'ambiguous link u1;u2' });
      expect(await nights.open()).toEqual(['c1 u2 email', 'l1 u1 email']);
    }
    await nights.decide('pin', 'c1', 'u1');
    expect(await nights.night(converted)).toMatchObject({ c1: 'linked pin u1' });
    expect(await nights.open()).toEqual(['c1 u1 pin']);
    expect(await nights.ended()).toEqual(['c1 u2 pinnedElsewhere', 'l1 u1 converted']);
  });

  test('not to a contact whose pair with the user is blocked', async () => {
    const nights = await freshNights(database);
    await nights.night(night(lead));
    await nights.decide('block', 'c1', 'u1');
    expect(await nights.night(night({ l1: became('c1'), c1: {} }))).toMatchObject({ c1: 'unmatched' });
    expect(await nights.open()).toEqual([]);
  });

  test('to the master of a contact that was merged, along with that one', async () => {
    const nights = await freshNights(database);
    await nights.night(night(lead));
    const merged = night({ l1: became('c1'), c1: { ineligible: 'deleted', masterId: 'c2' }, c2: {} });
    expect(await nights.night(merged)).toMatchObject({ c1: 'ineligible deleted', c2: 'linked email u1 converted' });
    expect(await nights.open()).toEqual(['c2 u1 email']);
  });

  test('through the lead that it was merged into before that was converted', async () => {
    const nights = await freshNights(database);
    await nights.night(night(lead));
    const both = night({ l1: { ineligible: 'deleted', masterId: 'l2' }, l2: became('c1'), c1: {} });
    expect(await nights.night(both)).toMatchObject({ c1: 'linked email u1 converted' });
    expect(await nights.ended()).toEqual(['l1 u1 converted']);
  });

  test('into the tombstone of a contact that is deleted, and is back when that is', async () => {
    const nights = await freshNights(database);
    await nights.night(night(lead));
    const deleted = night({ l1: became('c1'), c1: { ineligible: 'deleted' } });
    expect(await nights.night(deleted)).toEqual({ l1: 'ineligible converted', c1: 'ineligible deleted' });
    expect(await nights.open()).toEqual([]);
    expect(await nights.night(night({ l1: became('c1'), c1: {} }))).toMatchObject({ c1: 'linked email u1 converted' });
    expect(await nights.night(night({ l1: became('c1'), c1: {} }))).toMatchObject({ c1: 'linked email u1 drifted' });
  });

  test('to a contact that is not there yet, when it comes', async () => {
    const nights = await freshNights(database);
    await nights.night(night(lead));
    expect(await nights.night(night({ l1: became('c1') }))).toEqual({ l1: 'ineligible converted' });
    expect(await nights.night(night({ l1: became('c1'), c1: {} }))).toMatchObject({ c1: 'linked email u1 converted' });
  });

  test('nowhere if the lead names no contact, or its user has one meanwhile', async () => {
    const nights = await freshNights(database);
    await nights.night(night(lead));
    expect(await nights.night(night({ l1: { ineligible: 'converted' } }))).toEqual({ l1: 'ineligible converted' });
    expect(await nights.ended()).toEqual(['l1 u1 converted']);

    const taken = await freshNights(database);
    await taken.night(night(lead));
    await taken.night(night({ c2: { Email: 'a@x' } }, { leads: false }));
    expect(await taken.night(night({ l1: became('c1'), c1: {}, c2: { Email: 'a@x' } }))).toMatchObject({
      c1: 'unmatched',
      c2: 'linked email u1 kept',
    });
    expect(await taken.open()).toEqual(['c2 u1 email']);
  });

  test('a converted lead is never a target, whatever it holds', async () => {
    const nights = await freshNights(database);
    await nights.decide('pin', 'l1', 'u1');
    const all = { u1: { emailAddress: 'a@x', sfcrmLeadId: idOf('l1') } };
    expect(await nights.night(night({ l1: { ...became('c9'), Email: 'a@x' } }, { users: all }))).toEqual({ l1: 'ineligible converted' });
  });
});

describe('R19 a lead id attribute that names a converted lead names its contact', () => {
  const named = { u1: { sfcrmLeadId: idOf('l1'), emailAddress: 'b@x' }, u2: { emailAddress: 'a@x' } };
  const world = { l1: became('c1'), c1: { Email: 'a@x' }, c2: { Email: 'b@x' } };

  test('before match fields and addresses, after the id attribute of contacts', async () => {
    const nights = await freshNights(database);
    expect(await nights.night(night(world, { users: named }))).toMatchObject({ c1: 'linked converted u1', c2: 'unmatched' });
    const others = await freshNights(database);
    expect(await others.night(night(world, { users: { ...named, u2: { sfcrmContactId: idOf('c1') } } }))).toMatchObject({
      c1: 'linked id u2',
      c2: 'linked email u1',
    });
  });

  test('only while leads are on', async () => {
    const nights = await freshNights(database);
    const { l1: _, ...contacts } = world;
    expect(await nights.night(night(contacts, { users: named, leads: false }))).toEqual({ c1: 'linked email u2', c2: 'linked email u1' });
  });

  test('also of a lead that was merged into the converted one, and of a contact that was merged', async () => {
    const nights = await freshNights(database);
    const chain = {
      l1: { ineligible: 'deleted', masterId: 'l2' },
      l2: became('c1'),
      c1: { ineligible: 'deleted', masterId: 'c2' },
      c2: {},
    };
    expect(await nights.night(night(chain, { users: { u1: { sfcrmLeadId: idOf('l1') } } }))).toMatchObject({ c2: 'linked converted u1' });
  });
});

describe('R16 leads switched on when the links of contacts have become real', () => {
  const leadId = { u1: { sfcrmLeadId: idOf('l1'), emailAddress: 'b@x' }, u2: { emailAddress: 'a@x' } };

  test.each<[string, Night['records'], Night['records'], Night['users']]>([
    ['a converted link', lead, { l1: became('c1'), c1: {} }, users],
    ['a converted link to a contact that was matched otherwise', lead, { l1: became('c1'), c1: { Email: 'b@x' } }, users],
    ['a user matched to another contact than the one that his lead became', lead, { l1: became('c1'), c1: {}, c2: { Email: 'a@x' } }, users],
    ['a lead id attribute', {}, { l1: became('c1'), c1: { Email: 'a@x' }, c2: { Email: 'b@x' } }, leadId],
    [
      'links that are kept, handed over and ended',
      { ...lead, c2: { Email: 'b@x' } },
      { ...lead, c2: { ineligible: 'deleted', masterId: 'c3' }, c3: {} },
      users,
    ],
  ])('%s: the result equals that of a run begun with leads on', async (_, first, then, people) => {
    const result = async (leads: boolean | 'later'): Promise<unknown> => {
      const nights = await freshNights(database);
      await nights.night(night(first, { users: people }));
      const rows = [await nights.night(night(then, { users: people, leads }))];
      const open = [await nights.open(), await openRows(nights)];
      rows.push(await nights.night(night(then, { users: people })));
      return { rows, open, committed: nights.committed, openLater: await nights.open() };
    };
    expect(await result('later')).toEqual(await result(true));
  });

  test('a link made earlier in the same run is none of an earlier night', async () => {
    const nights = await freshNights(database);
    const two = { c1: { Email: 'a@x' }, l1: became('c9') };
    expect(await nights.night(night(two, { leads: 'later' }))).toMatchObject({ c1: 'linked email u1' });
    expect(nights.committed).toEqual({ made: 1, kept: 0, ended: 0 });
    expect(await nights.night(night(two))).toMatchObject({ c1: 'linked email u1 kept' });
  });
});

/** Who made the open links. */
async function openRows({ database: of }: { readonly database: typeof database }): Promise<number> {
  const { rows } = await of.query<{ runs: number }>('select count(distinct made_run) as runs from link where ended_run is null');
  return rows[0]?.runs ?? 0;
}
