import { parse } from 'csv-parse/sync';
import { afterEach, describe, expect, test } from 'vitest';
import type { PersonKind } from '../../src/domain/objects.ts';
import type { AttributeTypes, Cursor, Person, PersonalizationSide, WriteResult } from '../../src/personalization/port.ts';

/** A store as the contract needs it: the port, and what lies behind it. */
export interface ContractStore {
  readonly side: PersonalizationSide;
  /** Persons in one page; the contract reads more than that. */
  readonly personsPerPage: number;
  /** The same store as another worker sees it. Closed by `end`. */
  another(): Promise<PersonalizationSide>;
  /** Makes attributes and persons, past the port, which creates nothing. */
  seed(types: AttributeTypes, persons: readonly SeedPerson[]): Promise<void>;
  /** Changes a value past the port, as somebody else would. */
  edit(kind: PersonKind, id: string, attribute: string, value: string): Promise<void>;
  /** Makes writes to the person wait until the answer is called. */
  hold(kind: PersonKind, id: string): Promise<() => Promise<void>>;
  /** Resolves when this many writes wait. */
  waiting(count: number): Promise<void>;
  /** Breaks every connection that the port has, as the death of a server does. */
  cut(): Promise<void>;
  end(): Promise<void>;
}

export interface SeedPerson extends Person {
  readonly kind: PersonKind;
}

const types: AttributeTypes = {
  user: [
    { name: 'name', type: 'text' },
    { name: 'score', type: 'number' },
    { name: 'optIn', type: 'boolean' },
    { name: 'born', type: 'date' },
    { name: 'seen', type: 'dateTime' },
    { name: `it's "odd", \\ and a very long name indeed: ${'x'.repeat(80)}`, type: 'text' },
  ],
  account: [{ name: 'name', type: 'text' }],
};
const oddName = types.user[5]?.name ?? '';

const awkwardTexts = [
  'plain', ' outer space ', '\u00a0', 'Zoë', 'Zoe\u0308', '日本語', '😀👩‍👩‍👧', '"quoted"', 'a,b;c', 'line\nfeed', 'cr\r\nlf', '\ttab', '=cmd()', '#N/A', '\\N', '\\.', 'null',
  '{"json": 1}', "o'clock", '$1', '\u0001', '\ufeff', '\ufffd', '007', '1e3', 'x'.repeat(30_000), 'é'.repeat(30_000),
].map((text) => ({ title: JSON.stringify(text.slice(0, 20)), text }));

function user(id: string, values: Person['values'], accountId: string | null = null): SeedPerson {
  return { kind: 'user', id, accountId, values };
}

async function readAll(side: PersonalizationSide, kind: PersonKind, attributes: readonly string[]): Promise<{ readonly lines: string[][]; readonly sent: number; readonly cursors: Cursor[] }> {
  const lines: string[][] = [];
  const cursors: Cursor[] = [];
  let sent = 0;
  for (let from: Cursor | null = 'start'; from !== null; ) {
    const page = await side.readPage({ kind, attributes }, from);
    const chunks: Uint8Array[] = [];
    for await (const chunk of page.csv) chunks.push(chunk);
    const [header, ...rows] = parse(Buffer.concat(chunks), { cast: false }) as string[][];
    expect(header).toEqual(['id', 'accountId', ...attributes.map((_, position) => `a${position}`)]);
    expect(await page.rows).toBe(rows.length);
    sent += await page.rows;
    lines.push(...rows);
    if (page.next !== null) cursors.push(page.next);
    from = page.next;
  }
  return { lines, sent, cursors };
}

/** What every adapter of the Personalization port must do. `make` gives an empty store each time. */
export function personalizationContract(name: string, make: () => Promise<ContractStore>): void {
  describe(`the Personalization contract: ${name}`, () => {
    let store: ContractStore;
    afterEach(() => store.end());
    const start = async (persons: readonly SeedPerson[] = []): Promise<PersonalizationSide> => {
      store = await make();
      await store.seed(types, persons);
      return store.side;
    };
    const valueOf = async (side: PersonalizationSide, id: string, attribute: string): Promise<string | null | undefined> =>
      (await side.readByIds('user', [id], [attribute]))[0]?.values[attribute];

    test('the identity is the same for everybody and stays', async () => {
      const side = await start();
      const first = await side.identity();
      expect(first).not.toBe('');
      expect(await side.identity()).toBe(first);
      expect(await (await store.another()).identity()).toBe(first);
    });

    test('describe tells the attributes of both kinds with their types, the ids not among them', async () => {
      const described = await (await start()).describe();
      expect(new Set(described.user)).toEqual(new Set(types.user));
      expect(described.account).toEqual(types.account);
    });

    test('R27 a read gives every person exactly once, and the rows sent add up to them', async () => {
      const side = await start();
      const count = store.personsPerPage * 2 + 1;
      await store.seed(types, Array.from({ length: count }, (_, n) => user(`u${n}`, { name: `Name ${n}`, score: n % 2 === 0 ? null : String(n) }, `A${n % 3}`)));
      const { lines, sent, cursors } = await readAll(side, 'user', ['score', 'name']);
      expect(sent).toBe(count);
      expect(cursors).toHaveLength(2);
      expect(lines.toSorted()).toEqual(Array.from({ length: count }, (_, n) => [`u${n}`, `A${n % 3}`, n % 2 === 0 ? '' : String(n), `Name ${n}`]).toSorted());
    });

    test('R27 a page that is exactly full is the last one when nobody is left', async () => {
      const side = await start();
      await store.seed(types, Array.from({ length: store.personsPerPage }, (_, n) => user(`u${n}`, {})));
      const { sent, cursors } = await readAll(side, 'user', []);
      expect({ sent, cursors }).toEqual({ sent: store.personsPerPage, cursors: [] });
    });

    test('an empty store is one complete page without rows', async () => {
      const { lines, sent, cursors } = await readAll(await start(), 'account', ['name']);
      expect({ lines, sent, cursors }).toEqual({ lines: [], sent: 0, cursors: [] });
    });

    test('a page can be read again from its cursor, by another worker too, and the cursor says nothing of anybody', async () => {
      const side = await start();
      await store.seed(types, Array.from({ length: store.personsPerPage + 2 }, (_, n) => user(`person.${n}@example.com`, { name: `Name ${n}` })));
      const { cursors } = await readAll(side, 'user', ['name']);
      const [cursor = ''] = cursors;
      expect(cursor.length).toBeLessThanOrEqual(200);
      expect(cursor).not.toMatch(/person|@|example/i);
      const page = await (await store.another()).readPage({ kind: 'user', attributes: ['name'] }, cursor);
      for await (const _ of page.csv) continue;
      expect({ rows: await page.rows, next: page.next }).toEqual({ rows: 2, next: null });
    });

    test('users and accounts are read apart, an attribute that nobody has is null for all', async () => {
      const side = await start([user('u', { name: 'U' }, 'A'), { kind: 'account', id: 'A', accountId: null, values: { name: 'Acme' } }]);
      expect((await readAll(side, 'account', ['name', 'nobodyHasThis'])).lines).toEqual([['A', '', 'Acme', '']]);
      expect((await readAll(side, 'user', ['name'])).lines).toEqual([['u', 'A', 'U']]);
    });

    test.each(awkwardTexts)('R24 text comes back as it was written, by page and by id: $title', async ({ text }) => {
      const side = await start([user('u', {})]);
      expect(await side.write('user', 'k', [{ id: 'u', set: { name: text, [oddName]: text } }])).toEqual(['applied']);
      expect((await readAll(side, 'user', ['name', oddName])).lines).toEqual([['u', '', text, text]]);
      expect(await side.readByIds('user', ['u'], [oddName, 'name'])).toEqual([{ id: 'u', accountId: null, values: { [oddName]: text, name: text } }]);
      expect(await side.write('user', 'k2', [{ id: 'u', set: { name: 'other' }, expect: { name: text, [oddName]: text } }])).toEqual(['applied']);
    });

    test.each(awkwardTexts.filter(({ text }) => text.length <= 100))('a person is found by an id of any form: $title', async ({ text: id }) => {
      const side = await start([user(id, { name: 'x' }, id)]);
      expect((await side.readByIds('user', [id], ['name'])).map((person) => [person.id, person.accountId])).toEqual([[id, id]]);
      expect(await side.write('user', 'k', [{ id, set: { name: 'y' }, expect: { name: 'x' } }])).toEqual(['applied']);
      expect((await readAll(side, 'user', ['name'])).lines).toEqual([[id, id, 'y']]);
    });

    test('R6 ids are told apart by every character', async () => {
      const side = await start([user('Zoë', { name: '1' }), user('Zoe\u0308', { name: '2' }), user('zoë', { name: '3' }), user('Zoë ', { name: '4' })]);
      expect(await side.write('user', 'k', [{ id: 'zoë', set: { name: 'x' } }, { id: 'ZOË', set: { name: 'x' } }])).toEqual(['applied', 'notFound']);
      expect(await valueOf(side, 'Zoë', 'name')).toBe('1');
      expect(await valueOf(side, 'Zoë ', 'name')).toBe('4');
    });

    test('R2 a write to somebody who is not there creates nobody', async () => {
      const side = await start([user('u', {})]);
      expect(await side.write('user', 'k', [{ id: 'gone', set: { name: 'x' } }, { id: 'gone', set: {}, expect: { name: null } }, { id: '', set: { name: 'x' } }, { id: 'a\0b', set: { name: 'x' } }])).toEqual(
        ['notFound', 'notFound', 'notFound', 'notFound'],
      );
      expect(await side.write('account', 'k2', [{ id: 'u', set: { name: 'x' } }])).toEqual(['notFound']);
      expect((await readAll(side, 'user', ['name'])).lines).toEqual([['u', '', '']]);
      expect((await readAll(side, 'account', ['name'])).sent).toBe(0);
    });

    test('those who are gone are missing from a read by ids', async () => {
      const side = await start([user('a', { name: 'A' }), user('b', {})]);
      const persons = await side.readByIds('user', ['a', 'gone', 'b', 'a\0'], ['name']);
      expect(persons.map(({ id, values }) => [id, values['name']]).toSorted()).toEqual([['a', 'A'], ['b', null]]);
      expect(await side.readByIds('user', [], ['name'])).toEqual([]);
    });

    test('a write happens only if the values are the ones expected, each write by itself', async () => {
      const side = await start([user('a', { name: 'old', score: '1' }), user('b', { name: 'edited' }), user('c', { name: 'new' })]);
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
      const side = await start([user('a', { name: 'n', score: '1' })]);
      expect(await side.write('user', 'k', [{ id: 'a', set: { name: 'x' }, expect: { score: '2' } }])).toEqual(['changed']);
      expect(await side.write('user', 'k2', [{ id: 'a', set: { name: 'x' }, expect: { score: null } }])).toEqual(['changed']);
      expect(await valueOf(side, 'a', 'name')).toBe('n');
    });

    test.each([null, ''])('null and empty are the same blank, to clear and to expect: %j', async (blank) => {
      const side = await start([user('a', { name: 'n', score: '1' }), user('b', {})]);
      expect(await side.write('user', 'k', [{ id: 'a', set: { name: blank } }, { id: 'b', set: { name: 'x' }, expect: { name: blank } }])).toEqual(['applied', 'applied']);
      expect(await valueOf(side, 'a', 'name')).toBeNull();
      expect(await side.write('user', 'k2', [{ id: 'a', set: { name: blank } }, { id: 'b', set: { name: 'y' }, expect: { name: blank } }])).toEqual(['unchanged', 'changed']);
      expect(await valueOf(side, 'a', 'score')).toBe('1');
    });

    test('a blank that somebody else left as empty text is a blank', async () => {
      const side = await start([user('a', { name: 'n' })]);
      await store.edit('user', 'a', 'name', '');
      expect(await side.write('user', 'k', [{ id: 'a', set: { name: 'x' }, expect: { name: null } }])).toEqual(['applied']);
    });

    test('a value of spaces is no blank to the store: it keeps text exactly', async () => {
      const side = await start([user('a', { name: ' ' })]);
      expect(await side.write('user', 'k', [{ id: 'a', set: { name: 'x' }, expect: { name: '' } }])).toEqual(['changed']);
    });

    test('the same batch key again gives the results of the first time and writes nothing', async () => {
      const side = await start([user('a', { name: 'old' })]);
      const writes = [{ id: 'a', set: { name: 'new' } }, { id: 'gone', set: { name: 'new' } }, { id: 'a', set: { score: 'x' } }];
      const first = await side.write('user', 'k', writes);
      expect(first).toEqual(['applied', 'notFound', { code: 'NOT_A_NUMBER' }]);
      await store.edit('user', 'a', 'name', 'edited in between');
      expect(await side.write('user', 'k', writes)).toEqual(first);
      expect(await (await store.another()).write('user', 'k', writes)).toEqual(first);
      expect(await valueOf(side, 'a', 'name')).toBe('edited in between');
    });

    test('a key that comes again with another number of writes is refused, as its results fit nothing', async () => {
      const side = await start([user('a', {})]);
      await side.write('user', 'k', [{ id: 'a', set: { name: 'x' } }]);
      await expect(side.write('user', 'k', [])).rejects.toMatchObject({ code: 'BATCH_KEY_REUSED' });
      await expect(side.write('account', 'k', [{ id: 'a', set: { name: 'x' } }])).rejects.toMatchObject({ code: 'BATCH_KEY_REUSED' });
    });

    test('two workers with one batch key at once: it is written once, both get the same results', async () => {
      const side = await start([user('a', { name: 'old' })]);
      const other = await store.another();
      const release = await store.hold('user', 'a');
      const writes = [{ id: 'a', set: { name: 'new' }, expect: { name: 'old' } }];
      const both = [side.write('user', 'k', writes), other.write('user', 'k', writes)];
      await store.waiting(2);
      await release();
      expect(await Promise.all(both)).toEqual([['applied'], ['applied']]);
    });

    test('two workers with one person at once: the second judges what the first one left', async () => {
      const side = await start([user('a', { name: 'old' })]);
      const other = await store.another();
      const release = await store.hold('user', 'a');
      const both = [side.write('user', 'k1', [{ id: 'a', set: { name: 'one' }, expect: { name: 'old' } }]), other.write('user', 'k2', [{ id: 'a', set: { name: 'two' }, expect: { name: 'old' } }])];
      await store.waiting(2);
      await release();
      expect((await Promise.all(both)).flat().toSorted()).toEqual(['applied', 'changed']);
    });

    test('batches that meet at many persons in opposite orders both come through', async () => {
      const persons = Array.from({ length: 300 }, (_, n) => user(`u${n}`, { score: '0' }));
      const side = await start(persons);
      const other = await store.another();
      const writes = (attribute: string) => persons.map(({ id }) => ({ id, set: { [attribute]: 'x' } }));
      const rounds = Array.from({ length: 5 }, (_, n) => [side.write('user', `f${n}`, writes('name')), other.write('user', `b${n}`, writes(oddName).toReversed())]).flat();
      await Promise.all(rounds);
      expect((await readAll(side, 'user', ['name', oddName])).lines.every(([, , a, b]) => a === 'x' && b === 'x')).toBe(true);
    });

    test('a connection that dies before the commit has written nothing, and the same key writes then', async () => {
      const side = await start([user('a', { name: 'old' }), user('b', { name: 'old' })]);
      const writes = [{ id: 'a', set: { name: 'new' }, expect: { name: 'old' } }, { id: 'b', set: { name: 'new' }, expect: { name: 'old' } }];
      const release = await store.hold('user', 'b');
      const cutOff = expect(side.write('user', 'k', writes)).rejects.toMatchObject({ name: 'Failure', kind: 'transient' });
      await store.waiting(1);
      await store.cut();
      await cutOff;
      await release();
      expect(await valueOf(side, 'a', 'name')).toBe('old');
      expect(await side.write('user', 'k', writes)).toEqual(['applied', 'applied']);
    });

    test('R27 a page that breaks off rejects, its count too, and the store can be read again', async () => {
      const side = await start();
      const wide = 'w'.repeat(400_000);
      await store.seed(types, Array.from({ length: store.personsPerPage }, (_, n) => user(`u${n}`, { name: wide, [oddName]: wide })));
      const attributes = Array.from({ length: 20 }, (_, n) => (n % 2 === 0 ? 'name' : oddName));
      const page = await side.readPage({ kind: 'user', attributes }, 'start');
      const reading = (async () => {
        let cut = false;
        for await (const _ of page.csv) {
          if (!cut) await store.cut();
          cut = true;
        }
      })();
      await expect(reading).rejects.toMatchObject({ name: 'Failure', kind: 'transient' });
      await expect(page.rows).rejects.toThrow();
      expect((await readAll(side, 'user', [])).sent).toBe(store.personsPerPage);
    });

    test('a reader that stops early leaves the store usable', async () => {
      const side = await start([user('a', { name: 'A' })]);
      for (let n = 0; n < 20; n += 1) {
        const page = await side.readPage({ kind: 'user', attributes: ['name'] }, 'start');
        for await (const _ of page.csv) break;
        await expect(page.rows).rejects.toThrow();
      }
      expect((await readAll(side, 'user', ['name'])).sent).toBe(1);
    });

    test('an attribute that the store does not know is refused, the other writes of the batch happen', async () => {
      const side = await start([user('a', {}), user('b', {})]);
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
      ['seen', 'NOT_A_DATE_TIME', ['2026-02-30T00:00:00.000Z', '2026-01-01', '2026-01-01T00:00:00Z', '2026-01-01T25:00:00.000Z'], ['2026-01-01T00:00:00.000Z']],
      ['name', 'NOT_TEXT', ['a\0b', '\ud83d'], ['x']],
    ])('R24 a value that does not fit its type is refused: %s', async (attribute, code, unfit, fit) => {
      const side = await start([user('a', {})]);
      for (const [n, value] of unfit.entries()) expect(await side.write('user', `no ${attribute} ${n}`, [{ id: 'a', set: { [attribute]: value } }]), value).toEqual([{ code }]);
      expect(await valueOf(side, 'a', attribute)).toBeNull();
      for (const [n, value] of fit.entries()) {
        expect(await side.write('user', `yes ${attribute} ${n}`, [{ id: 'a', set: { [attribute]: value } }]), value).toEqual(['applied']);
        expect(await valueOf(side, 'a', attribute)).toBe(value);
      }
    });

    test('several writes to one person in one batch happen one after the other', async () => {
      const side = await start([user('a', { name: '0' })]);
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
      const side = await start(persons);
      const large = 'v'.repeat(10_000);
      const writes = persons.map(({ id }) => ({ id, set: { name: large }, expect: { score: '0' } })).toReversed();
      const expected = persons.map((_, n) => (n % 3 === 0 ? 'applied' : 'changed')).toReversed();
      expect(await side.write('user', 'k', writes)).toEqual(expected);
      expect(await side.write('user', 'k', writes)).toEqual(expected);
    });

    test('an empty batch is a batch', async () => {
      const side = await start();
      expect(await side.write('user', 'k', [])).toEqual([]);
      expect(await side.write('user', 'k', [])).toEqual([]);
    });
  });
}
