import { existsSync, globSync, readFileSync, statSync } from 'node:fs';
import path from 'node:path';
import { expect, test } from 'vitest';

const root = path.join(import.meta.dirname, '../..');
const text = readFileSync(path.join(root, 'docs/rules.md'), 'utf8');

interface Rule {
  readonly name: string;
  readonly enforced: readonly string[];
  readonly tested: readonly string[];
}

function paths(section: string, label: string): readonly string[] {
  const line = new RegExp(`^- ${label}: (.*)$`, 'm').exec(section)?.[1] ?? '';
  return [...line.matchAll(/`([^`]+)`/g)].map(([, found = '']) => found);
}

const rules: readonly Rule[] = text
  .split(/^### (?=R\d+ )/m)
  .slice(1)
  .map((section) => ({
    name: /^R\d+/.exec(section)?.[0] ?? '',
    enforced: paths(section, 'enforced'),
    tested: paths(section, 'tested'),
  }));

/** `R6-R9` names four rules. */
function rulesIn(title: string): readonly string[] {
  const ranges = [...title.matchAll(/\bR(\d+)-R(\d+)\b/g)].flatMap(([, from, to]) =>
    Array.from({ length: Number(to) - Number(from) + 1 }, (_, index) => `R${Number(from) + index}`),
  );
  return [...new Set([...ranges, ...[...title.matchAll(/\bR\d+\b/g)].map(([name]) => name)])];
}

/** Titles of tests and of groups of them, with the file; the worlds of `test/rules` are tests by their names. */
const titles: readonly { readonly file: string; readonly title: string }[] = [
  ...globSync(['test/**/*.ts', 'simulator/test/**/*.ts'], { cwd: root }).flatMap((file) =>
    [...readFileSync(path.join(root, file), 'utf8').matchAll(/^\s*(?:test|describe)(?:\.\w+(?:\([^\n]*?\))?)*\(\s*(['"`])(.*?)\1/gms)].map(
      ([, , title = '']) => ({
        file,
        title,
      }),
    ),
  ),
  ...globSync('test/rules/R*/about.txt', { cwd: root }).map((about) => ({ file: path.dirname(about), title: path.basename(path.dirname(about)) })),
];

test('the rules are R1 to R27, each once and in order', () => {
  expect(rules.map(({ name }) => name)).toEqual(Array.from({ length: 27 }, (_, index) => `R${index + 1}`));
});

test('every rule says where it is enforced and tested', () => {
  for (const { name, enforced, tested } of rules) {
    expect(enforced.length, `${name}: enforced`).toBeGreaterThan(0);
    expect(tested.length, `${name}: tested`).toBeGreaterThan(0);
  }
});

test('what the rules point at is there', () => {
  for (const { name, enforced, tested } of rules) {
    for (const place of [...enforced, ...tested]) expect(existsSync(path.join(root, place)), `${name}: ${place}`).toBe(true);
  }
});

test.for(rules)('a test names $name', ({ name, tested }) => {
  const naming = titles.filter(({ title }) => rulesIn(title).includes(name)).map(({ file }) => file);
  expect(naming, `no test names ${name}`).not.toEqual([]);
  for (const place of tested) {
    // A directory is a world, a file of cases is used by the suites of its folder: both show the rule without a title of their own.
    if (statSync(path.join(root, place)).isDirectory() || !place.endsWith('.test.ts'))
      expect(rulesIn(`${path.basename(place)} ${readIfFile(place)}`)).toContain(name);
    else expect(naming, `${place} has no test that names ${name}`).toContain(place);
  }
});

function readIfFile(place: string): string {
  const file = path.join(root, place);
  return statSync(file).isFile() ? readFileSync(file, 'utf8') : '';
}

test('no test names a rule that does not exist', () => {
  const known = new Set(rules.map(({ name }) => name));
  const unknown = titles.flatMap(({ file, title }) =>
    rulesIn(title)
      .filter((name) => !known.has(name))
      .map((name) => `${file}: ${name}`),
  );
  expect(unknown).toEqual([]);
});
