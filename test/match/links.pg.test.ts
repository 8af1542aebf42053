import { describe, expect, test } from 'vitest';
import { testDatabaseUrl } from '../services/database.ts';
import { matchDatabase } from './match-fixture.ts';
import { freshNights, idOf, Nights, pair } from './nights.ts';

const database = await matchDatabase(await testDatabaseUrl());

describe('R14 links stay', () => {
  test('a link of the night before is kept, by the sub-tier that made it', async () => {
    const nights = await freshNights(database);
    expect(await nights.night(pair)).toEqual({ c1: 'linked email u1' });
    expect(nights.committed).toEqual({ made: 1, kept: 0, ended: 0 });
    expect(await nights.night(pair)).toEqual({ c1: 'linked email u1 kept' });
    expect(nights.committed).toEqual({ made: 0, kept: 1, ended: 0 });
  });

  test('it is drifted when its own sub-tier agrees no longer, and stays', async () => {
    const nights = await freshNights(database);
    await nights.night(pair);
    expect(await nights.night({ records: { c1: { Email: 'b@x' } }, users: pair.users })).toEqual({ c1: 'linked email u1 drifted' });
    expect(await nights.open()).toEqual(['c1 u1 email']);
    expect(await nights.night(pair)).toEqual({ c1: 'linked email u1 kept' });
  });

  test('it is drifted when a higher sub-tier makes one of the two a candidate of another, linked or not', async () => {
    const nights = await freshNights(database);
    const both = { records: { c1: { Email: 'a@x' }, c2: { Email: 'b@x' } }, users: { u1: { emailAddress: 'a@x' }, u2: { emailAddress: 'b@x' } } };
    await nights.night(both);
    const claimed = { ...both, users: { ...both.users, u2: { emailAddress: 'b@x', sfcrmContactId: idOf('c1') } } };
    expect(await nights.night(claimed)).toEqual({ c1: 'linked email u1 drifted', c2: 'linked email u2 drifted' });
    await nights.decide('block', 'c1', 'u2');
    expect(await nights.night(claimed)).toEqual({ c1: 'linked email u1 kept', c2: 'linked email u2 kept' });
  });

  test('it is not drifted when its field is configured no longer', async () => {
    const yaml = 'objects: { contact: { matchFields: [{ salesforce: Phone, personalization: [phone] }] } }';
    const nights = await freshNights(database, yaml);
    expect(await nights.night({ records: { c1: { Phone: '1' } }, users: { u1: { phone: '1' } } })).toEqual({ c1: 'linked field u1' });
    const later = { records: { c1: { Phone: '1' } }, users: { u1: { phone: '2' } } };
    expect(await nights.night(later)).toEqual({ c1: 'linked field u1 drifted' });
    expect(await new Nights(database).night(later)).toEqual({ c1: 'linked field u1 kept' });
  });
});

describe('R17 contacts first', () => {
  const lead = { records: { l1: { Email: 'a@x' } }, users: { u1: { emailAddress: 'a@x' } }, leads: true };

  test("a lead's link ends when its user is linked to a contact", async () => {
    const nights = await freshNights(database);
    expect(await nights.night(lead)).toEqual({ l1: 'linked email u1' });
    expect(await nights.night({ ...lead, records: { ...lead.records, c1: { Email: 'a@x' } } })).toEqual({
      c1: 'linked email u1',
      l1: 'suppressed email u1',
    });
    expect(await nights.ended()).toEqual(['l1 u1 movedToContact']);
  });

  test('it rests while he is only stopped, and is back when he is not', async () => {
    const nights = await freshNights(database);
    await nights.night(lead);
    const stopped = { ...lead, records: { ...lead.records, c1: { Email: 'a@x' }, c2: { Email: 'a@x' } } };
    expect(await nights.night(stopped)).toEqual({ c1: 'ambiguous email u1', c2: 'ambiguous email u1', l1: 'suppressed link u1' });
    expect(await nights.open()).toEqual(['l1 u1 email']);
    expect(await nights.night(lead)).toEqual({ l1: 'linked email u1 kept' });
    expect(nights.committed).toEqual({ made: 0, kept: 1, ended: 0 });
  });

  test('a contact goes before the pin of a lead', async () => {
    const nights = await freshNights(database);
    await nights.decide('pin', 'l1', 'u1');
    expect(await nights.night({ ...lead, records: { ...lead.records, c1: { Email: 'a@x' } } })).toEqual({
      c1: 'linked email u1',
      l1: 'suppressed pin u1',
    });
    expect(await nights.night(lead)).toEqual({ l1: 'linked pin u1' });
  });

  test('R16 with leads off their links rest', async () => {
    const nights = await freshNights(database);
    await nights.night(lead);
    expect(await nights.night({ ...lead, leads: false })).toEqual({});
    expect(await nights.open()).toEqual(['l1 u1 email']);
  });
});
