import { existsSync, readFileSync, readdirSync } from 'node:fs';
import { join } from 'node:path';
import { parse } from 'csv-parse/sync';
import { describe, expect, test } from 'vitest';
import { widenId } from '../../sample/generator/ids.ts';
import { compareIntents, compareRecords } from './compare.ts';

const folder = import.meta.dirname;
const names = readdirSync(folder, { withFileTypes: true })
  .filter((entry) => entry.isDirectory())
  .map((entry) => entry.name);
const text = (name: string, file: string): string => (existsSync(join(folder, name, file)) ? readFileSync(join(folder, name, file), 'utf8') : '');
const rows = (name: string, file: string): Record<string, string>[] => parse(text(name, file), { columns: true, bom: true });

test('there is a world for every rule of one night', () => {
  for (const rule of ['R2', 'R3', 'R4', 'R6', 'R7', 'R8', 'R9', 'R10', 'R11', 'R12', 'R13', 'R16', 'R17', 'R18', 'R22', 'R24', 'R26']) {
    expect(
      names.some((name) => name.startsWith(`${rule}-`)),
      rule,
    ).toBe(true);
  }
});

describe.each(names)('%s', (name) => {
  test('says what it is, and its expectations are sorted and equal themselves', () => {
    const about = text(name, 'about.txt');
    expect(about).toMatch(/^(R\d+|interfaces\.md)/);
    if (name.startsWith('R')) expect(about).toContain(`${name.slice(0, name.indexOf('-'))}`);
    expect(compareRecords(text(name, 'expected-records.csv'), text(name, 'expected-records.csv'))).toEqual([]);
    expect(compareIntents(text(name, 'expected-intents.csv'), text(name, 'expected-intents.csv'))).toEqual([]);
  });
});

test.each(names.filter((name) => name.startsWith('R')))('R26 %s expects one row for each record in scope', (name) => {
  const leads = existsSync(join(folder, name, 'leads')) || text(name, 'crm-sync.yaml').includes('enabled: true');
  const objects = leads ? ['Account', 'Contact', 'Lead'] : ['Account', 'Contact'];
  const known = objects.flatMap((object) =>
    rows(name, `${object}.csv`).map((row) => `${object} ${row['Id']?.length === 15 ? widenId(row['Id']) : row['Id']}`),
  );
  expect(
    rows(name, 'expected-records.csv')
      .map((row) => `${row['object']} ${row['salesforceId']}`)
      .sort(),
  ).toEqual(known.sort());
});
