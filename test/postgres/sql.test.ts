import { expect, test } from 'vitest';
import { identifier, raw, sql } from '../../src/postgres/sql.ts';

test('a value is a parameter, a fragment stands in the text, and so does a statement with its own parameters', () => {
  const ids = sql`select id from unnest(${['a', 'b']}::text[], ${[1, 2]}::integer[]) as u(id, n) where n > ${0}`;
  expect(sql`select ${raw('count(*)')} from ${identifier('link')} where run = ${'r'} and id in (${ids}) and no < ${7}`).toEqual({
    text: 'select count(*) from "link" where run = $1 and id in (select id from unnest($2::text[], $3::integer[]) as u(id, n) where n > $4) and no < $5',
    values: ['r', ['a', 'b'], [1, 2], 0, 7],
  });
});

test('a statement holds its place with more than nine parameters before it', () => {
  const nested = sql`(${'x'}, ${'y'})`;
  const { text, values } = sql`${1}${2}${3}${4}${5}${6}${7}${8}${9}${10} ${nested} ${11}`;
  expect(text).toBe('$1$2$3$4$5$6$7$8$9$10 ($11, $12) $13');
  expect(values).toEqual([1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 'x', 'y', 11]);
});

test('what is no plain name is refused', () => {
  expect(() => identifier('a"; drop table link; --')).toThrow('not a name for SQL');
});
