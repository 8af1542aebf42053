import type { LeadSwitch } from '../domain/progress.ts';
import type { Queryable } from '../postgres/database.ts';
import { sql } from '../postgres/sql.ts';

/** The switch as it was last saved; before the first switch it is the setting, at revision 0 (R16). */
export async function loadLeadSwitch(database: Queryable, setting: boolean): Promise<LeadSwitch> {
  const found = await database.query<{ enabled: boolean; revision: number }>(sql`select enabled, revision from lead_switch`);
  return found.rows[0] ?? { enabled: setting, revision: 0 };
}

/** Turns the switch, one revision on, in one statement: of two who do so at once the later one counts. A repeat makes one more revision of the same state. */
export async function switchLeads(database: Queryable, enabled: boolean): Promise<LeadSwitch> {
  const saved = await database.query<LeadSwitch>(sql`
    insert into lead_switch (enabled, revision) values (${enabled}, 1)
    on conflict (one) do update set enabled = excluded.enabled, revision = lead_switch.revision + 1, changed_at = now()
    returning enabled, revision`);
  return saved.rows[0] ?? { enabled, revision: 1 };
}
