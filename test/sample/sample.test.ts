import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { parse } from 'csv-parse/sync';
import { describe, expect, test } from 'vitest';
import { sampleFiles, sampleFolder } from '../../sample/generate.ts';
import { readCast } from '../../sample/generator/cast.ts';
import { widenId } from '../../sample/generator/ids.ts';
import { nameNumber } from '../../sample/generator/names.ts';
import { byCodePoint } from '../../sample/generator/world.ts';

const files = sampleFiles();
const rows = (name: string): Record<string, string>[] => parse(files.get(name) ?? '', { columns: true });

describe('the sample', () => {
  test('its files are what its generator writes, byte for byte', () => {
    for (const [name, text] of files) expect(readFileSync(join(sampleFolder, name), 'utf8') === text, `${name}: run node sample/generate.ts`).toBe(true);
  });

  test('R26 every record of the CRM has exactly one expected row, leads only with leads on', () => {
    const ids = (...objects: string[]): string[] => objects.flatMap((object) => rows(`${object}.csv`).map((row) => `${object} ${row['Id']}`)).sort();
    const expected = (folder: string): string[] => rows(`expected/${folder}/records.csv`).map((row) => `${row['object']} ${row['salesforceId']}`).sort();
    expect(expected('leads-off')).toEqual(ids('Account', 'Contact'));
    expect(expected('leads-on')).toEqual(ids('Account', 'Contact', 'Lead'));
    expect(new Set(expected('leads-on')).size).toBe(expected('leads-on').length);
  });

  test('R9 no person is linked twice to one object, and none of them is made up', () => {
    const persons = (kind: string): Set<string> => new Set([...files.keys()].filter((name) => name.startsWith(`${kind}-`)).flatMap((name) => rows(name).map((row) => row[`${kind}Id`] ?? '')));
    const known = { Account: persons('account'), Contact: persons('user'), Lead: persons('user') };
    const seen = new Set<string>();
    for (const row of rows('expected/leads-on/records.csv')) {
      const person = row['personalizationId'] ?? '';
      if (person === '') continue;
      expect(known[row['object'] as 'Account'].has(person), person).toBe(true);
      // R17: a user is linked to a contact or to a lead, not to both.
      const key = `${row['object'] === 'Account' ? 'account' : 'user'} ${person}`;
      expect(seen.has(key), key).toBe(false);
      seen.add(key);
    }
  });

  test('R3 every expected intent belongs to a linked pair', () => {
    const linked = rows('expected/leads-on/records.csv').filter((row) => row['outcome'] === 'linked');
    const known = new Set(linked.flatMap((row) => [`${row['object']} ${row['salesforceId']}`, `${row['object'] === 'Account' ? 'account' : 'user'} ${row['personalizationId']}`]));
    for (const row of rows('expected/leads-on/intents.csv')) expect(known.has(`${row['object']} ${row['id']}`), `${row['object']} ${row['id']}`).toBe(true);
  });

  test('every outcome and every sub-tier of a first night is shown', () => {
    const shown = new Set(rows('expected/leads-on/records.csv').map((row) => [row['outcome'], row['subTier'] || row['reason']].filter(Boolean).join(' ')));
    for (const each of ['linked id', 'linked field', 'linked email', 'linked name', 'unmatched', 'ambiguous id', 'ambiguous field', 'ambiguous email', 'ambiguous name', 'conflicting field', 'suppressed field', 'suppressed email', 'ineligible deleted', 'ineligible converted', 'ineligible personAccount']) {
      expect([...shown]).toContain(each);
    }
  });

  test('the cast says nothing that the generator would not understand', () => {
    const keys = ['rules', 'why', 'Account', 'Contact', 'Lead', 'user', 'account', 'records', 'intents', 'leadIntents', 'nearMisses', 'malformedIds', 'stopped'];
    const columns = { record: ['Account', 'Contact', 'Lead', 'linked', 'by', 'is', 'at', 'reason', 'candidates'] };
    let members = 0;
    for (const member of [...readCast(join(sampleFolder, 'cast')).values()].flat()) {
      members += 1;
      expect(keys).toEqual(expect.arrayContaining(Object.keys(member)));
      for (const record of member.records) expect(columns.record).toEqual(expect.arrayContaining(Object.keys(record)));
    }
    expect(members).toBeGreaterThanOrEqual(60);
  });
});

test('R8 an id of 15 characters is widened by its checksum', () => {
  expect(widenId('a0D30000001n7Pi')).toBe('a0D30000001n7PiEAI');
  expect(widenId('003000000000000')).toBe('003000000000000AAA');
  expect(() => widenId('003')).toThrow('not 15');
});

test('no two people of the crowd share a name', () => {
  const names = Array.from({ length: 6000 }, (_, n) => Object.values(nameNumber(n)).join(' ').toLowerCase());
  expect(new Set(names).size).toBe(6000);
});

test('ids are sorted by code point, not by UTF-16', () => {
  expect(['\u{1F600}', '\uFB01', 'b', 'a', 'ab'].sort(byCodePoint)).toEqual(['a', 'ab', 'b', '\uFB01', '\u{1F600}']);
});
