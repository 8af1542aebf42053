import { text } from 'node:stream/consumers';
import { parse } from 'csv-parse/sync';
import { describe, expect, test } from 'vitest';
import { reviewCsv } from '../../src/operator/review-list.ts';
import { restingPinWarnings } from '../../src/operator/resting-pins.ts';
import { sql } from '../../src/postgres/sql.ts';
import type { OpenRun } from '../../src/ledger/runs.ts';
import { requireKnown, requireRecord } from '../../src/operator/review-pair.ts';
import { testDatabaseUrl } from '../services/database.ts';
import { matchDatabase } from '../match/match-fixture.ts';
import { idOf } from '../match/nights.ts';
import { operatorNights } from './operator-nights.ts';

const database = await matchDatabase(await testDatabaseUrl());

/** `kind short person subTier decision reason candidates`, what is blank left out. */
async function review(): Promise<string[]> {
  const rows: Record<string, string>[] = parse(await text(await reviewCsv(database)), { columns: true });
  return rows.map((row) =>
    ['kind', 'salesforceId', 'personalizationId', 'subTier', 'decision', 'reason', 'candidates']
      .map((column) => row[column] ?? '')
      .filter((cell) => cell !== '')
      .join(' ')
      .replaceAll(/00([13Q])0*([1-9]\d*)[A-Z0-5]{3}/g, (_, prefix: string, no: string) => `${{ 1: 'a', 3: 'c', Q: 'l' }[prefix] ?? ''}${no}`),
  );
}

const two = {
  records: { c1: { Email: 'a@x' }, c2: { Email: 'b@x' } },
  users: { u1: { emailAddress: 'a@x' }, u2: { emailAddress: 'a@x' }, 'u;3': { emailAddress: 'b@x' } },
} as const;

describe('review list', () => {
  test('R13 shows stopped records with their candidates, and what was decided since on one of them', async () => {
    const { night, nights } = await operatorNights(
      database,
      'objects: { contact: { matchFields: [{ salesforce: Phone, personalization: [phone] }, { salesforce: Loyalty__c, personalization: [loyalty] }] } }',
    );
    const world = {
      records: { c1: { Email: 'a@x' }, c3: { Phone: '1', Loyalty__c: '2' } },
      users: { u1: { emailAddress: 'a@x' }, 'u;2': { emailAddress: 'a@x' }, u3: { phone: '1' }, u4: { loyalty: '2' } },
    };
    await night(world);
    expect(await review()).toEqual(['ambiguous c1 email u1;u\\;2', 'conflicting c3 field u3;u4']);
    await nights.decide('pin', 'c1', 'u1');
    expect(await review()).toEqual(['ambiguous c1 email pin u1;u\\;2', 'conflicting c3 field u3;u4', 'pin c1 u1 pin nextRun']);
    await night(world);
    expect(await review()).toEqual(['conflicting c3 field u3;u4', 'pin c1 u1 pin']);
  });

  test('R20 links that met at one record are listed with both persons', async () => {
    const { night } = await operatorNights(database);
    const users = { u1: { emailAddress: 'a@x' }, u2: { emailAddress: 'b@x' } };
    await night({ records: { c1: { Email: 'a@x' }, c2: { Email: 'b@x' } }, users });
    await night({ records: { c1: { Email: 'a@x' }, c2: { ineligible: 'deleted', masterId: 'c1' } }, users });
    expect(await review()).toEqual(['ambiguous c1 link u1;u2']);
  });

  test('R13 shows blocked pairs, and why a pin rests', async () => {
    const { night, nights } = await operatorNights(database);
    for (const [record, person] of [
      ['c1', 'u1'],
      ['c2', 'nobody'],
      ['c9', 'u2'],
      ['l1', 'u1'],
    ] as const)
      await nights.decide('pin', record, person);
    await nights.decide('block', 'c2', 'u2');
    await nights.decide('block', 'c2', 'u3');
    await nights.decide('unblock', 'c2', 'u3');
    await night({ records: { c1: { ineligible: 'deleted' }, c2: {} }, users: { u1: {}, u2: {} } });
    expect(await review()).toEqual([
      'restingPin c1 u1 pin deleted',
      'restingPin c2 nobody pin personUnknown',
      'restingPin c9 u2 pin recordUnknown',
      'restingPin l1 u1 pin leadsOff',
      'block c2 u2 block',
    ]);
    // R17: a contact's claim on the user goes before a lead's pin.
    await night({
      records: { c1: { ineligible: 'deleted' }, c2: {}, c3: { Email: 'a@x' }, l1: {} },
      users: { u1: { emailAddress: 'a@x' }, u2: {} },
      leads: true,
    });
    expect(await review()).toContain('restingPin l1 u1 pin held');
  });

  test('is empty before the first run and in a mirror that was made anew, but for what people decided', async () => {
    const { nights } = await operatorNights(database);
    expect(await review()).toEqual([]);
    await nights.decide('pin', 'c1', 'u1');
    expect(await review()).toEqual(['pin c1 u1 pin nextRun']);
  });
});

describe('the record and the person of a decision', () => {
  test('R8 the object follows from the prefix, 15 characters are widened', () => {
    for (const [short, object] of [
      ['a1', 'account'],
      ['c1', 'contact'],
      ['l1', 'lead'],
    ] as const) {
      expect(requireRecord(idOf(short))).toEqual({ object, crmId: idOf(short) });
      expect(requireRecord(idOf(short).slice(0, 15))).toEqual({ object, crmId: idOf(short) });
    }
  });

  test.for([
    ['003', 'is no Salesforce id'],
    ['003000000000001AAB', 'its last three characters, the checksum, are wrong'],
    ['003000000000001aaa', 'its last three characters, the checksum, are wrong'],
    ['006000000000001AAA', 'is the id of neither an account nor a contact nor a lead'],
    ['003-00000000001', 'is no Salesforce id'],
  ] as const)('R8 %s is wrong usage: %s', ([id, said]) => {
    expect(() => requireRecord(id)).toThrow(expect.objectContaining({ exitCode: 2, message: expect.stringContaining(said) as string }));
  });

  test('a pin or a block of what nobody has seen is refused; what ends something is not', async () => {
    const { night, nights } = await operatorNights(database);
    await night(two);
    const [seen, unseen] = [requireRecord(idOf('c1')), requireRecord(idOf('c9'))];
    for (const kind of ['pin', 'block'] as const) {
      await requireKnown(database, kind, seen, 'u1');
      await expect(requireKnown(database, kind, unseen, 'u1')).rejects.toMatchObject({ code: 'RECORD_UNKNOWN', exitCode: 1 });
      await expect(requireKnown(database, kind, seen, 'U1')).rejects.toMatchObject({ code: 'PERSON_UNKNOWN', exitCode: 1 });
      // A contact goes with a user, not with an account of that id.
      await expect(requireKnown(database, kind, requireRecord(idOf('a1')), 'u1')).rejects.toMatchObject({ code: 'RECORD_UNKNOWN' });
    }
    await requireKnown(database, 'unpin', unseen, 'nobody');
    // What was decided once is known, whatever has become of it.
    await nights.decide('pin', 'c9', 'gone');
    await requireKnown(database, 'block', unseen, 'gone');
  });
});

test('R13 the report says how many pins rest', async () => {
  const { night, nights } = await operatorNights(database);
  for (const [record, person] of [
    ['c1', 'u1'],
    ['c2', 'nobody'],
    ['c3', 'u3'],
  ] as const)
    await nights.decide('pin', record, person);
  const run = await night({ records: { c1: { ineligible: 'deleted' }, c2: {}, c3: {} }, users: { u1: {}, u3: {} } });
  const { rows } = await database.query<OpenRun>(sql`select run_no as "runNo", decision_seq as "decisionSeq" from run where run = ${run}`);
  expect(await restingPinWarnings(database, rows[0] as OpenRun, ['contact', 'account'])).toEqual([
    '2 pins of contacts rest: `crm-sync review list` says why',
  ]);
});
