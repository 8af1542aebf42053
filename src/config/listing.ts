import { objectTypes } from '../domain/objects.ts';
import { settingsTable } from './table.ts';
import type { Row } from './table.ts';

interface Line {
  readonly key: string;
  readonly standard: string;
  readonly unit: string;
  readonly allowed: string;
  readonly sentence: string;
}

const allowedIn = (row: Row): string => {
  if (row.shape === 'scalar') return row.kind.allowed;
  if (row.columns === undefined) return 'a list of texts';
  const columns = Object.entries(row.columns).map(
    ([name, { many, default: standard }]) => `${name}${many ? ': [..]' : ''}${standard === undefined ? '' : `: ${standard}`}`,
  );
  return `a list of { ${columns.join(', ')} }`;
};

/** The settings that every object has stand once, with `<object>` in their key. */
function linesOfTable(): readonly Line[] {
  const lines = new Map<string, Line>();
  for (const row of settingsTable) {
    const shared =
      objectTypes.some((object) => row.key.startsWith(`objects.${object}.`)) &&
      objectTypes.every((object) => settingsTable.some(({ key }) => key === row.key.replace(/^objects\.\w+/, `objects.${object}`)));
    const key = shared ? row.key.replace(/^objects\.\w+/, 'objects.<object>') : row.key;
    const before = lines.get(key);
    const standards = [...new Set([...(before === undefined ? [] : before.standard.split(', ')), row.default ?? 'none'])].join(', ');
    lines.set(key, {
      key,
      standard: row.key === 'ignoreValues' ? 'R7' : standards,
      unit: row.shape === 'scalar' ? (row.unit ?? '') : '',
      allowed: allowedIn(row),
      sentence: row.sentence,
    });
  }
  return [...lines.values()];
}

const cell = (text: string): string => text.replaceAll('|', '\\|').replaceAll('<', '&lt;');

/** The settings as a Markdown table, for the README; `<object>` is `account`, `contact` or `lead`. Ends without a line end. */
export function renderSettingsTable(): string {
  const rows = linesOfTable().map((line) => {
    const meaning = line.unit === '' ? line.sentence : `${line.sentence} Unit: ${line.unit}.`;
    return `| \`${line.key}\` | ${line.standard === 'none' ? 'none' : `\`${line.standard}\``} | ${cell(line.allowed)} | ${cell(meaning)} |`;
  });
  return ['| key | default | allowed | meaning |', '|---|---|---|---|', ...rows].join('\n');
}

/** The settings as plain text, for `--help`: a line with key and default, one with the meaning, one with what is allowed. */
export function renderSettingsHelp(): string {
  const blocks = linesOfTable().map((line) =>
    [
      `  ${line.key} (default ${line.standard})`,
      `      ${line.sentence}${line.unit === '' ? '' : ` Unit: ${line.unit}.`}`,
      `      Allowed: ${line.allowed}`,
    ].join('\n'),
  );
  return ['Settings (crm-sync.yaml; <object> is account, contact or lead):', ...blocks].join('\n');
}
