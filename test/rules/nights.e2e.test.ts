import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { testNamespace } from '../services/namespace.ts';
import { startWorld } from '../night/world.ts';
import { compareIntents, compareRecords, compareReport } from './compare.ts';

const folder = import.meta.dirname;
const names = readdirSync(folder, { withFileTypes: true })
  .filter((entry) => entry.isDirectory())
  .map((entry) => entry.name);
const temporal = await testNamespace();

test.each(names)('%s: a night gives what the rules say', async (name) => {
  const data = join(folder, name);
  const expected = (file: string): string | undefined => {
    const place = join(data, file);
    return existsSync(place) ? readFileSync(place, 'utf8') : undefined;
  };
  const world = await startWorld({ data, temporal });
  try {
    if (existsSync(join(data, 'leads'))) await world.setLeads(true);
    const { run, status } = await world.night();
    const { records, intents, report } = await world.files(run);
    expect(compareRecords(expected('expected-records.csv') ?? '', records)).toEqual([]);
    const wanted = expected('expected-intents.csv');
    if (wanted !== undefined) expect(compareIntents(wanted, intents)).toEqual([]);
    const wantedReport = expected('expected-report.json');
    if (wantedReport !== undefined) expect(compareReport(JSON.parse(wantedReport), report)).toEqual([]);
    expect(status).toBe('success');
  } finally {
    await world.stop();
  }
});
