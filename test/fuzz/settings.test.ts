import fc from 'fast-check';
import { expect, test } from 'vitest';
import { stringify } from 'yaml';
import { readSettings } from '../../src/config/load.ts';
import { settingsTable } from '../../src/config/table.ts';
import { renderTemplate } from '../../src/config/template.ts';
import { Failure } from '../../src/domain/failure.ts';

const env = { SECRET: 'hunter2-never-shown', SALESFORCE_CLIENT_SECRET: 'hunter2-never-shown' };

/** Settings, or a refusal with exit code 2 in which every line names a place; and no secret of the environment in it. */
function readOrRefuse(text: string): void {
  try {
    readSettings({ text, env });
  } catch (error) {
    if (!(error instanceof Failure)) throw error;
    expect(error).toMatchObject({ code: 'SETTINGS', exitCode: 2 });
    expect(error.message).toContain('crm-sync.yaml');
    expect(`${error.message}${error.remedy}`).not.toContain('hunter2');
    expect(error.message.length).toBeLessThan(60_000);
  }
}

test('any text is settings, or is refused with its places', () => {
  const yamlish = fc.constantFrom(
    'a: ',
    '- ',
    '\n',
    '  ',
    '\t',
    '{',
    '}',
    '[',
    ']',
    '&x ',
    '*x',
    '!!binary ',
    '!<tag> ',
    '|',
    '>',
    '---\n',
    '...\n',
    '%YAML 1.2\n',
    '<<: ',
    '? ',
    ': ',
    '"',
    "'",
    '# ',
    'salesforce:',
    'objects:',
    'name: ',
    '~',
    '0x1F',
    '.inf',
    '2026-11-29',
    '${SECRET}',
    '\u0000',
    '\uFEFF',
    '\u2028',
  );
  const text = fc.oneof(
    fc.string({ unit: 'binary', maxLength: 200 }),
    fc.array(fc.oneof(yamlish, fc.string({ maxLength: 5 })), { maxLength: 25 }).map((parts) => parts.join('')),
  );
  fc.assert(fc.property(text, readOrRefuse), { numRuns: 250 });
});

const anything = fc.oneof(
  fc.jsonValue({ maxDepth: 3 }),
  fc.constantFrom(
    '${SECRET}',
    '${MISSING}',
    '${',
    'x'.repeat(3_000),
    '0 2 * * *',
    '* * * * * *',
    '99%',
    '-1',
    '1e999',
    'Europe/Berlin',
    '5m',
    'https://example.com',
    '\0',
    '__proto__',
    null,
    true,
    -0,
    1e21,
  ),
);

test('a value of any type at any key is taken, or refused with its line', () => {
  const entries = fc.array(fc.tuple(fc.constantFrom(...settingsTable.map(({ key }) => key)), anything), { minLength: 1, maxLength: 5 });
  fc.assert(
    fc.property(entries, (given) => {
      const document: Record<string, unknown> = {};
      for (const [key, value] of given) {
        const path = key.split('.');
        let at = document;
        for (const part of path.slice(0, -1)) {
          const next = at[part];
          at = (at[part] = typeof next === 'object' && next !== null && !Array.isArray(next) ? next : {}) as Record<string, unknown>;
        }
        at[path.at(-1) ?? ''] = value;
      }
      readOrRefuse(stringify(document, { aliasDuplicateObjects: false }));
    }),
    { numRuns: 250 },
  );
});

test('the template with some of its text gone, doubled or replaced is taken, or refused', () => {
  const template = renderTemplate().replaceAll(/^(\s*)# (\w+:.*)$/gm, '$1$2');
  fc.assert(
    fc.property(
      fc.nat(template.length),
      fc.nat(40),
      fc.oneof(
        fc.string({ maxLength: 10 }),
        fc.nat(template.length).map((at) => template.slice(at, at + 40)),
      ),
      (at, gone, put) => {
        readOrRefuse(template.slice(0, at) + put + template.slice(at + gone));
      },
    ),
    { numRuns: 250 },
  );
});

test.each([
  [
    'aliases that unfold to thousands of millions',
    `a: &a [x,x,x,x,x,x,x,x,x,x]\n${Array.from({ length: 9 }, (_, n) => `b${n}: &b${n} [${Array.from({ length: 10 }, () => `*${n === 0 ? 'a' : `b${n - 1}`}`).join(',')}]`).join('\n')}\nignoreValues: *b8\n`,
  ],
  ['an alias of itself', 'objects: &o\n  contact: *o\n'],
  ['100,000 levels', `ignoreValues: ${'['.repeat(100_000)}`],
  ['20,000 wrong keys', Array.from({ length: 20_000 }, (_, n) => `k${n}: 1`).join('\n')],
  ['a line of ten megabytes', `name: ${'x'.repeat(10_000_000)}`],
  ['a key of a megabyte', `${'k'.repeat(1_000_000)}: 1`],
] as const)('%s: refused in time', (_what, text) => {
  const began = performance.now();
  readOrRefuse(text);
  expect(performance.now() - began).toBeLessThan(15_000);
});
