import { expect, test } from 'vitest';
import type { WriteResult } from '../../src/personalization/port.ts';
import { oddName, readAll, type Stage, user, valueOf } from './contract-store.ts';

const awkwardTexts = [
  'plain',
  ' outer space ',
  '\u00a0',
  'Zoë',
  'Zoe\u0308',
  '日本語',
  '😀👩‍👩‍👧',
  '"quoted"',
  'a,b;c',
  'line\nfeed',
  'cr\r\nlf',
  '\ttab',
  '=cmd()',
  '#N/A',
  '\\N',
  '\\.',
  'null',
  '{"json": 1}',
  "o'clock",
  '$1',
  '\u0001',
  '\ufeff',
  '\ufffd',
  '007',
  '1e3',
  'x'.repeat(30_000),
  'é'.repeat(30_000),
].map((text) => ({ title: JSON.stringify(text.slice(0, 20)), text }));

/** What every adapter must do when it is written to. */
export function writingContract(stage: Stage): void {
  test.each(awkwardTexts)('R24 text comes back as it was written, by page and by id: $title', async ({ text }) => {
    const side = await stage.start([user('u', {})]);
    expect(await side.write('user', 'k', [{ id: 'u', set: { name: text, [oddName]: text } }])).toEqual(['applied']);
    expect((await readAll(side, 'user', ['name', oddName])).lines).toEqual([['u', '', text, text]]);
    expect(await side.readByIds('user', ['u'], [oddName, 'name'])).toEqual([{ id: 'u', accountId: null, values: { [oddName]: text, name: text } }]);
    expect(await side.write('user', 'k2', [{ id: 'u', set: { name: 'other' }, expect: { name: text, [oddName]: text } }])).toEqual(['applied']);
  });

  test.each(awkwardTexts.filter(({ text }) => text.length <= 100))('a person is found by an id of any form: $title', async ({ text: id }) => {
    const side = await stage.start([user(id, { name: 'x' }, id)]);
    expect((await side.readByIds('user', [id], ['name'])).map((person) => [person.id, person.accountId])).toEqual([[id, id]]);
    expect(await side.write('user', 'k', [{ id, set: { name: 'y' }, expect: { name: 'x' } }])).toEqual(['applied']);
    expect((await readAll(side, 'user', ['name'])).lines).toEqual([[id, id, 'y']]);
  });

  test('R6 ids are told apart by every character', async () => {
    const side = await stage.start([
      user('Zoë', { name: '1' }),
      user('Zoe\u0308', { name: '2' }),
      user('zoë', { name: '3' }),
      user('Zoë ', { name: '4' }),
    ]);
    expect(
      await side.write('user', 'k', [
        { id: 'zoë', set: { name: 'x' } },
        { id: 'ZOË', set: { name: 'x' } },
      ]),
    ).toEqual(['applied', 'notFound']);
    expect(await valueOf(side, 'Zoë', 'name')).toBe('1');
    expect(await valueOf(side, 'Zoë ', 'name')).toBe('4');
  });

  test('R2 a write to somebody who is not there creates nobody', async () => {
    const side = await stage.start([user('u', {})]);
    expect(
      await side.write('user', 'k', [
        { id: 'gone', set: { name: 'x' } },
        { id: 'gone', set: {}, expect: { name: null } },
        { id: '', set: { name: 'x' } },
        { id: 'a\0b', set: { name: 'x' } },
      ]),
    ).toEqual(['notFound', 'notFound', 'notFound', 'notFound']);
    expect(await side.write('account', 'k2', [{ id: 'u', set: { name: 'x' } }])).toEqual(['notFound']);
    expect((await readAll(side, 'user', ['name'])).lines).toEqual([['u', '', '']]);
    expect((await readAll(side, 'account', ['name'])).sent).toBe(0);
  });

  test('a write happens only if the values are the ones expected, each write by itself', async () => {
    const side = await stage.start([user('a', { name: 'old', score: '1' }), user('b', { name: 'edited' }), user('c', { name: 'new' })]);
    const results = await side.write('user', 'k', [
      { id: 'a', set: { name: 'new', score: '2' }, expect: { name: 'old', score: '1' } },
      { id: 'b', set: { name: 'new' }, expect: { name: 'old' } },
      { id: 'c', set: { name: 'new' }, expect: { name: 'old' } },
    ]);
    expect(results).toEqual(['applied', 'changed', 'unchanged'] satisfies WriteResult[]);
    expect(await valueOf(side, 'b', 'name')).toBe('edited');
    expect(await valueOf(side, 'a', 'score')).toBe('2');
  });

  test('an expectation of another attribute than the ones written counts as well', async () => {
    const side = await stage.start([user('a', { name: 'n', score: '1' })]);
    expect(await side.write('user', 'k', [{ id: 'a', set: { name: 'x' }, expect: { score: '2' } }])).toEqual(['changed']);
    expect(await side.write('user', 'k2', [{ id: 'a', set: { name: 'x' }, expect: { score: null } }])).toEqual(['changed']);
    expect(await valueOf(side, 'a', 'name')).toBe('n');
  });

  test.each([null, ''])('null and empty are the same blank, to clear and to expect: %j', async (blank) => {
    const side = await stage.start([user('a', { name: 'n', score: '1' }), user('b', {})]);
    expect(
      await side.write('user', 'k', [
        { id: 'a', set: { name: blank } },
        { id: 'b', set: { name: 'x' }, expect: { name: blank } },
      ]),
    ).toEqual(['applied', 'applied']);
    expect(await valueOf(side, 'a', 'name')).toBeNull();
    expect(
      await side.write('user', 'k2', [
        { id: 'a', set: { name: blank } },
        { id: 'b', set: { name: 'y' }, expect: { name: blank } },
      ]),
    ).toEqual(['unchanged', 'changed']);
    expect(await valueOf(side, 'a', 'score')).toBe('1');
  });

  test('a blank that somebody else left as empty text is a blank', async () => {
    const side = await stage.start([user('a', { name: 'n' })]);
    await stage.store.edit('user', 'a', 'name', '');
    expect(await side.write('user', 'k', [{ id: 'a', set: { name: 'x' }, expect: { name: null } }])).toEqual(['applied']);
  });

  test('a value of spaces is no blank to the store: it keeps text exactly', async () => {
    const side = await stage.start([user('a', { name: ' ' })]);
    expect(await side.write('user', 'k', [{ id: 'a', set: { name: 'x' }, expect: { name: '' } }])).toEqual(['changed']);
  });

  test('the same batch key again gives the results of the first time and writes nothing', async () => {
    const side = await stage.start([user('a', { name: 'old' })]);
    const writes = [
      { id: 'a', set: { name: 'new' } },
      { id: 'gone', set: { name: 'new' } },
      { id: 'a', set: { score: 'x' } },
    ];
    const first = await side.write('user', 'k', writes);
    expect(first).toEqual(['applied', 'notFound', { code: 'NOT_A_NUMBER' }]);
    await stage.store.edit('user', 'a', 'name', 'edited in between');
    expect(await side.write('user', 'k', writes)).toEqual(first);
    expect(await (await stage.store.another()).write('user', 'k', writes)).toEqual(first);
    expect(await valueOf(side, 'a', 'name')).toBe('edited in between');
  });

  test('a key that comes again with another number of writes is refused, as its results fit nothing', async () => {
    const side = await stage.start([user('a', {})]);
    await side.write('user', 'k', [{ id: 'a', set: { name: 'x' } }]);
    await expect(side.write('user', 'k', [])).rejects.toMatchObject({ code: 'BATCH_KEY_REUSED' });
    await expect(side.write('account', 'k', [{ id: 'a', set: { name: 'x' } }])).rejects.toMatchObject({ code: 'BATCH_KEY_REUSED' });
  });

  test('two workers with one batch key at once: it is written once, both get the same results', async () => {
    const side = await stage.start([user('a', { name: 'old' })]);
    const other = await stage.store.another();
    const release = await stage.store.hold('user', 'a');
    const writes = [{ id: 'a', set: { name: 'new' }, expect: { name: 'old' } }];
    const both = [side.write('user', 'k', writes), other.write('user', 'k', writes)];
    await stage.store.waiting(2);
    await release();
    expect(await Promise.all(both)).toEqual([['applied'], ['applied']]);
  });

  test('two workers with one person at once: the second judges what the first one left', async () => {
    const side = await stage.start([user('a', { name: 'old' })]);
    const other = await stage.store.another();
    const release = await stage.store.hold('user', 'a');
    const both = [
      side.write('user', 'k1', [{ id: 'a', set: { name: 'one' }, expect: { name: 'old' } }]),
      other.write('user', 'k2', [{ id: 'a', set: { name: 'two' }, expect: { name: 'old' } }]),
    ];
    await stage.store.waiting(2);
    await release();
    expect((await Promise.all(both)).flat().toSorted()).toEqual(['applied', 'changed']);
  });

  test('batches that meet at many persons in opposite orders both come through', async () => {
    const persons = Array.from({ length: 300 }, (_, n) => user(`u${n}`, { score: '0' }));
    const side = await stage.start(persons);
    const other = await stage.store.another();
    const writes = (attribute: string) => persons.map(({ id }) => ({ id, set: { [attribute]: 'x' } }));
    const rounds = Array.from({ length: 5 }, (_, n) => [
      side.write('user', `f${n}`, writes('name')),
      other.write('user', `b${n}`, writes(oddName).toReversed()),
    ]).flat();
    await Promise.all(rounds);
    expect((await readAll(side, 'user', ['name', oddName])).lines.every(([, , a, b]) => a === 'x' && b === 'x')).toBe(true);
  });

  test('a connection that dies before the commit has written nothing, and the same key writes then', async () => {
    const side = await stage.start([user('a', { name: 'old' }), user('b', { name: 'old' })]);
    const writes = [
      { id: 'a', set: { name: 'new' }, expect: { name: 'old' } },
      { id: 'b', set: { name: 'new' }, expect: { name: 'old' } },
    ];
    const release = await stage.store.hold('user', 'b');
    const cutOff = expect(side.write('user', 'k', writes)).rejects.toMatchObject({ name: 'Failure', kind: 'transient' });
    await stage.store.waiting(1);
    await stage.store.cut();
    await cutOff;
    await release();
    expect(await valueOf(side, 'a', 'name')).toBe('old');
    expect(await side.write('user', 'k', writes)).toEqual(['applied', 'applied']);
  });

  test('an attribute that the store does not know is refused, the other writes of the batch happen', async () => {
    const side = await stage.start([user('a', {}), user('b', {})]);
    const results = await side.write('user', 'k', [
      { id: 'a', set: { name: 'x', unknown: 'x' } },
      { id: 'a', set: { accountId: 'x' } },
      { id: 'a', set: { ['__proto__']: 'x' } },
      { id: 'a', set: { name: 'y' } },
      { id: 'b', set: { name: 'x' } },
    ]);
    expect(results).toEqual([{ code: 'UNKNOWN_ATTRIBUTE' }, { code: 'UNKNOWN_ATTRIBUTE' }, { code: 'UNKNOWN_ATTRIBUTE' }, 'applied', 'applied']);
    expect(await side.readByIds('user', ['a'], ['name', 'unknown'])).toEqual([{ id: 'a', accountId: null, values: { name: 'y', unknown: null } }]);
  });

  test.each([
    ['score', 'NOT_A_NUMBER', ['12a', ' 1', '1,5', 'NaN', '1e3', '007', '+1', '1.'], ['7', '0.5', '-12', '0', '123456789012345678901234567890.123']],
    ['optIn', 'NOT_A_BOOLEAN', ['TRUE', '1', 'yes'], ['true', 'false']],
    ['born', 'NOT_A_DATE', ['2026-02-30', '26-01-01', '2026-1-1', '2026-01-01T00:00:00.000Z'], ['2024-02-29', '1900-01-01']],
    [
      'seen',
      'NOT_A_DATE_TIME',
      ['2026-02-30T00:00:00.000Z', '2026-01-01', '2026-01-01T00:00:00Z', '2026-01-01T25:00:00.000Z'],
      ['2026-01-01T00:00:00.000Z'],
    ],
    ['name', 'NOT_TEXT', ['a\0b', '\ud83d'], ['x']],
  ])('R24 a value that does not fit its type is refused: %s', async (attribute, code, unfit, fit) => {
    const side = await stage.start([user('a', {})]);
    for (const [n, value] of unfit.entries())
      expect(await side.write('user', `no ${attribute} ${n}`, [{ id: 'a', set: { [attribute]: value } }]), value).toEqual([{ code }]);
    expect(await valueOf(side, 'a', attribute)).toBeNull();
    for (const [n, value] of fit.entries()) {
      expect(await side.write('user', `yes ${attribute} ${n}`, [{ id: 'a', set: { [attribute]: value } }]), value).toEqual(['applied']);
      expect(await valueOf(side, 'a', attribute)).toBe(value);
    }
  });

  test('several writes to one person in one batch happen one after the other', async () => {
    const side = await stage.start([user('a', { name: '0' })]);
    const results = await side.write('user', 'k', [
      { id: 'a', set: { name: '1' }, expect: { name: '0' } },
      { id: 'a', set: { name: '2' }, expect: { name: '1' } },
      { id: 'a', set: { name: '3' }, expect: { name: '0' } },
      { id: 'a', set: { name: '2' } },
    ]);
    expect(results).toEqual(['applied', 'applied', 'changed', 'unchanged']);
  });

  test('results come in the order of the writes, for thousands of writes of large values', async () => {
    const persons = Array.from({ length: 2_000 }, (_, n) => user(`u${n}`, { score: String(n % 3) }));
    const side = await stage.start(persons);
    const large = 'v'.repeat(10_000);
    const writes = persons.map(({ id }) => ({ id, set: { name: large }, expect: { score: '0' } })).toReversed();
    const expected = persons.map((_, n) => (n % 3 === 0 ? 'applied' : 'changed')).toReversed();
    expect(await side.write('user', 'k', writes)).toEqual(expected);
    expect(await side.write('user', 'k', writes)).toEqual(expected);
  });

  test('an empty batch is a batch', async () => {
    const side = await stage.start();
    expect(await side.write('user', 'k', [])).toEqual([]);
    expect(await side.write('user', 'k', [])).toEqual([]);
  });
}
