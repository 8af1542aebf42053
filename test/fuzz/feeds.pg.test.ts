import { randomBytes } from 'node:crypto';
import fc from 'fast-check';
import { expect, test } from 'vitest';
import { Failure } from '../../src/domain/failure.ts';
import { feedFolder } from '../personalization/feed-folder.ts';
import { testDatabaseUrl } from '../services/database.ts';

const feeds = feedFolder(await testDatabaseUrl());

const pieces = fc.oneof(
  fc.constantFrom(
    '"',
    '""',
    '"""',
    ',',
    '\n',
    '\r\n',
    '\r',
    '\u0000',
    '\uFEFF',
    '\uFFFD',
    '\\',
    '\\N',
    '\\.',
    '\t',
    'u1',
    'é',
    '=cmd()',
    'x'.repeat(3_000),
    '{"a":1}',
  ),
  fc.string({ maxLength: 6 }),
);
const rows = fc.array(pieces, { maxLength: 40 }).map((parts) => Buffer.from(parts.join('')));
const bytes = fc.uint8Array({ maxLength: 300 }).map((each) => Buffer.from(each));
const header = fc.oneof(
  fc.constantFrom(
    'userId,attribute:name',
    'userId,accountId,attribute:a',
    '\uFEFFuserId',
    'userId,attribute:name,attribute:name',
    'userId,attribute:',
    '',
  ),
  fc.string({ unit: 'binary', maxLength: 3_000 }).map((name) => `userId,attribute:${name}`),
  fc.array(pieces, { maxLength: 10 }).map((parts) => parts.join('')),
);
const feed = fc.oneof(
  bytes,
  fc
    .tuple(header, fc.constantFrom('\n', '\r\n', ''), fc.oneof(rows, bytes))
    .map(([first, end, rest]) => Buffer.concat([Buffer.from(first + end), rest])),
);

test('a feed of any bytes is taken but for rows that are told, or refused as a whole with its name; nothing of a value is told', async () => {
  await fc.assert(
    fc.asyncProperty(feed, fc.nat(400), async (content, cut) => {
      const before = feeds.problems.length;
      try {
        const [file] = await feeds.load({ 'user-fuzzed.csv': content.subarray(0, Math.max(0, content.length - cut)) });
        expect(file?.skipped).toBe(feeds.problems.length - before);
        expect((file?.created ?? 0) + (file?.updated ?? 0)).toBeLessThanOrEqual(file?.rows ?? 0);
      } catch (error) {
        if (!(error instanceof Failure)) throw error;
        expect(error.exitCode).toBe(2);
        expect(error.message).toContain('user-fuzzed.csv');
      }
      expect(feeds.problems.slice(before).filter((problem) => !/^user-fuzzed\.csv:\d+ [a-z ,\d-]*(UTF-8|NUL)?[a-z ,;\d]*$/i.test(problem))).toEqual(
        [],
      );
    }),
    { numRuns: 200 },
  );
});

test('cells of 5 MB, 2,000 columns and 50,000 quotes are taken, or refused, in time', async () => {
  const large = 'x'.repeat(5_000_000);
  const [one] = await feeds.load({ 'user-1.csv': `userId,attribute:a,attribute:b\nu1,${large},"${large}"\n` });
  expect(one).toMatchObject({ rows: 1, skipped: 0 });
  const names = Array.from({ length: 2_000 }, (_, n) => `attribute:a${n}`);
  const [wide] = await feeds.load({ 'user-2.csv': `userId,${names.join(',')}\nu2,${names.join(',')}\n` });
  expect(wide).toMatchObject({ rows: 1 });
  const [quotes] = await feeds.load({ 'user-3.csv': `userId,attribute:a\nu3,${'"'.repeat(50_001)}\n${'"x,\n'.repeat(20_000)}` });
  expect(quotes?.rows).toBeLessThanOrEqual(1);
  expect(quotes?.skipped).toBeGreaterThan(0);
});

test('a column whose name is longer than an index takes is refused', async () => {
  const name = randomBytes(6_000).toString('base64');
  await expect(feeds.load({ 'user-1.csv': `userId,attribute:${name}\nu1,a\n` })).rejects.toMatchObject({
    exitCode: 2,
    message: expect.stringContaining('column 2') as string,
  });
  const [longest] = await feeds.load({ 'user-1.csv': `userId,attribute:${name.slice(0, 1_990)}\nu1,a\n` });
  expect(longest).toMatchObject({ rows: 1 });
});
