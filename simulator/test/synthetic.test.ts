import fc from 'fast-check';
import { expect, test } from 'vitest';
import { checksumOf, idFromNumber, normaliseId } from '../src/ids.ts';
import { syntheticContact, syntheticCounts, syntheticLead } from '../src/synthetic.ts';
import { canonicalDecimal, isCanonicalDecimal, parseDateTime } from '../src/values.ts';
import { bulkQuery, namesOf, orgWith, soql } from './harness.ts';

test('the checksum of an id is that of Salesforce, and a wrong letter of it is found', () => {
  expect(checksumOf('a0D30000001n7Pi')).toBe('EAI');
  expect(normaliseId('a0D30000001n7Pi')).toBe('a0D30000001n7PiEAI');
  expect(normaliseId('a0D30000001n7PiEAi')).toBeNull();
  expect(normaliseId('a0D30000001n7P')).toBeNull();
  fc.assert(
    fc.property(fc.integer({ min: 0, max: 10 ** 12 }), (number) => {
      const id = idFromNumber('003', number);
      expect(id).toHaveLength(18);
      expect(normaliseId(id)).toBe(id);
    }),
  );
});

test('decimals become their shortest text without exponent, exactly', () => {
  const read = ['7', '007', '+1', '1.50', '.5', '5.', '-0', '1e3', '1.25E-3', '-12', '123456789012345678901234567890.10', '3.5E8'].map(
    canonicalDecimal,
  );
  expect(read).toEqual(['7', '7', '1', '1.5', '0.5', '5', '0', '1000', '0.00125', '-12', '123456789012345678901234567890.1', '350000000']);
  expect(['', '.', 'abc', '1,5', '0x1', '1e', 'NaN', ' 1'].map(canonicalDecimal)).toEqual(Array(8).fill(null));
  expect(['0', '-1.5', '0.5', '10', '-0.25'].every(isCanonicalDecimal)).toBe(true);
  expect(['-0', '00', '1.0', '+1', '1e3', '.5', '1.', '', '-0.0'].some(isCanonicalDecimal)).toBe(false);
  fc.assert(
    fc.property(fc.double({ noNaN: true, noDefaultInfinity: true, min: -1e15, max: 1e15 }), (number) => {
      const text = canonicalDecimal(String(number));
      expect(Number(text)).toBe(number === 0 ? 0 : number);
      expect(isCanonicalDecimal(String(text))).toBe(true);
    }),
  );
});

test('date-times of every spelling are the same instant in UTC', () => {
  expect(
    ['2026-11-23T01:02:03.000Z', '2026-11-23T01:02:03.000+0000', '2026-11-23T03:02:03+02:00', '2026-11-22 23:02:03-0200'].map(parseDateTime),
  ).toEqual(Array(4).fill('2026-11-23T01:02:03.000Z'));
  expect(['2026-02-30T00:00:00Z', '2026-11-23T24:00:00Z', '23.11.2026', ''].map(parseDateTime)).toEqual(Array(4).fill(null));
});

test('a record depends on seed and number only', () => {
  expect(syntheticContact(7, 123, 1000)).toEqual(syntheticContact(7, 123, 1000));
  expect(syntheticContact(8, 123, 1000)).not.toEqual(syntheticContact(7, 123, 1000));
  expect(syntheticContact(7, 107, 1000)['Email']).toBe('user106@example6.com');
  expect(syntheticContact(7, 23, 1000)).toMatchObject({ IsDeleted: 'true', MasterRecordId: idFromNumber('003', 24) });
  expect(syntheticLead(7, 11, 1000)).toMatchObject({ IsConverted: 'true', ConvertedContactId: idFromNumber('003', 55) });
  expect(syntheticCounts(1005)).toEqual({ Account: 100, Contact: 1005, Lead: 201 });
});

test('the org holds exactly what the generator makes', async () => {
  const session = await orgWith({}, { synthetic: { contacts: 500, seed: 7 } });
  const { json } = await soql(
    session,
    'select Id, FirstName, LastName, Email, AccountId, Loyalty_Number__c, MailingStreet from Contact order by Id',
    'queryAll',
  );
  const made = Array.from({ length: 500 }, (_, index) => syntheticContact(7, index + 1, 500));
  const loyalty = (rows: readonly Record<string, unknown>[]): string[] =>
    rows.map((row) => `${String(row['Id'])} ${String(row['Loyalty_Number__c'] ?? '')}`);
  expect(new Set(loyalty(json.records))).toEqual(new Set(loyalty(made)));
  const row = json.records.find((each: { Id: string }) => each.Id === idFromNumber('003', 113));
  expect(row).toMatchObject({
    LastName: made[112]?.['LastName'],
    FirstName: made[112]?.['FirstName'],
    Email: 'user113@example13.com',
    AccountId: idFromNumber('001', 13),
  });
  expect((await soql(session, 'select count() from Account')).json.totalSize).toBe(50);
  expect(await namesOf(session, `select Name from Contact where Id = '${idFromNumber('003', 41)}'`)).toEqual([expect.stringContaining('山田 😀 41')]);
  expect((await bulkQuery(session, 'select Id from Lead', 'queryAll')).numberRecordsProcessed).toBe(100);
});
