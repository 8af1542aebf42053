import fc from 'fast-check';
import { afterAll, expect, test } from 'vitest';
import { identifier, sql } from '../../src/postgres/sql.ts';
import { canonicalDecimal } from '../../src/salesforce/values.ts';
import { testDatabaseUrl } from '../services/database.ts';
import { mirrorDatabase } from './mirror-database.ts';

const database = await mirrorDatabase(await testDatabaseUrl());
afterAll(() => database.close());

async function each(name: string, values: readonly (string | null)[]): Promise<(string | null)[]> {
  const { rows } = await database.query<{ v: string | null }>(
    sql`select ${identifier(name)}(v) as v from unnest(${values}::text[]) with ordinality as t(v, n) order by n`,
  );
  return rows.map(({ v }) => v);
}

const cases = {
  canonical_number: [
    ['7', '7'],
    ['7.0', '7'],
    ['007', '7'],
    ['+7', '7'],
    ['.5', '0.5'],
    ['5.', '5'],
    ['-0', '0'],
    ['-0.0', '0'],
    ['-0.50', '-0.5'],
    ['1e3', '1000'],
    ['+1.25E-3', '0.00125'],
    ['\u00a0 8\n', '8'],
    ['123456789012345678901234567890.5', '123456789012345678901234567890.5'],
    ['0x10', null],
    ['NaN', null],
    ['Infinity', null],
    ['1,000', null],
    ['1_000', null],
    ['12 %', null],
    ['', null],
    ['.', null],
    ['1e401', null],
    ['1e99999999999999999999', null],
    ['9'.repeat(20_000), null],
    [null, null],
  ],
  canonical_date: [
    ['2026-11-23', '2026-11-23'],
    [' 2026-11-23 ', '2026-11-23'],
    ['2028-02-29', '2028-02-29'],
    ['2000-02-29', '2000-02-29'],
    ['1900-02-29', null],
    ['2026-02-30', null],
    ['2026-04-31', null],
    ['2026-13-01', null],
    ['0000-01-01', null],
    ['0001-01-01', '0001-01-01'],
    ['2026-11-23T23:30:00-02:00', '2026-11-24'],
    ['23.11.2026', null],
    ['2026-1-1', null],
    [null, null],
  ],
  canonical_instant: [
    ['2026-11-23T10:00:00.000Z', '2026-11-23T10:00:00.000Z'],
    ['2026-11-23T10:00:00.000+0000', '2026-11-23T10:00:00.000Z'],
    ['2026-11-23T12:00:00+02:00', '2026-11-23T10:00:00.000Z'],
    ['2026-11-23T12:00+02', '2026-11-23T10:00:00.000Z'],
    ['2026-11-23T23:30:00.1234567-02:30', '2026-11-24T02:00:00.123Z'],
    ['2026-11-23t10:00:00z', '2026-11-23T10:00:00.000Z'],
    ['2026-11-23T10:00:00', '2026-11-23T10:00:00.000Z'],
    ['2026-11-23', '2026-11-23T00:00:00.000Z'],
    ['2028-02-29T00:00:00.000Z', '2028-02-29T00:00:00.000Z'],
    ['2026-02-29T00:00:00.000Z', null],
    ['2026-11-23T24:00:00Z', null],
    ['2026-11-23T10:60:00Z', null],
    ['2026-11-23T10:00:60Z', null],
    ['2026-11-23T10:00:00+25:00', null],
    ['0001-01-01T00:00:00+01:00', null],
    ['9999-12-31T23:59:59-01:00', null],
    ['yesterday', null],
    ['', null],
    [null, null],
  ],
  canonical_boolean: [
    ['true', 'true'],
    [' False ', 'false'],
    ['TRUE', 'true'],
    ['maybe', null],
    ['1', null],
    ['', null],
    [null, null],
  ],
} as const;

for (const [name, pairs] of Object.entries(cases))
  test(`R6 ${name} reads what it should, and nothing else`, async () => {
    const read = await each(
      name,
      pairs.map(([given]) => given),
    );
    expect(pairs.map(([given], at) => [given, read[at]])).toEqual(pairs);
  });

test('R6 a number in the database reads as it does on the side of Salesforce, whatever its spelling', async () => {
  const digits = fc.stringMatching(/^\d{0,25}$/);
  const decimal = fc
    .tuple(fc.constantFrom('', '+', '-'), digits, fc.option(digits, { nil: null }), fc.option(fc.integer({ min: -420, max: 420 }), { nil: null }))
    .map(([sign, whole, fraction, exponent]) => sign + whole + (fraction === null ? '' : `.${fraction}`) + (exponent === null ? '' : `e${exponent}`));
  await fc.assert(
    fc.asyncProperty(fc.array(fc.oneof(decimal, fc.string({ unit: fc.constantFrom(...'0123456789+-.eE x') })), { maxLength: 200 }), async (texts) => {
      expect(await each('canonical_number', texts)).toEqual(texts.map(canonicalDecimal));
    }),
    { numRuns: 50 },
  );
});

test('R6 instants of any offset agree with the calendar of JavaScript', async () => {
  const two = (n: number): string => String(n).padStart(2, '0');
  const instant = fc
    .tuple(
      fc.integer({ min: 1900, max: 2200 }),
      fc.integer({ min: 0, max: 13 }),
      fc.integer({ min: 0, max: 32 }),
      fc.integer({ min: 0, max: 23 }),
      fc.integer({ min: 0, max: 59 }),
      fc.constantFrom('Z', '+02:00', '-11:30', '+14:00'),
    )
    .map(([year, month, day, hour, minute, zone]) => `${year}-${two(month)}-${two(day)}T${two(hour)}:${two(minute)}:07.125${zone}`);
  const exists = (text: string): boolean => {
    const local = `${text.slice(0, 23)}Z`;
    const read = new Date(local);
    return !Number.isNaN(read.getTime()) && read.toISOString() === local;
  };
  await fc.assert(
    fc.asyncProperty(fc.array(instant, { maxLength: 200 }), async (texts) => {
      expect(await each('canonical_instant', texts)).toEqual(texts.map((text) => (exists(text) ? new Date(text).toISOString() : null)));
    }),
    { numRuns: 50 },
  );
});

test('R6 a value of Salesforce takes the form of its type; the empty text is null, what does not have the form stays', async () => {
  const { rows } = await database.query<{ type: string; v: string | null }>(sql`
    select type, canonical_value(type, v) as v from (values (1, 'double', '1200.50'), (2, 'datetime', '2026-11-23T00:00:00.000+0000'), (3, 'date', '2026-11-23'),
      (4, 'boolean', 'TRUE'), (5, 'string', ' 007 '), (6, 'string', ''), (7, 'int', 'many'), (8, 'phone', null)) as t(n, type, v) order by n`);
  expect(rows.map(({ v }) => v)).toEqual(['1200.5', '2026-11-23T00:00:00.000Z', '2026-11-23', 'true', ' 007 ', null, 'many', null]);
});
