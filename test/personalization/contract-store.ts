import { parse } from 'csv-parse/sync';
import { expect } from 'vitest';
import type { PersonKind } from '../../src/domain/objects.ts';
import type { AttributeTypes, Cursor, Person, PersonalizationSide } from '../../src/personalization/port.ts';

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

/** One test's store: made when the test starts it, ended after it. */
export interface Stage {
  readonly store: ContractStore;
  start(persons?: readonly SeedPerson[]): Promise<PersonalizationSide>;
}

export const types: AttributeTypes = {
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
export const oddName = types.user[5]?.name ?? '';

export function user(id: string, values: Person['values'], accountId: string | null = null): SeedPerson {
  return { kind: 'user', id, accountId, values };
}

export async function readAll(
  side: PersonalizationSide,
  kind: PersonKind,
  attributes: readonly string[],
): Promise<{ readonly lines: string[][]; readonly sent: number; readonly cursors: Cursor[] }> {
  const lines: string[][] = [];
  const cursors: Cursor[] = [];
  let sent = 0;
  for (let from: Cursor | null = 'start'; from !== null;) {
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

export async function valueOf(side: PersonalizationSide, id: string, attribute: string): Promise<string | null | undefined> {
  return (await side.readByIds('user', [id], [attribute]))[0]?.values[attribute];
}
