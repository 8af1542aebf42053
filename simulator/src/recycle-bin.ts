import type { Org } from './org.ts';
import { quoted } from './schema.ts';
import { toSecond } from './values.ts';

export const binDays = 15;
export const dayMs = 86_400_000;
const lookEveryMs = 60_000;

/** Removes what has been in the recycle bin for 15 days; a look once a minute of the org's clock. */
export function emptyOldBin(org: Org): void {
  const nowMs = org.nowMs();
  if (nowMs < org.nextPurgeMs) return;
  org.nextPurgeMs = nowMs + lookEveryMs;
  const before = toSecond(new Date(nowMs - binDays * dayMs).toISOString());
  org.store.transaction(() => {
    for (const type of org.store.types()) {
      if (type.writable) org.store.sql(`delete from ${quoted(type.name)} where _deleted_at < ? and "IsDeleted" = 1`).run(before);
    }
  });
}
