import { describe, expect, test } from 'vitest';
import { sql } from '../../src/postgres/sql.ts';
import { testDatabaseUrl } from '../services/database.ts';
import { matchDatabase } from './match-fixture.ts';
import { freshNights, pair } from './nights.ts';

const database = await matchDatabase(await testDatabaseUrl());

describe('R13 people decide', () => {
  const two = { records: { c1: { Email: 'a@x' } }, users: { u1: { emailAddress: 'a@x' }, u2: { emailAddress: 'a@x' } } };

  test('a pin settles what was ambiguous and is kept; unpin leaves the link', async () => {
    const nights = await freshNights(database);
    expect(await nights.night(two)).toEqual({ c1: 'ambiguous email u1;u2' });
    await nights.decide('pin', 'c1', 'u2');
    expect(await nights.night(two)).toEqual({ c1: 'linked pin u2' });
    expect(await nights.night(two)).toEqual({ c1: 'linked pin u2 kept' });
    await nights.decide('unpin', 'c1', 'u2');
    expect(await nights.night(two)).toEqual({ c1: 'linked pin u2 kept' });
  });

  test('a block settles it too, ends a link, and unblock takes it back', async () => {
    const nights = await freshNights(database);
    await nights.decide('block', 'c1', 'u1');
    expect(await nights.night(two)).toEqual({ c1: 'linked email u2' });
    await nights.decide('block', 'c1', 'u2');
    expect(await nights.night(two)).toEqual({ c1: 'unmatched' });
    expect(await nights.ended()).toEqual(['c1 u2 blocked']);
    await nights.decide('unblock', 'c1', 'u1');
    expect(await nights.night(two)).toEqual({ c1: 'linked email u1' });
  });

  test('unlink ends the link and blocks the pair, a pinned one as well', async () => {
    const nights = await freshNights(database);
    await nights.night(pair);
    await nights.decide('pin', 'c1', 'u1');
    expect(await nights.night(pair)).toEqual({ c1: 'linked pin u1 kept' });
    expect(await nights.open()).toEqual(['c1 u1 pin']);
    await nights.decide('unlink', 'c1', 'u1');
    expect(await nights.night(pair)).toEqual({ c1: 'unmatched' });
    expect(await nights.ended()).toEqual(['c1 u1 unlinked']);
  });

  test('a pin goes before the links and the block of both', async () => {
    const nights = await freshNights(database);
    const four = { records: { c1: { Email: 'a@x' }, c2: { Email: 'b@x' } }, users: { u1: { emailAddress: 'a@x' }, u2: { emailAddress: 'b@x' } } };
    await nights.night(four);
    await nights.decide('block', 'c1', 'u2');
    await nights.decide('pin', 'c1', 'u2');
    expect(await nights.night(four)).toEqual({ c1: 'linked pin u2', c2: 'unmatched' });
    expect(await nights.ended()).toEqual(['c1 u1 pinnedElsewhere', 'c2 u2 pinnedElsewhere']);
  });

  test('a pin of a deleted or unknown record, or of nobody, rests', async () => {
    const nights = await freshNights(database);
    await nights.decide('pin', 'c1', 'u1');
    await nights.decide('pin', 'c9', 'u9');
    const world = { records: { c1: { ineligible: 'deleted' }, c2: { Email: 'a@x' } }, users: { u1: { emailAddress: 'a@x' } } };
    expect(await nights.night(world)).toEqual({ c1: 'ineligible deleted', c2: 'linked email u1' });
    expect(await nights.night({ ...world, records: { c1: {}, c2: { Email: 'a@x' } } })).toEqual({ c1: 'linked pin u1', c2: 'unmatched' });
  });

  test('pins are one to one: a second is refused, the same one again changes nothing', async () => {
    const nights = await freshNights(database);
    await nights.decide('pin', 'c1', 'u1');
    await nights.decide('pin', 'c1', 'u1');
    await expect(nights.decide('pin', 'c1', 'u2')).rejects.toMatchObject({ code: 'PIN_TAKEN', exitCode: 1 });
    await expect(nights.decide('pin', 'c2', 'u1')).rejects.toMatchObject({ code: 'PIN_TAKEN' });
    // Leads have pins of their own.
    await nights.decide('pin', 'l1', 'u1');
    await nights.decide('unpin', 'c1', 'u1');
    await nights.decide('pin', 'c1', 'u2');
    const decisions = await database.query(sql`select from decision`);
    expect(decisions.rowCount).toBe(4);
  });

  test('there must be something to end', async () => {
    const nights = await freshNights(database);
    await expect(nights.decide('unpin', 'c1', 'u1')).rejects.toMatchObject({ code: 'NOT_PINNED' });
    await expect(nights.decide('unblock', 'c1', 'u1')).rejects.toMatchObject({ code: 'NOT_BLOCKED' });
    await expect(nights.decide('unlink', 'c1', 'u1')).rejects.toMatchObject({ code: 'NOT_LINKED' });
  });
});
