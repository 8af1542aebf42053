import { objectFacts } from '../domain/objects.ts';
import type { ObjectType } from '../domain/objects.ts';
import type { OpenRun } from '../ledger/runs.ts';
import type { Queryable } from '../postgres/database.ts';
import { sql } from '../postgres/sql.ts';

/** R13: one sentence for each of these objects of which pins link nobody: of records that are ineligible or gone, of persons that are gone, or held by a contact (R17). */
export async function restingPinWarnings(
  database: Queryable,
  { runNo, decisionSeq }: OpenRun,
  objects: readonly ObjectType[],
): Promise<readonly string[]> {
  const warnings: string[] = [];
  for (const object of objects) {
    const { rows } = await database.query<{ pins: number }>(sql`
      select count(*) as pins from pin_now(${decisionSeq}) n
        left join crm_record r on r.object = ${object} and r.crm_id = n.crm_id
        left join pers_record p on p.kind = ${objectFacts[object].personKind} and p.pers_id = n.pers_id
       where n.object = ${object}
         and (r.rec is null or r.ineligible is not null or p.rec is null
           or exists (select from crm_outcome o where o.run_no = ${runNo} and o.object = ${object} and o.rec = r.rec and o.outcome <> 'linked'))`);
    const pins = rows[0]?.pins ?? 0;
    if (pins > 0) warnings.push(`${pins} ${pins === 1 ? 'pin' : 'pins'} of ${object}s rest: \`crm-sync review list\` says why`);
  }
  return warnings;
}
