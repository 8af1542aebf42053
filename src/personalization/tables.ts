import type { PersonKind } from '../domain/objects.ts';
import { raw } from '../postgres/sql.ts';

/** Where each kind of person is kept. */
export const personTables = {
  user: { table: raw('profile_user'), id: raw('user_id'), accountId: raw('account_id') },
  account: { table: raw('profile_account'), id: raw('account_id'), accountId: raw('null::text') },
} as const satisfies Record<PersonKind, object>;

/** Longest id in bytes of UTF-8: what fits into an index. */
export const longestIdBytes = 2_000;
