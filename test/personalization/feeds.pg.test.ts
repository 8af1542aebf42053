import { mkdir, rm } from 'node:fs/promises';
import path from 'node:path';
import { describe, expect, test } from 'vitest';
import { importFeeds } from '../../src/personalization/feeds.ts';
import { testDatabaseUrl } from '../services/database.ts';
import { feedFolder } from './feed-folder.ts';

const feeds = feedFolder(await testDatabaseUrl());

describe('the import of feeds', () => {
  test('users and accounts arrive with their attributes, and the counts say how many', async () => {
    expect(await feeds.store.isEmpty()).toBe(true);
    const counts = await feeds.load({
      'user-1.csv': 'userId,attribute:name,attribute:accountId\nu1,One,A\nu2,Two,\n',
      'account-1.csv': 'accountId,attribute:name\nA,Acme\n',
    });
    expect(counts.map(({ file, ...rest }) => ({ file: path.basename(file), ...rest }))).toEqual([
      { file: 'account-1.csv', kind: 'account', rows: 1, skipped: 0, created: 1, updated: 0 },
      { file: 'user-1.csv', kind: 'user', rows: 2, skipped: 0, created: 2, updated: 0 },
    ]);
    expect(await feeds.exported()).toEqual({
      user: 'userId,attribute:accountId,attribute:name\nu1,A,One\nu2,,Two\n',
      account: 'accountId,attribute:name\nA,Acme\n',
    });
    expect(await feeds.store.isEmpty()).toBe(false);
  });

  test('a blank does not overwrite a user, and resets an account', async () => {
    await feeds.load({
      'user-1.csv': 'userId,attribute:name,attribute:accountId,attribute:x\nu,One,A,1\n',
      'user-2.csv': 'userId,attribute:name,attribute:accountId,attribute:x\nu,, ,2\n',
      'account-1.csv': 'accountId,attribute:name,attribute:x\nA,Acme,1\n',
      'account-2.csv': 'accountId,attribute:name,attribute:x\nA,,2\n',
    });
    expect(await feeds.exported()).toEqual({
      user: 'userId,attribute:accountId,attribute:name,attribute:x\nu,A,One,2\n',
      account: 'accountId,attribute:name,attribute:x\nA,,2\n',
    });
  });

  test('the same holds among the rows of one file: of each attribute the last row that speaks of it wins', async () => {
    await feeds.load({
      'user-1.csv': 'userId,attribute:a,attribute:b\nu,1,1\nv,v,v\nu,,2\nu,3,\n',
      'account-1.csv': 'accountId,attribute:a,attribute:b\nA,1,1\nB,b,b\nA,,2\nA,,\nA,4,\n',
    });
    expect(await feeds.exported()).toEqual({
      user: 'userId,attribute:accountId,attribute:a,attribute:b\nu,,3,2\nv,,v,v\n',
      account: 'accountId,attribute:a,attribute:b\nA,4,\nB,b,b\n',
    });
  });

  test('an attribute that a later file does not have stays', async () => {
    await feeds.load({ 'account-1.csv': 'accountId,attribute:a,attribute:b\nA,1,1\n', 'account-2.csv': 'accountId,attribute:b\nA,2\n' });
    expect((await feeds.exported()).account).toBe('accountId,attribute:a,attribute:b\nA,1,2\n');
  });

  test('files go in the order of their names, whatever the order or folder they are given in', async () => {
    await mkdir(path.join(feeds.folder, 'z'));
    const files = await feeds.put({
      'user-2.csv': 'userId,attribute:x\nu,second\n',
      'z/user-1.csv': 'userId,attribute:x\nu,first\n',
      'user-10.csv': 'userId,attribute:x\nu,tenth\n',
    });
    await importFeeds(feeds.store, files, feeds.onProblem);
    expect((await feeds.exported()).user).toContain('u,,second');
  });

  test('the same file again changes nothing', async () => {
    const files = {
      'user-1.csv': 'userId,attribute:name,attribute:accountId\nu1,One,A\nu2,Two,\n',
      'account-1.csv': 'accountId,attribute:name,attribute:x\nA,Acme,\n',
    };
    await feeds.load(files);
    expect((await feeds.load(files)).map(({ created, updated }) => [created, updated])).toEqual([
      [0, 0],
      [0, 0],
    ]);
  });

  test('every attribute of a header is known then, a blank one too; types are as schema.json says', async () => {
    await feeds.load({
      'user-1.csv': 'userId,attribute:score,attribute:never,attribute:accountId\nu,1,,\n',
      'account-1.csv': 'accountId,attribute:name\n',
      'schema.json': '{"Contact": {"X__c": "text"}, "user": {"score": "number", "seen": "dateTime"}}',
    });
    expect(await feeds.store.describe()).toEqual({
      user: [
        { name: 'never', type: 'text' },
        { name: 'score', type: 'number' },
        { name: 'seen', type: 'dateTime' },
      ],
      account: [{ name: 'name', type: 'text' }],
    });
  });

  test('a type that was declared stays when a feed comes without schema.json', async () => {
    await feeds.load({ 'user-1.csv': 'userId,attribute:score\nu,1\n', 'schema.json': '{"user": {"score": "number"}}' });
    await rm(path.join(feeds.folder, 'schema.json'));
    await feeds.load({ 'user-1.csv': 'userId,attribute:score\nu,2\n' });
    expect((await feeds.store.describe()).user).toEqual([{ name: 'score', type: 'number' }]);
  });

  test.each([
    ['a type that is none', '{"user": {"score": "money"}}', 'user.score'],
    ['no JSON', '{"user": ', 'is not JSON'],
    ['another shape', '{"user": ["score"]}', 'user'],
  ])('a schema.json with %s is refused', async (_, text, message) => {
    await expect(feeds.load({ 'user-1.csv': 'userId\nu\n', 'schema.json': text })).rejects.toMatchObject({
      name: 'Failure',
      exitCode: 2,
      message: expect.stringContaining(message),
    });
    expect(await feeds.store.isEmpty()).toBe(true);
  });

  test('a BOM, CRLF, quotes, line ends within quotes, emoji, formulas and 30 kB arrive exactly', async () => {
    const large = 'é'.repeat(30_000);
    await feeds.load({
      'user-1.csv': `\ufeffuserId,attribute:x\r\nu1,"a ""b"", c;\r\nd"\r\nu2,=cmd()\r\nu3,😀\\N\\.\r\n"u 4\t\\","tab\there"\r\nu5,${large}\r\nu6, spaced \r\nu7,last`,
    });
    expect(feeds.problems).toEqual([]);
    const persons = await feeds.store.readByIds('user', ['u1', 'u2', 'u3', 'u 4\t\\', 'u5', 'u6', 'u7'], ['x']);
    expect(Object.fromEntries(persons.map(({ id, values }) => [id, values['x']]))).toEqual({
      u1: 'a "b", c;\r\nd',
      u2: '=cmd()',
      u3: '😀\\N\\.',
      'u 4\t\\': 'tab\there',
      u5: large,
      u6: ' spaced ',
      u7: 'last',
    });
  });

  test('bad rows are told with file and line and skipped, the others are taken', async () => {
    const text = [
      'userId,attribute:a,attribute:b',
      'ok1,1,2',
      'short,1',
      'long,1,2,3',
      ',1,2',
      ' ,1,2',
      'nul\0,1,2',
      'ok2,"two\nlines",2',
      'nul,a\0b,2',
      '',
      `${'i'.repeat(2_001)},1,2`,
      'stray,a"b,2',
      'ok3,1,2',
      'closed,"a"b,2',
      'ok4,1,2',
      'open,"1,2',
      'lost,1,2',
      '',
    ].join('\n');
    const [counted] = await feeds.load({ 'user-1.csv': text });
    expect(feeds.problems).toEqual([
      'user-1.csv:3 number of cells is 2, of the header 3',
      'user-1.csv:4 number of cells is 4, of the header 3',
      'user-1.csv:5 no id',
      'user-1.csv:6 no id',
      'user-1.csv:7 a NUL',
      'user-1.csv:10 a NUL',
      'user-1.csv:12 an id longer than 2000 bytes',
      'user-1.csv:13 a quote stands where none may',
      'user-1.csv:15 a quote stands where none may',
      'user-1.csv:17 a quote is opened and never closed; everything after it was skipped',
    ]);
    expect(counted).toMatchObject({ rows: 4, skipped: 10, created: 4 });
    expect((await feeds.store.readByIds('user', ['ok1', 'ok2', 'ok3', 'ok4', 'short', 'stray', 'lost'], [])).map(({ id }) => id).toSorted()).toEqual([
      'ok1',
      'ok2',
      'ok3',
      'ok4',
    ]);
  });

  test('lines are counted with CRLF within quotes as well', async () => {
    await feeds.load({ 'user-1.csv': 'userId,attribute:a\r\nu1,"a\r\nb\r\nc"\r\nu2,"d\r\ne"\r\nbad\r\nu3,x\r\n"multi\r\nline"\r\n' });
    expect(feeds.problems).toEqual(['user-1.csv:7 number of cells is 1, of the header 2', 'user-1.csv:9 number of cells is 1, of the header 2']);
  });

  test('a row that is not UTF-8 is told and skipped, one that holds the replacement character is not', async () => {
    await feeds.load({
      'user-1.csv': Buffer.concat([Buffer.from('userId,attribute:a\nu1,Zoë\nu2,Zo'), Buffer.from([0xeb]), Buffer.from('\nu3,\ufffd\n')]),
    });
    expect(feeds.problems).toEqual(['user-1.csv:3 bytes that are not UTF-8']);
    expect((await feeds.exported()).user).toBe('userId,attribute:accountId,attribute:a\nu1,,Zoë\nu3,,\ufffd\n');
  });

  test.each([
    ['user-2.csv', '', 'the header is empty'],
    ['user-2.csv', '\n\n', 'the header is empty'],
    ['user-2.csv', 'userId,attribute:a,attribute:a\nu,1,2\n', 'twice'],
    ['user-2.csv', 'userId,attribute:a,\nu,1,2\n', 'no name'],
    ['user-2.csv', 'attribute:a\n1\n', 'no column userId'],
    ['user-2.csv', 'userId,name\nu,n\n', '"name" is not known'],
    ['user-2.csv', '\u{feff}"userId\n', 'RFC 4180'],
    ['account-2.csv', 'userId\nu\n', 'no column accountId'],
    ['user-2.csv', Buffer.from('\ufeffuserId\nu\n', 'utf16le'), 'not UTF-8'],
  ])('a bad header refuses the file, and nothing of the others is taken: %s %j', async (name, text, message) => {
    await expect(feeds.load({ 'user-1.csv': 'userId\nu1\n', [name]: text })).rejects.toMatchObject({
      name: 'Failure',
      exitCode: 2,
      message: expect.stringMatching(new RegExp(`${name}.*${message}`)),
    });
    expect(await feeds.store.isEmpty()).toBe(true);
  });

  test('a header without rows, without even a line end, is a feed of nobody', async () => {
    expect(await feeds.load({ 'user-1.csv': 'userId,attribute:a' })).toMatchObject([{ rows: 0, created: 0 }]);
    expect((await feeds.store.describe()).user).toEqual([{ name: 'a', type: 'text' }]);
  });

  test('a file that is not there, or is a folder, is named', async () => {
    await expect(importFeeds(feeds.store, [path.join(feeds.folder, 'user-9.csv')], feeds.onProblem)).rejects.toMatchObject({
      exitCode: 2,
      message: expect.stringContaining('user-9.csv cannot be read (ENOENT)'),
    });
    await expect(importFeeds(feeds.store, [feeds.folder], feeds.onProblem)).rejects.toMatchObject({
      exitCode: 2,
      message: expect.stringContaining('EISDIR'),
    });
  });

  test('no problem says what stands in a row', async () => {
    await feeds.load({
      'user-1.csv': 'userId,attribute:a\nsecret@example.com,secret,secret\n,secret\nsecret,a"secret\nsecret,"a"secret\nsecret\0,x\nsecret,"secret',
    });
    expect(feeds.problems).toHaveLength(6);
    expect(feeds.problems.join()).not.toMatch(/secret/);
  });

  test('a connection that dies while a feed is read leaves nothing, and the import can be done again', async () => {
    const rows = Array.from({ length: 60_000 }, (_, n) => `u${n},${'v'.repeat(50)}`).join('\n');
    const files = await feeds.put({ 'user-1.csv': `userId,attribute:a\n,bad\n${rows}\n` });
    let cutting: Promise<void> | undefined;
    await expect(importFeeds(feeds.store, files, () => void (cutting ??= feeds.cut()))).rejects.toMatchObject({ name: 'Failure', kind: 'transient' });
    await cutting;
    expect(await feeds.store.isEmpty()).toBe(true);
    expect(await importFeeds(feeds.store, files, feeds.onProblem)).toMatchObject([{ created: 60_000, skipped: 1 }]);
  });

  test('an import takes hold of nobody while a writer may still want him', async () => {
    const rows = (value: string) => `userId,attribute:a\n${Array.from({ length: 2_000 }, (_, n) => `u${n},${value}`).join('\n')}\n`;
    await feeds.load({ 'user-1.csv': rows('old') });
    const files = await feeds.put({ 'user-2.csv': rows('new') });
    const lock = (id: string) => ({ text: 'select from profile_user where user_id = $1 for update', values: [id] });
    let importing: ReturnType<typeof importFeeds> | undefined;
    await feeds.store.database.transaction(async (tx) => {
      await tx.query(lock('u1999'));
      importing = importFeeds(feeds.store, files, feeds.onProblem);
      await feeds.waiting(1);
      await tx.query(lock('u0'));
    });
    expect(await importing).toMatchObject([{ updated: 2_000 }]);
  });

  test('writers wait for an import and it for them, none is lost', async () => {
    const rows = Array.from({ length: 2_000 }, (_, n) => `u${n},old`).join('\n');
    await feeds.load({ 'user-1.csv': `userId,attribute:a,attribute:b\n${rows.replaceAll(',old', ',old,old')}\n` });
    const files = await feeds.put({ 'user-2.csv': `userId,attribute:a\n${rows.replaceAll('old', 'imported')}\n` });
    const writes = Array.from({ length: 2_000 }, (_, n) => ({ id: `u${1_999 - n}`, set: { b: 'written' } }));
    await Promise.all([
      importFeeds(feeds.store, files, feeds.onProblem),
      feeds.store.write('user', 'k1', writes),
      importFeeds(feeds.store, files, feeds.onProblem),
      feeds.store.write('user', 'k2', writes),
    ]);
    const persons = await feeds.store.readByIds(
      'user',
      writes.map(({ id }) => id),
      ['a', 'b'],
    );
    expect(new Set(persons.map(({ values }) => `${values['a']} ${values['b']}`))).toEqual(new Set(['imported written']));
  });
});
