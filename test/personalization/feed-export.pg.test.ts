import { mkdir, readFile, readdir, writeFile } from 'node:fs/promises';
import path from 'node:path';
import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { exportFeeds } from '../../src/personalization/feed-export.ts';
import { importFeeds } from '../../src/personalization/feeds.ts';
import { testDatabaseUrl } from '../services/database.ts';
import { feedFolder } from './feed-folder.ts';
import { makeStore } from './store-behind.ts';

const url = await testDatabaseUrl();
const feeds = feedFolder(url);

describe('the export of feeds', () => {
  test('it is sorted by code point and reads back as the same store', async () => {
    const text = fc
      .string({ unit: 'binary', minLength: 1, maxLength: 12 })
      .filter((value) => value.isWellFormed() && !value.includes('\0') && value.trim() !== '');
    const names = { user: ['a', 'b', 'accountId', 'c,"d', 'Ä'], account: ['a', 'b', 'c,"d', 'Ä'] };
    const persons = (of: readonly string[]) =>
      fc.dictionary(text, fc.dictionary(fc.constantFrom(...of), text), { minKeys: 1, maxKeys: 8, noNullPrototype: true });
    await fc.assert(
      fc.asyncProperty(persons(names.user), persons(names.account), async (user, account) => {
        const other = await makeStore(url);
        try {
          const kinds = { user, account };
          const cell = (value: string) => `"${value.replaceAll('"', '""')}"`;
          const files: Record<string, string> = {};
          for (const kind of ['user', 'account'] as const)
            files[`${kind}-1.csv`] = [
              [`${kind}Id`, ...names[kind].map((name) => `attribute:${name}`)],
              ...Object.entries(kinds[kind]).map(([id, values]) => [id, ...names[kind].map((name) => values[name] ?? '')]),
            ]
              .map((cells) => `${cells.map(cell).join(',')}\r\n`)
              .join('');
          const first = path.join(feeds.folder, 'first');
          const second = path.join(feeds.folder, 'second');
          await feeds.store.deletePersons('user', await idsOf('user'));
          await feeds.store.deletePersons('account', await idsOf('account'));
          await feeds.load(files);
          expect((await idsOf('user')).toSorted()).toEqual(Object.keys(user).toSorted());
          await exportFeeds(feeds.store, first);
          await importFeeds(other.side, [path.join(first, 'user-export.csv'), path.join(first, 'account-export.csv')], feeds.onProblem);
          await exportFeeds(other.side, second);
          for (const name of ['user-export.csv', 'account-export.csv'])
            expect(await readFile(path.join(second, name), 'utf8')).toBe(await readFile(path.join(first, name), 'utf8'));
          expect(feeds.problems).toEqual([]);
        } finally {
          await other.end();
        }
      }),
      { numRuns: 20 },
    );
  });

  async function idsOf(kind: 'user' | 'account'): Promise<string[]> {
    const { rows } = await feeds.store.database.query<{ id: string }>(
      kind === 'user' ? 'select user_id as id from profile_user' : 'select account_id as id from profile_account',
    );
    return rows.map(({ id }) => id);
  }

  test('ids are sorted by code point, not by a language', async () => {
    await feeds.load({ 'user-1.csv': 'userId\nä\na\nZ\n\u{1f600}\n\uffee\n_\n' });
    expect(
      (await feeds.exported()).user
        .split('\n')
        .slice(1, -1)
        .map((line) => line.split(',')[0]),
    ).toEqual(['Z', '_', 'a', 'ä', '\uffee', '\u{1f600}']);
  });

  test('types go into schema.json beside what it says of other things; no file of a half export stays', async () => {
    await feeds.load({ 'user-1.csv': 'userId,attribute:score\nu,1\n', 'schema.json': '{"user": {"score": "number"}}' });
    const out = path.join(feeds.folder, 'out');
    await mkdir(out);
    await writeFile(path.join(out, 'schema.json'), '{"Contact": {"X__c": "text"}}');
    expect(await exportFeeds(feeds.store, out)).toMatchObject([
      { kind: 'user', rows: 1 },
      { kind: 'account', rows: 0 },
    ]);
    expect(JSON.parse(await readFile(path.join(out, 'schema.json'), 'utf8'))).toEqual({
      Contact: { X__c: 'text' },
      user: { score: 'number' },
      account: {},
    });
    expect((await readdir(out)).toSorted()).toEqual(['account-export.csv', 'schema.json', 'user-export.csv']);
  });

  test('a folder that cannot be written to is named', async () => {
    const file = path.join(feeds.folder, 'file');
    await writeFile(file, '');
    await expect(exportFeeds(feeds.store, file)).rejects.toMatchObject({
      name: 'Failure',
      exitCode: 1,
      message: expect.stringContaining('cannot be written to'),
    });
  });

  test('names of attributes longer than PostgreSQL takes for columns survive', async () => {
    const name = 'n'.repeat(100);
    await feeds.load({ 'user-1.csv': `userId,attribute:${name}1,attribute:${name}2\nu,1,2\n` });
    expect((await feeds.exported()).user).toBe(`userId,attribute:accountId,attribute:${name}1,attribute:${name}2\nu,,1,2\n`);
  });
});

describe('the deletion of persons', () => {
  test('those named are gone, the number says how many there were', async () => {
    await feeds.load({ 'user-1.csv': 'userId\nu1\nu2\nu3\n', 'account-1.csv': 'accountId\nu1\n' });
    expect(await feeds.store.deletePersons('user', ['u1', 'u3', 'nobody', 'a\0'])).toBe(2);
    expect(await feeds.exported()).toEqual({ user: 'userId,attribute:accountId\nu2,\n', account: 'accountId\nu1\n' });
    expect(await feeds.store.write('user', 'k', [{ id: 'u1', set: {} }])).toEqual(['notFound']);
  });
});
