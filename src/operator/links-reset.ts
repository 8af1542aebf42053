import type { PoolClient } from 'pg';
import { Failure, usageFailure } from '../domain/failure.ts';
import type { ObjectType } from '../domain/objects.ts';
import { linkingSubTiers } from '../domain/report.ts';
import { endedBy, lockDecisions } from '../ledger/decisions.ts';
import type { Queryable } from '../postgres/database.ts';
import { raw, sql } from '../postgres/sql.ts';

/** Which links are meant: those for which all that is given holds; nothing given: every link. */
export interface LinkFilter {
  /** The sub-tier that made the link. */
  readonly subTier?: string;
  /** The CRM field that made it. */
  readonly field?: string;
  /** The key of the run that made it. */
  readonly run?: string;
}

export interface LinkGroup {
  readonly object: ObjectType;
  readonly subTier: string;
  readonly field: string | null;
  readonly attribute: string | null;
  readonly links: number;
}

const subTierOrder = raw(`array_position(array[${linkingSubTiers.map((subTier) => `'${subTier}'`).join(', ')}], sub_tier)`);

/**
 * The filter as it was given, with the whole key of the run.
 * @throws Failure `USAGE` for a sub-tier that there is not, `RUN_UNKNOWN`, `RUN_UNCLEAR`
 */
export async function meantFilter(database: Queryable, given: LinkFilter): Promise<LinkFilter> {
  const { subTier, run } = given;
  if (subTier !== undefined && !(linkingSubTiers as readonly string[]).includes(subTier))
    throw usageFailure(`there is no sub-tier ${JSON.stringify(subTier)}`, `It is one of ${linkingSubTiers.join(', ')}.`);
  if (run === undefined) return given;
  // Links that were imported may be of runs that this ledger has not seen.
  const found = await database.query<{ run: string }>(sql`
    select run from (select run from run union select made_run from link) known
     where starts_with(run, ${run}) order by run <> ${run}, run limit 2`);
  const [first, second] = found.rows;
  if (first === undefined)
    throw new Failure(`there is no run ${run}`, { kind: 'permanent', code: 'RUN_UNKNOWN', exitCode: 2, remedy: '`crm-sync runs` lists them.' });
  if (first.run !== run && second !== undefined)
    throw new Failure(`several runs begin with ${run}`, {
      kind: 'permanent',
      code: 'RUN_UNCLEAR',
      exitCode: 2,
      remedy: 'Give more of the key; `crm-sync runs` lists them.',
    });
  return { ...given, run: first.run };
}

/** The open links that the filter means, counted by object and by what made them. */
export async function linksMeant(database: Queryable, { subTier, field, run }: LinkFilter): Promise<readonly LinkGroup[]> {
  const found = await database.query<LinkGroup>(sql`
    select object, sub_tier as "subTier", crm_field as field, attribute, count(*) as links from link
     where ended_run is null and (${subTier ?? null}::text is null or sub_tier = ${subTier ?? null})
       and (${field ?? null}::text is null or crm_field = ${field ?? null}) and (${run ?? null}::text is null or made_run = ${run ?? null})
     group by object, sub_tier, crm_field, attribute
     order by object, ${subTierOrder}, crm_field, attribute`);
  return found.rows;
}

/**
 * Ends the links that the filter means (R14); tombstones among them do not come back either (R21). In the caller's transaction, which keeps runs out (R5). Blocks
 * nothing: the next run matches anew. Returns how many links ended.
 */
export async function endLinksMeant(tx: PoolClient, { subTier, field, run }: LinkFilter, by: string): Promise<number> {
  await lockDecisions(tx);
  await tx.query(sql`
    update link set ended_reason = 'reset'
     where ended_reason = 'deleted' and (${subTier ?? null}::text is null or sub_tier = ${subTier ?? null})
       and (${field ?? null}::text is null or crm_field = ${field ?? null}) and (${run ?? null}::text is null or made_run = ${run ?? null})`);
  const ended = await tx.query(sql`
    update link set ended_run = ${endedBy(by)}, ended_at = now(), ended_reason = 'reset'
     where ended_run is null and (${subTier ?? null}::text is null or sub_tier = ${subTier ?? null})
       and (${field ?? null}::text is null or crm_field = ${field ?? null}) and (${run ?? null}::text is null or made_run = ${run ?? null})`);
  return ended.rowCount ?? 0;
}
