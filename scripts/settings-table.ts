/** Writes the README's settings table from the one table of settings: `node scripts/settings-table.ts`. A test fails while they differ. */
import { readFileSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import { renderSettingsTable } from '../src/config/listing.ts';

const begin = '<!-- settings table: written by scripts/settings-table.ts -->';
const end = '<!-- end of settings table -->';

/** The README with the table as it should be. Throws if its markers are gone. */
export function withSettingsTable(readme: string): string {
  const from = readme.indexOf(begin);
  const to = readme.indexOf(end);
  if (from < 0 || to < from) throw new Error(`README.md has lost its markers: ${begin} and ${end}`);
  return `${readme.slice(0, from + begin.length)}\n${renderSettingsTable()}\n${readme.slice(to)}`;
}

if (import.meta.main) {
  const file = path.join(import.meta.dirname, '..', 'README.md');
  writeFileSync(file, withSettingsTable(readFileSync(file, 'utf8')));
}
