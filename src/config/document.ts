import { isAlias, isMap, isScalar, isSeq, LineCounter, parseDocument } from 'yaml';
import type { Document, Node } from 'yaml';
import { didYouMean } from './nearest.ts';
import type { Problem } from './problems.ts';
import type { Row } from './table.ts';

/** A scalar as it is spelled in the file; `isNull` if YAML reads it as null. */
export interface Leaf {
  readonly text: string;
  readonly isNull: boolean;
  readonly line: number;
}

/** A value of the file under a key of the settings table, aliases resolved. */
export type Value =
  | ({ readonly is: 'leaf' } & Leaf)
  | { readonly is: 'list'; readonly line: number; readonly items: readonly Value[] }
  | { readonly is: 'map'; readonly line: number; readonly entries: ReadonlyMap<string, Value> };

export interface ReadDocument {
  /** Dotted key of a row to what the file says. */
  readonly values: ReadonlyMap<string, Value>;
  readonly problems: readonly Problem[];
}

/** Keys of the table as a tree. */
type Branch = Map<string, Branch | Row>;

function treeOf(table: readonly Row[]): Branch {
  const root: Branch = new Map();
  for (const row of table) {
    const path = row.key.split('.');
    const last = path.pop()!;
    let at = root;
    for (const part of path) {
      const next = at.get(part) ?? new Map<string, Branch | Row>();
      at.set(part, next);
      at = next as Branch;
    }
    at.set(last, row);
  }
  return root;
}

const whatIs = (node: Node | null): string => (isMap(node) ? 'a map' : isSeq(node) ? 'a list' : 'a single value');

/** Aliases nested in the aliases of lists and maps can be many more than the file is long. */
const maxDepth = 4;

class Reader {
  readonly problems: Problem[] = [];
  readonly values = new Map<string, Value>();
  readonly #document: Document;
  readonly #lines: LineCounter;

  constructor(document: Document, lines: LineCounter) {
    this.#document = document;
    this.#lines = lines;
  }

  #lineOf(node: Node | null, fallback: number): number {
    const offset = node?.range?.[0];
    return offset === undefined ? fallback : this.#lines.linePos(offset).line;
  }

  #resolved(node: unknown): Node | null {
    if (!isAlias(node)) return (node as Node | null | undefined) ?? null;
    const found = node.resolve(this.#document);
    if (found === undefined)
      this.problems.push({
        line: this.#lineOf(node, 1),
        key: '',
        message: `is no YAML: the alias *${node.source} has no anchor &${node.source} before it`,
      });
    return found ?? null;
  }

  /** Pairs of a map with their keys as text; keys that are no text are problems. */
  *#pairs(node: Node, key: string, line: number): Generator<{ readonly name: string; readonly value: unknown; readonly line: number }> {
    if (!isMap(node)) return;
    // Found here: the parser compares each key with all before it.
    const names = new Set<string>();
    for (const { key: keyNode, value } of node.items) {
      const found = this.#resolved(keyNode);
      const at = this.#lineOf(isAlias(keyNode) ? keyNode : found, line);
      if (isScalar(found)) {
        const name = String(found.value);
        if (names.has(name)) this.problems.push({ line: at, key: name, message: 'stands here a second time; allowed: each key once' });
        names.add(name);
        yield { name, value, line: at };
      } else this.problems.push({ line: at, key, message: `${whatIs(found)} cannot be a key` });
    }
  }

  #value(node: unknown, key: string, line: number, depth: number): Value | undefined {
    const found = this.#resolved(node);
    const at = this.#lineOf(isAlias(node) ? node : found, line);
    if (found === null) return { is: 'leaf', text: '', isNull: true, line: at };
    if (isScalar(found)) {
      const text = typeof found.value === 'string' ? found.value : (found.source ?? String(found.value));
      return { is: 'leaf', text, isNull: found.value === null, line: at };
    }
    if (depth >= maxDepth) {
      this.problems.push({ line: at, key, message: 'is nested too deep' });
      return undefined;
    }
    if (isSeq(found)) {
      const items = found.items.map((item, index) => this.#value(item, `${key}[${index}]`, at, depth + 1));
      return { is: 'list', line: at, items: items.filter((item) => item !== undefined) };
    }
    const entries = new Map<string, Value>();
    for (const pair of this.#pairs(found, key, at)) {
      const value = this.#value(pair.value, `${key}.${pair.name}`, pair.line, depth + 1);
      // The line of an entry is that of its key: a value may begin on the next one.
      if (value !== undefined) entries.set(pair.name, { ...value, line: pair.line });
    }
    return { is: 'map', line: at, entries };
  }

  walk(node: unknown, branch: Branch, prefix: string, line: number): void {
    const found = this.#resolved(node);
    if (found === null || (isScalar(found) && found.value === null)) return;
    const names = [...branch.keys()];
    if (!isMap(found)) {
      const example = prefix === '' ? 'keys at the start of a line, each with a colon' : `keys below it: ${names.join(', ')}`;
      this.problems.push({ line, key: prefix, message: `is ${whatIs(found)}; allowed: a map, ${example}` });
      return;
    }
    for (const pair of this.#pairs(found, prefix, line)) {
      const key = prefix === '' ? pair.name : `${prefix}.${pair.name}`;
      const below = branch.get(pair.name);
      if (below === undefined) {
        this.problems.push({ line: pair.line, key, message: `is no setting; allowed: ${names.join(', ')}${didYouMean(pair.name, names)}` });
      } else if (below instanceof Map) {
        this.walk(pair.value, below, key, pair.line);
      } else {
        const value = this.#value(pair.value, key, pair.line, 0);
        if (value !== undefined) this.values.set(key, { ...value, line: pair.line });
      }
    }
  }
}

/** Reads YAML 1.2 text by a settings table: everything that can be said without knowing what values mean. */
export function readDocument(source: string, table: readonly Row[]): ReadDocument {
  const lineCounter = new LineCounter();
  const document = parseDocument(source, { version: '1.2', lineCounter, prettyErrors: false, uniqueKeys: false, logLevel: 'error' });
  const lines = source.split('\n');
  const problems = document.errors.map(({ code, message, pos }) => {
    const { line, col } = lineCounter.linePos(pos[0]);
    const tab = code === 'TAB_AS_INDENT' || lines[line - 1]?.slice(0, col).includes('\t') ? ' (YAML is indented with spaces, never with tabs)' : '';
    if (code === 'MULTIPLE_DOCS') return { line, key: '', message: 'a second document begins here; allowed: one' };
    return { line, key: '', message: `is no YAML: ${message.trim()}${tab}` };
  });
  // After an error the tree means nothing.
  if (problems.length > 0) return { values: new Map(), problems };
  const reader = new Reader(document, lineCounter);
  reader.walk(document.contents, treeOf(table), '', 1);
  return { values: reader.values, problems: [...problems, ...reader.problems] };
}
