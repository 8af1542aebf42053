import { describe, expect, test } from 'vitest';
import { headerLine, readHeader } from '../../src/personalization/feed-header.ts';

describe('the header of a feed', () => {
  test('a user feed has userId, accountId and attributes, in any order', () => {
    expect(readHeader('/data/user-1.csv', ['attribute:name', 'userId', 'attribute:accountId'])).toEqual({
      kind: 'user',
      idPosition: 1,
      columns: [
        { position: 0, name: 'name' },
        { position: 2, name: 'accountId' },
      ],
      width: 3,
    });
  });

  test('an account feed has accountId; a file of another name is told by its id column', () => {
    expect(readHeader('account-export.csv', ['accountId', 'attribute:name']).kind).toBe('account');
    expect(readHeader('people.csv', ['userId']).kind).toBe('user');
    expect(readHeader('companies.csv', ['attribute:name', 'accountId']).kind).toBe('account');
  });

  test('attribute names are taken as they are, whatever stands in them', () => {
    expect(
      readHeader('user-1.csv', ['userId', 'attribute:attribute:x', 'attribute: spaced ', 'attribute:Name', 'attribute:name']).columns.map(
        ({ name }) => name,
      ),
    ).toEqual(['attribute:x', ' spaced ', 'Name', 'name']);
  });

  test.each([
    ['no header at all', [], 'the header is empty'],
    ['an empty name', ['userId', ''], 'column 2 of the header has no name'],
    ['a name of spaces', ['userId', ' \u00a0'], 'column 2 of the header has no name'],
    ['a name twice', ['userId', 'attribute:a', 'attribute:a'], 'the header has the column "attribute:a" twice'],
    ['the id twice', ['userId', 'userId'], 'the header has the column "userId" twice'],
    ['no id', ['attribute:name'], 'the header has no column userId'],
    ['the id as an attribute', ['attribute:userId'], 'the header has no column userId'],
    ['the id and again as an attribute', ['userId', 'attribute:userId'], 'the column "attribute:userId" is not known'],
    ['another spelling of the id', ['userid', 'attribute:name'], 'the header has no column userId'],
    ['a plain column', ['userId', 'name'], 'the column "name" is not known'],
    ['the account as a plain column', ['userId', 'accountId'], 'the column "accountId" is not known'],
    ['an attribute without a name', ['userId', 'attribute:'], 'the column "attribute:" is not known'],
    ['semicolons', ['userId;attribute:name'], 'the header has no column userId'],
    ['a NUL', ['userId', 'attribute:a\0'], 'column 2'],
    ['a line end', ['userId', 'attribute:a\nb'], 'column 2'],
  ])('%s refuses the file, names it and exits with 2', (_, cells, message) => {
    expect(() => readHeader('/data/user-1.csv', cells)).toThrow(
      expect.objectContaining({
        name: 'Failure',
        exitCode: 2,
        message: expect.stringContaining(`/data/user-1.csv: ${message}`),
        remedy: expect.any(String),
      }),
    );
  });

  test('a file of any name with both ids, or none, is refused', () => {
    expect(() => readHeader('people.csv', ['userId', 'accountId'])).toThrow('no column userId or accountId');
    expect(() => readHeader('people.csv', ['attribute:name'])).toThrow('no column userId or accountId');
  });

  test('the header of an export quotes what needs quotes', () => {
    expect(headerLine('user', ['accountId', 'a,b', 'say "x"'])).toBe('userId,attribute:accountId,"attribute:a,b","attribute:say ""x"""\n');
  });
});
