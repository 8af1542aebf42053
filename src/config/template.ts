import { settingsTable } from './table.ts';
import type { ListRow, Row } from './table.ts';

const wanted = (row: Row): string => {
  if (row.shape === 'list') return '';
  const unit = row.unit === undefined ? '' : ` Unit: ${row.unit}.`;
  return `${unit} Allowed: ${row.kind.allowed}.`;
};

/** YAML of a value that plain text would not keep: `*` and `@` cannot begin one, `n/a` can. */
const yaml = (value: string): string => (/^[\w./%-]+$/.test(value) ? value : JSON.stringify(value));

function listLines(row: ListRow, indent: string, name: string): string[] {
  const example = row.example.length === 0 ? [] : [`${indent}# ${name}:`, ...row.example.map((entry) => `${indent}#   - ${entry}`)];
  return [...example, `${indent}${name}: ${row.default}`];
}

/**
 * The commented crm-sync.yaml that `init` writes. As it stands it gives the defaults; what has no default, and an example
 * of each list, is commented out; every example is valid in place of what follows it.
 */
export function renderTemplate(): string {
  const lines = ['# Settings of crm-sync. ${NAME} is taken from the environment. `crm-sync doctor` checks this file.'];
  let above: readonly string[] = [];
  for (const row of settingsTable) {
    const path = row.key.split('.');
    const name = path.pop()!;
    const shared = path.findIndex((part, index) => part !== above[index]);
    if (path.length === 0 || shared === 0) lines.push('');
    for (const [index, part] of path.entries()) if (shared >= 0 && index >= shared) lines.push(`${'  '.repeat(index)}${part}:`);
    above = path;
    const indent = '  '.repeat(path.length);
    lines.push(`${indent}# ${row.sentence}${wanted(row)}`);
    if (row.shape === 'list') lines.push(...listLines(row, indent, name));
    else if (row.default === undefined) lines.push(`${indent}# ${name}: ${yaml(row.example ?? '')}`);
    else lines.push(`${indent}${name}: ${yaml(row.default)}`);
  }
  return `${lines.join('\n')}\n`;
}
