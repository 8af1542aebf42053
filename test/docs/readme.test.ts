import { existsSync, globSync, readFileSync } from 'node:fs';
import path from 'node:path';
import { expect, test } from 'vitest';
import { withSettingsTable } from '../../scripts/settings-table.ts';
import { commands } from '../../src/cli/commands.ts';

const root = path.join(import.meta.dirname, '../..');
const documents = ['README.md', 'CONTRIBUTING.md', 'CHANGELOG.md', ...globSync('docs/*.md', { cwd: root })];
/** Commands that documents announce for later. */
const announced = ['links', 'review'];
const readme = readFileSync(path.join(root, 'README.md'), 'utf8');

test("the README's settings table is that of the settings (node scripts/settings-table.ts writes it)", () => {
  expect(withSettingsTable(readme)).toBe(readme);
});

test.for(documents)('what %s links to is there', (document) => {
  const text = readFileSync(path.join(root, document), 'utf8');
  for (const [, target = ''] of text.matchAll(/\]\(([^)#]+)(?:#[^)]*)?\)/g)) {
    if (!/^[a-z]+:/.test(target)) expect(existsSync(path.join(root, path.dirname(document), target)), `${document}: ${target}`).toBe(true);
  }
});

test.for(documents)('the commands that %s names exist', (document) => {
  const text = readFileSync(path.join(root, document), 'utf8');
  const fences = [...text.matchAll(/^```\w*$(.*?)^```$/gms)].map(([, block = '']) => block).join('\n');
  const named = [...text.matchAll(/`(?:\.\/bin\/)?crm-sync ([a-z-]+)/g), ...fences.matchAll(/^(?:\.\/bin\/)?crm-sync ([a-z-]+)/gm)];
  for (const [, name = ''] of named) if (!announced.includes(name)) expect(Object.keys(commands), document).toContain(name);
});
