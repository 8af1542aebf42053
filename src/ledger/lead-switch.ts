import type { LeadSwitch } from '../domain/progress.ts';
import type { Queryable } from '../postgres/database.ts';
import { sql } from '../postgres/sql.ts';

/** The switch as it was last saved; before the first switch it is the setting, at revision 0 (R16). */
export async function loadLeadSwitch(database: Queryable, setting: boolean): Promise<LeadSwitch> {
  const found = await database.query<{ enabled: boolean; revision: number }>(sql`select enabled, revision from lead_switch`);
  return found.rows[0] ?? { enabled: setting, revision: 0 };
}

/** Saves the switch, forward only: an older revision changes nothing. Returns what stands afterwards. */
export async function saveLeadSwitch(database: Queryable, wanted: LeadSwitch): Promise<LeadSwitch> {
  await database.query(sql`
    insert into lead_switch (enabled, revision) values (${wanted.enabled}, ${wanted.revision})
    on conflict (one) do update set enabled = excluded.enabled, revision = excluded.revision, changed_at = now()
     where lead_switch.revision < excluded.revision`);
  return loadLeadSwitch(database, wanted.enabled);
}
