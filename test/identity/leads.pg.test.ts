import { describe, expect, test } from 'vitest';
import { matchDatabase } from '../match/match-fixture.ts';
import { freshNights } from '../match/nights.ts';
import type { Night } from '../match/nights.ts';
import { testDatabaseUrl } from '../services/database.ts';

const database = await matchDatabase(await testDatabaseUrl());

const users = { u1: { emailAddress: 'a@x' }, u2: { emailAddress: 'b@x' } };
const lead = { l1: { Email: 'a@x' } };
const night = (records: Night['records'], leads = true, people: Night['users'] = users): Night => ({ records, users: people, leads });

describe('R17 the user of a linked lead', () => {
  test('who is linked to a contact: the link of the lead is over, and does not come back when that of the contact ends', async () => {
    const nights = await freshNights(database);
    await nights.night(night({ l1: {} }, true, { u1: { sfcrmLeadId: '00Q000000000001EAA' } }));
    expect(await nights.open()).toEqual(['l1 u1 id']);
    await nights.decide('pin', 'c1', 'u1');
    expect(await nights.night(night({ l1: {}, c1: {} }, true, { u1: {} }))).toEqual({ c1: 'linked pin u1', l1: 'unmatched' });
    expect(await nights.ended()).toEqual(['l1 u1 movedToContact']);
    await nights.decide('unlink', 'c1', 'u1');
    expect(await nights.night(night({ l1: {}, c1: {} }, true, { u1: {} }))).toEqual({ c1: 'unmatched', l1: 'unmatched' });
  });

  test('who is linked to a contact while leads are off: over in the night in which they are on', async () => {
    const nights = await freshNights(database);
    await nights.night(night(lead));
    await nights.night(night({ ...lead, c1: { Email: 'a@x' } }, false));
    expect(await nights.open()).toEqual(['c1 u1 email', 'l1 u1 email']);
    expect(await nights.night(night({ ...lead, c1: { Email: 'a@x' } }))).toEqual({ c1: 'linked email u1 kept', l1: 'suppressed email u1' });
    expect(await nights.open()).toEqual(['c1 u1 email']);
    expect(await nights.ended()).toEqual(['l1 u1 movedToContact']);
  });

  test('who is stopped for some nights: the link rests, no other lead and no other user takes its place, and it is back', async () => {
    const nights = await freshNights(database);
    await nights.night(night(lead));
    const stopped = night({ l1: { Email: 'b@x' }, l2: { Email: 'a@x' }, c1: { Email: 'a@x' }, c2: { Email: 'a@x' } });
    for (let each = 0; each < 3; each++)
      expect(await nights.night(stopped)).toMatchObject({ c1: 'ambiguous email u1', l1: 'suppressed link u1', l2: 'suppressed email u1' });
    expect(await nights.open()).toEqual(['l1 u1 email']);
    expect(await nights.night(night({ l1: { Email: 'b@x' }, l2: { Email: 'a@x' } }))).toEqual({ l1: 'linked email u1 drifted', l2: 'unmatched' });
    expect(nights.committed).toEqual({ made: 0, kept: 1, ended: 0 });
  });

  test('who is stopped and then linked to a contact', async () => {
    const nights = await freshNights(database);
    await nights.night(night(lead));
    await nights.night(night({ ...lead, c1: { Email: 'a@x' }, c2: { Email: 'a@x' } }));
    await nights.decide('pin', 'c2', 'u1');
    expect(await nights.night(night({ ...lead, c1: { Email: 'a@x' }, c2: { Email: 'a@x' } }))).toEqual({
      c1: 'unmatched',
      c2: 'linked pin u1',
      l1: 'suppressed email u1',
    });
    expect(await nights.open()).toEqual(['c2 u1 pin']);
  });

  test('a pin of a lead rests with its link while the user is stopped, and ends the link when he is linked', async () => {
    const nights = await freshNights(database);
    await nights.decide('pin', 'l1', 'u1');
    await nights.night(night(lead));
    expect(await nights.night(night({ ...lead, c1: { Email: 'a@x' }, c2: { Email: 'a@x' } }))).toMatchObject({ l1: 'suppressed pin u1' });
    expect(await nights.open()).toEqual(['l1 u1 pin']);
    expect(await nights.night(night({ ...lead, c1: { Email: 'a@x' } }))).toMatchObject({ c1: 'linked email u1', l1: 'suppressed pin u1' });
    expect(await nights.open()).toEqual(['c1 u1 email']);
    expect(await nights.night(night(lead))).toEqual({ l1: 'linked pin u1' });
  });
});

describe('R16 leads off and on again', () => {
  test('links rest and go on, whatever the nights in between', async () => {
    const nights = await freshNights(database);
    await nights.night(night(lead));
    for (let each = 0; each < 2; each++) {
      expect(await nights.night(night({ l1: { Email: 'b@x' }, c1: { Email: 'z@x' } }, false))).toEqual({ c1: 'unmatched' });
      expect(nights.committed).toEqual({ made: 0, kept: 0, ended: 0 });
    }
    expect(await nights.night(night({ l1: { Email: 'b@x' } }))).toEqual({ l1: 'linked email u1 drifted' });
  });

  test('R19 a lead that was converted while they were off hands its link over when they are on', async () => {
    const nights = await freshNights(database);
    await nights.night(night(lead));
    const converted = { l1: { ineligible: 'converted', convertedId: 'c1' }, c1: {} };
    expect(await nights.night(night(converted, false))).toEqual({ c1: 'unmatched' });
    expect(await nights.open()).toEqual(['l1 u1 email']);
    expect(await nights.night(night(converted))).toEqual({ c1: 'linked email u1 converted', l1: 'ineligible converted' });
  });

  test('R21 a lead that was deleted while they were off frees its user when they are on', async () => {
    const nights = await freshNights(database);
    await nights.night(night(lead));
    await nights.night(night({ l1: { ineligible: 'deleted' } }, false));
    expect(await nights.open()).toEqual(['l1 u1 email']);
    expect(await nights.night(night({ l1: { ineligible: 'deleted' }, l2: { Email: 'a@x' } }))).toMatchObject({ l2: 'linked email u1' });
  });
});
