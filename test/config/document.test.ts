import { mkdtempSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { Failure } from '../../src/domain/failure.ts';
import { loadSettings, readSettings } from '../../src/config/load.ts';
import { settingsTable } from '../../src/config/table.ts';
import { errorsOf, failureOf, load } from './failure.ts';

const folder = mkdtempSync(join(tmpdir(), 'crm-sync-config-'));

describe('the file', () => {
  test('a missing file says how to write one', () => {
    const failure = failureOf(() => loadSettings({ file: join(folder, 'none.yaml'), env: {} }));
    expect(failure.message).toContain('none.yaml');
    expect(failure.remedy).toContain('crm-sync init');
    expect(failure.exitCode).toBe(2);
  });

  test('a folder in its place is refused', () => {
    expect(failureOf(() => loadSettings({ file: folder, env: {} })).exitCode).toBe(2);
  });

  test('what is not UTF-8 is refused, a BOM is taken', () => {
    const file = join(folder, 'latin1.yaml');
    writeFileSync(file, Buffer.from('# caf\xE9\nname: x\n', 'latin1'));
    expect(failureOf(() => loadSettings({ file, env: {} })).message).toContain('is not UTF-8');
    writeFileSync(file, '\uFEFFname: bom\n');
    expect(loadSettings({ file, env: {} }).name).toBe('bom');
  });

  test('every error is told at once, in the order of the file, with file, line and key', () => {
    const file = join(folder, 'many.yaml');
    writeFileSync(
      file,
      'approval: maybe\nobjects:\n  contact:\n    matchFeilds: []\n    pull:\n      - from: Title\n        to: a\n      - from: Phone\n        too: b\n  contcat: {}\nlimitWrites: x\n',
    );
    const lines = failureOf(() => loadSettings({ file, env: {} })).message.split('\n');
    expect(lines[0]).toBe('6 errors in the settings:');
    expect(lines.slice(1).map((line) => line.slice(file.length).split(': ').slice(0, 2).join(': '))).toEqual([
      ':1: approval',
      ':4: objects.contact.matchFeilds',
      ':8: objects.contact.pull[1].to',
      ':9: objects.contact.pull[1].too',
      ':10: objects.contcat',
      ':11: limitWrites',
    ]);
    expect(lines[2]).toContain('allowed: idAttribute, matchFields,');
    expect(lines[2]).toContain('did you mean matchFields?');
    expect(lines[4]).toContain('did you mean to?');
    expect(lines[5]).toContain('did you mean contact?');
  });

  test.each([
    ['name: a\nname: b', 2, 'name: stands here a second time'],
    ['objects:\n\tcontact: {}', 2, 'never with tabs'],
    ['- name: a', 1, 'is a list; allowed: a map'],
    ['hello', 1, 'is a single value; allowed: a map'],
    ['name: a\n---\nname: b', 2, 'second document'],
    ['name: "a', 1, 'is no YAML'],
    ['? [a]\n: b', 1, 'a list cannot be a key'],
    ['name: *nowhere', 1, 'is no YAML'],
    ['name: a\nnaem: b', 2, 'did you mean name?'],
  ])('%j is refused', (text, line, expected) => {
    const errors = errorsOf(text);
    expect(errors[0]).toMatch(new RegExp(`^crm-sync\\.yaml:${line}: `));
    expect(errors.join('\n')).toContain(expected);
  });

  test('a duplicate key does not hide the other errors', () => {
    expect(errorsOf('name: a\nname: b\nfoo: 1')).toHaveLength(2);
  });

  test('anchors and aliases are followed', () => {
    const settings = load(
      'objects:\n  contact:\n    matchFields: &m [{ salesforce: Phone, personalization: phone }]\n  lead:\n    matchFields: *m\n',
    );
    expect(settings.objects.lead.matchFields).toEqual(settings.objects.contact.matchFields);
  });

  test('lines of all that is set are kept for later checks', () => {
    const { positions } = readSettings({ text: 'objects:\n  contact:\n    pull:\n      - from: Title\n        to: a\n', env: {} });
    expect(positions.get('objects.contact.pull[0].to')).toBe(5);
    expect(positions.get('objects.contact.pull')).toBe(3);
  });
});

describe('overrides and defaults', () => {
  test('overrides go before the file, the file before given defaults', () => {
    const options = { defaults: { approval: 'never', 'objects.lead.enabled': true }, overrides: { name: 'two' } } as const;
    expect(load('name: one', options)).toMatchObject({ name: 'two', approval: 'never', objects: { lead: { enabled: true } } });
    expect(load('approval: always', options).approval).toBe('always');
  });

  test('an override of no setting is refused', () => {
    expect(failureOf(() => load('', { overrides: { aproval: 'never' } })).message).toContain('did you mean approval?');
  });

  test('a wrong override is told without a line', () => {
    expect(errorsOf('', { overrides: { approval: 'x' } })[0]).not.toContain(':0:');
  });
});

describe('properties', () => {
  const onlyFailures = (text: string): void => {
    try {
      load(text);
    } catch (error) {
      if (!(error instanceof Failure) || error.exitCode !== 2) throw error;
    }
  };

  test('junk is refused with a failure, or taken, and never crashes', () => {
    fc.assert(fc.property(fc.string({ unit: 'binary', maxLength: 200 }), onlyFailures), { numRuns: 500 });
    const yamlish = fc.array(
      fc.constantFrom(
        'name',
        'objects',
        'contact',
        'pull',
        'from',
        ':',
        ': ',
        '\n',
        '\n  ',
        '\n    ',
        '- ',
        '[',
        ']',
        '{',
        '}',
        ', ',
        '&a ',
        '*a',
        '"',
        "'",
        '|',
        '>',
        '!!',
        '? ',
        '~',
        '${X}',
        '${',
        '<<',
        '1',
        '%',
        '\t',
        '#',
        '---',
        'constructor',
        '__proto__',
      ),
      { maxLength: 40 },
    );
    fc.assert(
      fc.property(
        yamlish.map((parts) => parts.join('')),
        onlyFailures,
      ),
      { numRuns: 3000 },
    );
  });

  test('any JSON under any setting is refused with a failure, or taken', () => {
    const keys = settingsTable.map(({ key }) => key.split('.'));
    fc.assert(
      fc.property(fc.constantFrom(...keys), fc.jsonValue({ maxDepth: 5 }), (key, value) =>
        onlyFailures(JSON.stringify(key.reduceRight<unknown>((inner, part) => ({ [part]: inner }), value))),
      ),
      { numRuns: 2000 },
    );
  });
});
