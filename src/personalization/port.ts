import type { Attribute, AttributeType } from '../domain/attributes.ts';
import type { PersonKind } from '../domain/objects.ts';
import type { CsvPage } from '../domain/page.ts';

export type { Attribute, AttributeType };

/** Attributes of both kinds of persons, in no order. `userId` and `accountId` are not among them: they name the ids themselves. */
export type AttributeTypes = Readonly<Record<PersonKind, readonly Attribute[]>>;

export interface ReadRequest {
  readonly kind: PersonKind;
  /** The attributes wanted, in the order in which the columns shall come. */
  readonly attributes: readonly string[];
}

/** Place in one read, opaque to the caller; at most 200 characters and never personal data. */
export type Cursor = string;

/**
 * A page of persons. Columns of the CSV, with a header row: `id`, `accountId` (users; null for accounts), then the attributes
 * asked for, by their position (`a0`, `a1`, ...). Values are text as the store has it; null where the person has none.
 */
export interface PersonPage extends CsvPage {
  /** Resolves when the CSV has been read: rows sent, for the reader to compare with what arrived. */
  readonly rows: Promise<number>;
  /** Where the next page begins; null on the last one: the read is then complete. */
  readonly next: Cursor | null;
}

export interface Person {
  readonly id: string;
  readonly accountId: string | null;
  readonly values: Readonly<Record<string, string | null>>;
}

/** One conditional update of one person. Values are canonical text (R6), null clears. */
export interface PersonWrite {
  readonly id: string;
  readonly set: Readonly<Record<string, string | null>>;
  /** What each attribute must hold for the write to happen (null and '' are the same). */
  readonly expect?: Readonly<Record<string, string | null>>;
}

/** `changed`: a value is not what was expected, nothing was written. `unchanged`: all values stood there already. */
export type WriteResult = 'applied' | 'unchanged' | 'changed' | 'notFound' | { readonly code: string };

export interface PersonalizationSide {
  readonly capabilities: { readonly conditionalWrite: boolean; readonly batchKey: boolean; readonly changes: 'full' | 'feed' };
  /** Names the store that this sync is bound to: stable over restarts and address changes. */
  identity(): Promise<string>;
  describe(): Promise<AttributeTypes>;
  /** One page from a place on. A page that breaks off rejects; without a page whose `next` is null the read is incomplete (R27). */
  readPage(request: ReadRequest, from: Cursor | 'start'): Promise<PersonPage>;
  /** Persons by id, to verify; those that are gone are missing from the answer. At most 10,000 ids. */
  readByIds(kind: PersonKind, ids: readonly string[], attributes: readonly string[]): Promise<readonly Person[]>;
  /**
   * Updates only, never creates (R2). All writes of one batch in one transaction where the store can; the same batch key again
   * returns the results of the first time and writes nothing. Results in the order of the writes.
   */
  write(kind: PersonKind, batchKey: string, writes: readonly PersonWrite[]): Promise<readonly WriteResult[]>;
  close(): Promise<void>;
}
