import { expect, test } from 'vitest';
import { oddName, readAll, type Stage, types, user } from './contract-store.ts';

/** What every adapter must do when it is read. */
export function readingContract(stage: Stage): void {
  test('the identity is the same for everybody and stays', async () => {
    const side = await stage.start();
    const first = await side.identity();
    expect(first).not.toBe('');
    expect(await side.identity()).toBe(first);
    expect(await (await stage.store.another()).identity()).toBe(first);
  });

  test('describe tells the attributes of both kinds with their types, the ids not among them', async () => {
    const described = await (await stage.start()).describe();
    expect(new Set(described.user)).toEqual(new Set(types.user));
    expect(described.account).toEqual(types.account);
  });

  test('R27 a read gives every person exactly once, and the rows sent add up to them', async () => {
    const side = await stage.start();
    const count = stage.store.personsPerPage * 2 + 1;
    await stage.store.seed(
      types,
      Array.from({ length: count }, (_, n) => user(`u${n}`, { name: `Name ${n}`, score: n % 2 === 0 ? null : String(n) }, `A${n % 3}`)),
    );
    const { lines, sent, cursors } = await readAll(side, 'user', ['score', 'name']);
    expect(sent).toBe(count);
    expect(cursors).toHaveLength(2);
    expect(lines.toSorted()).toEqual(
      Array.from({ length: count }, (_, n) => [`u${n}`, `A${n % 3}`, n % 2 === 0 ? '' : String(n), `Name ${n}`]).toSorted(),
    );
  });

  test('R27 a page that is exactly full is the last one when nobody is left', async () => {
    const side = await stage.start();
    await stage.store.seed(
      types,
      Array.from({ length: stage.store.personsPerPage }, (_, n) => user(`u${n}`, {})),
    );
    const { sent, cursors } = await readAll(side, 'user', []);
    expect({ sent, cursors }).toEqual({ sent: stage.store.personsPerPage, cursors: [] });
  });

  test('an empty store is one complete page without rows', async () => {
    const { lines, sent, cursors } = await readAll(await stage.start(), 'account', ['name']);
    expect({ lines, sent, cursors }).toEqual({ lines: [], sent: 0, cursors: [] });
  });

  test('a page can be read again from its cursor, by another worker too, and the cursor says nothing of anybody', async () => {
    const side = await stage.start();
    await stage.store.seed(
      types,
      Array.from({ length: stage.store.personsPerPage + 2 }, (_, n) => user(`person.${n}@example.com`, { name: `Name ${n}` })),
    );
    const { cursors } = await readAll(side, 'user', ['name']);
    const [cursor = ''] = cursors;
    expect(cursor.length).toBeLessThanOrEqual(200);
    expect(cursor).not.toMatch(/person|@|example/i);
    const page = await (await stage.store.another()).readPage({ kind: 'user', attributes: ['name'] }, cursor);
    for await (const _ of page.csv) continue;
    expect({ rows: await page.rows, next: page.next }).toEqual({ rows: 2, next: null });
  });

  test('users and accounts are read apart, an attribute that nobody has is null for all', async () => {
    const side = await stage.start([user('u', { name: 'U' }, 'A'), { kind: 'account', id: 'A', accountId: null, values: { name: 'Acme' } }]);
    expect((await readAll(side, 'account', ['name', 'nobodyHasThis'])).lines).toEqual([['A', '', 'Acme', '']]);
    expect((await readAll(side, 'user', ['name'])).lines).toEqual([['u', 'A', 'U']]);
  });

  test('those who are gone are missing from a read by ids', async () => {
    const side = await stage.start([user('a', { name: 'A' }), user('b', {})]);
    const persons = await side.readByIds('user', ['a', 'gone', 'b', 'a\0'], ['name']);
    expect(persons.map(({ id, values }) => [id, values['name']]).toSorted()).toEqual([
      ['a', 'A'],
      ['b', null],
    ]);
    expect(await side.readByIds('user', [], ['name'])).toEqual([]);
  });

  test('R27 a page that breaks off rejects, its count too, and the store can be read again', async () => {
    const side = await stage.start();
    const wide = 'w'.repeat(400_000);
    await stage.store.seed(
      types,
      Array.from({ length: stage.store.personsPerPage }, (_, n) => user(`u${n}`, { name: wide, [oddName]: wide })),
    );
    const attributes = Array.from({ length: 20 }, (_, n) => (n % 2 === 0 ? 'name' : oddName));
    const page = await side.readPage({ kind: 'user', attributes }, 'start');
    const reading = (async () => {
      let cut = false;
      for await (const _ of page.csv) {
        if (!cut) await stage.store.cut();
        cut = true;
      }
    })();
    await expect(reading).rejects.toMatchObject({ name: 'Failure', kind: 'transient' });
    await expect(page.rows).rejects.toThrow();
    expect((await readAll(side, 'user', [])).sent).toBe(stage.store.personsPerPage);
  });

  test('a reader that stops early leaves the store usable', async () => {
    const side = await stage.start();
    const wide = 'w'.repeat(400_000);
    await stage.store.seed(types, [user('a', { name: wide }), user('b', { name: wide })]);
    // More often than the store has connections: one that stayed in the middle of a page would be missed.
    for (let n = 0; n < 12; n += 1) {
      const page = await side.readPage({ kind: 'user', attributes: Array.from({ length: 20 }, () => 'name') }, 'start');
      for await (const _ of page.csv) break;
      await expect(page.rows).rejects.toThrow();
    }
    expect((await readAll(side, 'user', [])).sent).toBe(2);
  });
}
