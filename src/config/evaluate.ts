import type { Variables } from './environment.ts';
import type { Leaf, Value } from './document.ts';
import { interpolate } from './interpolation.ts';
import type { Kind } from './kinds.ts';
import { didYouMean } from './nearest.ts';
import type { Problem } from './problems.ts';
import type { Column, ListRow, ScalarRow } from './table.ts';

/** The values of one entry of a list, in the types of its columns. */
export type Entry<C extends Readonly<Record<string, Column<unknown>>>> = {
  readonly [K in keyof C]: C[K] extends { readonly many: true } ? readonly KindValue<C[K]>[] : KindValue<C[K]>;
};
type KindValue<C> = C extends { readonly kind: Kind<infer V> } ? V : never;

const quoted = (text: string): string => JSON.stringify(text.length > 60 ? `${text.slice(0, 60)}...` : text);

/** Turns what a file says into the values that the table promises, and collects what is wrong on the way. */
export class Evaluation {
  readonly problems: Problem[];
  readonly #values: ReadonlyMap<string, Value>;
  readonly #variables: Variables;

  constructor(values: ReadonlyMap<string, Value>, problems: readonly Problem[], variables: Variables) {
    this.#values = values;
    this.problems = [...problems];
    this.#variables = variables;
  }

  lineOf(key: string): number | undefined {
    return this.#values.get(key)?.line;
  }

  report(line: number | undefined, key: string, message: string): void {
    // Line 0: what the command line says, which has no line.
    this.problems.push({ line: line === 0 ? undefined : line, key, message });
  }

  #read<V>(leaf: Leaf, key: string, kind: Kind<V>, secret: boolean): V | undefined {
    const replaced = interpolate(leaf.text, this.#variables);
    if ('problem' in replaced) {
      this.report(leaf.line, key, replaced.problem);
      return undefined;
    }
    const reading = kind.read(replaced.value);
    if ('value' in reading) return reading.value;
    // What came from the environment may be a secret wherever it stands.
    const shown = secret || replaced.value !== leaf.text ? 'the value' : quoted(leaf.text);
    const near = didYouMean(replaced.value, kind.choices ?? []);
    this.report(leaf.line, key, `${shown} ${reading.problem}; allowed: ${kind.allowed}${near}`);
    return undefined;
  }

  /** The value, its default where the file says nothing or null, and the default also where it is wrong: then a problem is noted. */
  scalar<V>(row: ScalarRow<V>): V {
    const value = this.#values.get(row.key);
    const standard = (): V => {
      if (row.default === undefined) return undefined as V;
      const reading = row.kind.read(row.default);
      if ('problem' in reading) throw new Error(`The default of ${row.key} ${reading.problem}`);
      return reading.value as V;
    };
    if (value === undefined || (value.is === 'leaf' && value.isNull)) return standard();
    if (value.is !== 'leaf') {
      this.report(value.line, row.key, `is a ${value.is}; allowed: ${row.kind.allowed}`);
      return standard();
    }
    return (this.#read(value, row.key, row.kind, row.secret) as V | undefined) ?? standard();
  }

  /** A list of texts, or undefined where the file says nothing. */
  texts(row: ListRow, kind: Kind<string>): readonly string[] | undefined {
    const value = this.#values.get(row.key);
    if (value === undefined || (value.is === 'leaf' && value.text === '' && value.isNull)) return undefined;
    return this.#many(value, row.key, kind);
  }

  #many<V>(value: Value, key: string, kind: Kind<V>): readonly V[] {
    if (value.is === 'map') {
      this.report(value.line, key, `is a map; allowed: ${kind.allowed}, or a list of such`);
      return [];
    }
    const items = value.is === 'list' ? value.items : [value];
    return items.flatMap((item, index) => {
      const itemKey = value.is === 'list' ? `${key}[${index}]` : key;
      if (item.is !== 'leaf') this.report(item.line, itemKey, `is a ${item.is}; allowed: ${kind.allowed}`);
      const read = item.is === 'leaf' ? this.#read(item, itemKey, kind, false) : undefined;
      return read === undefined ? [] : [read];
    });
  }

  /** The entries of a list; one that is wrong is left out and noted. Each comes with the key it stands under, such as `objects.contact.pull[0]`. */
  entries<C extends Readonly<Record<string, Column<unknown>>>>(row: ListRow & { readonly columns: C }): readonly (Entry<C> & Place)[] {
    const value = this.#values.get(row.key);
    const columns: Readonly<Record<string, Column<unknown>>> = row.columns;
    const names = Object.keys(columns);
    if (value === undefined || (value.is === 'leaf' && value.isNull)) return [];
    const allowed = `allowed: a list of maps with the keys ${names.join(', ')}, such as ${row.example[0] ?? '[]'}`;
    if (value.is !== 'list') {
      this.report(value.line, row.key, `is a ${value.is === 'map' ? 'map' : 'single value'}; ${allowed}`);
      return [];
    }
    return value.items.flatMap((item, index) => {
      const key = `${row.key}[${index}]`;
      if (item.is !== 'map') {
        this.report(item.line, key, `is a ${item.is === 'list' ? 'list' : 'single value'}; ${allowed}`);
        return [];
      }
      for (const [name, { line }] of item.entries) {
        if (!names.includes(name)) this.report(line, `${key}.${name}`, `is no setting; allowed: ${names.join(', ')}${didYouMean(name, names)}`);
      }
      const cells = names.map((name) => [name, this.#cell(item.entries.get(name), `${key}.${name}`, item.line, columns[name]!)] as const);
      return cells.some(([, cell]) => cell === undefined) ? [] : [{ ...(Object.fromEntries(cells) as Entry<C>), key, line: item.line }];
    });
  }

  #cell(value: Value | undefined, key: string, entryLine: number, column: Column<unknown>): unknown {
    if (value === undefined || (value.is === 'leaf' && value.isNull)) {
      if (column.default !== undefined) return this.#read({ text: column.default, isNull: false, line: entryLine }, key, column.kind, false);
      this.report(value?.line ?? entryLine, key, `is missing; allowed: ${column.kind.allowed}`);
      return undefined;
    }
    if (column.many) {
      const read = this.#many(value, key, column.kind);
      if (value.is === 'list' && value.items.length === 0)
        this.report(value.line, key, `is an empty list; allowed: ${column.kind.allowed}, or a list of such`);
      return read.length === 0 ? undefined : read;
    }
    if (value.is === 'leaf') return this.#read(value, key, column.kind, false);
    this.report(value.line, key, `is a ${value.is}; allowed: ${column.kind.allowed}`);
    return undefined;
  }
}

/** Where an entry of a list stands. */
export interface Place {
  readonly key: string;
  readonly line: number;
}
