import path from 'node:path';
import type { PersonKind } from '../domain/objects.ts';
import { usageFailure } from '../domain/failure.ts';
import { longestIdBytes } from './tables.ts';

/** Name under which a user's account stands among the columns; it is no attribute of the store. */
export const accountIdName = 'accountId';

export interface FeedColumn {
  readonly position: number;
  /** The attribute, or `accountId` of a user. */
  readonly name: string;
}

export interface FeedHeader {
  readonly kind: PersonKind;
  readonly idPosition: number;
  readonly columns: readonly FeedColumn[];
  /** Cells that every row must have. */
  readonly width: number;
}

const idColumns = { user: 'userId', account: 'accountId' } as const satisfies Record<PersonKind, string>;
const attributePrefix = 'attribute:';

/**
 * Understands the header of a feed. What the file is about says its name (`user-...`, `account-...`), or else its id column.
 * @throws {Failure} exit code 2: an empty or repeated name, no id column, or a column that is neither it nor `attribute:<name>`
 */
export function readHeader(file: string, cells: readonly string[]): FeedHeader {
  const refuse = (what: string, remedy: string) => usageFailure(`${file}: ${what}; nothing of the file was taken`, remedy);
  if (cells.length === 0) throw refuse('the header is empty', 'begin the file with a header such as userId,attribute:name');
  for (const [index, cell] of cells.entries()) {
    if (cell.trim() === '') throw refuse(`column ${index + 1} of the header has no name`, 'give every column a name');
    if (/[\0\n\r]/.test(cell))
      throw refuse(
        `column ${index + 1} of the header holds a line end or bytes that are not UTF-8`,
        'save the file as UTF-8, the header in one line',
      );
    if (Buffer.byteLength(cell) > longestIdBytes)
      throw refuse(`the name of column ${index + 1} of the header is longer than ${longestIdBytes} bytes`, 'give the column a shorter name');
    if (cells.indexOf(cell) !== index) throw refuse(`the header has the column ${JSON.stringify(cell)} twice`, 'remove one of them');
  }
  const kind = kindOf(file, cells);
  const idColumn = kind === null ? 'userId or accountId' : idColumns[kind];
  if (kind === null || !cells.includes(idColumn)) throw refuse(`the header has no column ${idColumn}`, 'add the column that holds the ids');
  const columns: FeedColumn[] = [];
  for (const [position, cell] of cells.entries()) {
    if (cell === idColumn) continue;
    const name = cell.startsWith(attributePrefix) ? cell.slice(attributePrefix.length) : '';
    if (name.trim() === '' || name === idColumn)
      throw refuse(`the column ${JSON.stringify(cell)} is not known`, `${idColumn} is the column of ids, every other one is named attribute:<name>`);
    columns.push({ position, name });
  }
  return { kind, idPosition: cells.indexOf(idColumn), columns, width: cells.length };
}

function kindOf(file: string, cells: readonly string[]): PersonKind | null {
  const name = path.basename(file);
  if (name.startsWith('user-')) return 'user';
  if (name.startsWith('account-')) return 'account';
  const user = cells.includes(idColumns.user);
  return user === cells.includes(idColumns.account) ? null : user ? 'user' : 'account';
}

/** The header of an export, which `readHeader` reads back. */
export function headerLine(kind: PersonKind, names: readonly string[]): string {
  return `${[idColumns[kind], ...names.map((name) => attributePrefix + name)].map(quotedCell).join(',')}\n`;
}

function quotedCell(text: string): string {
  return /[",\r\n]/.test(text) ? `"${text.replaceAll('"', '""')}"` : text;
}
