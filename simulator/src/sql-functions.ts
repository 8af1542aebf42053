import type { DatabaseSync } from 'node:sqlite';

/** `fold(text)`: Unicode lower case, for comparisons that SQLite's own `nocase` (ASCII) does not do. */
export function registerFunctions(db: DatabaseSync): void {
  db.function('fold', { deterministic: true }, (value) => (typeof value === 'string' ? value.toLowerCase() : value));
}
