/** Columns of text, the first to the left, the others to the right. */
export function renderTable(header: readonly string[], rows: readonly (readonly string[])[]): string {
  const widths = header.map((title, at) => Math.max(title.length, ...rows.map((row) => (row[at] ?? '').length)));
  const line = (cells: readonly string[]): string =>
    cells.map((text, at) => (at === 0 ? text.padEnd(widths[at] ?? 0) : text.padStart(widths[at] ?? 0))).join('  ');
  return [line(header), line(widths.map((width) => '-'.repeat(width))), ...rows.map(line)].join('\n');
}

export const seconds = (value: number): string => value.toFixed(2);
export const count = (value: number): string => Math.round(value).toLocaleString('en-US');
export const ratio = (value: number, of: number): string => (of > 0 ? `${(value / of).toFixed(1)}x` : '-');
