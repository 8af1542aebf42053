import type { PoolClient } from 'pg';
import { Failure } from '../domain/failure.ts';
import type { ObjectType } from '../domain/objects.ts';
import { withHashJoins } from '../mirror/hash-joins.ts';
import type { Queryable } from '../postgres/database.ts';
import { identifier, sql } from '../postgres/sql.ts';
import type { CrmObject } from '../salesforce/side.ts';
import type { ApplyContext } from './dependencies.ts';

export type ApplyPath = 'store' | 'collections' | 'bulk';

/** Parts that lie side by side: those from `first` on, `count` of them. */
export interface PartGroup {
  readonly side: 'personalization' | 'salesforce';
  readonly object: ObjectType;
  readonly path: ApplyPath;
  readonly first: number;
  readonly count: number;
  /** Records or persons of all of them. */
  readonly records: number;
}

export interface ApplyPart {
  readonly part: number;
  readonly side: 'personalization' | 'salesforce';
  readonly object: ObjectType;
  /** `Account`, `Contact`, `Lead`; `user`, `account`. */
  readonly targetObject: string;
  readonly path: ApplyPath;
  /** The `part` of its intents. */
  readonly chunk: number;
  readonly records: number;
}

/** Up to so many records of one object go through collections; more are a Bulk job. */
export const mostRecordsOfCollections = 2_000;
/** Of one Bulk job: records, and bytes of its values (Salesforce takes 150 MB after base64). */
const recordsPerJob = 50_000;
const bytesPerJob = 80_000_000;
/** Chunks of reserved intents of Salesforce; those of the plan are below. */
const firstReservedChunk = 1_000_000_000;

/**
 * Cuts what is planned and not yet in a part into parts, and chooses their paths. Persons stay as the plan cut them. Records of Salesforce are cut by target object: up to 2,000
 * in one call after the other, more as the fewest jobs that hold them: one CSV has all columns, empty where a record keeps its value. What a CSV cannot say, a text that is literally `#N/A`, takes the other way.
 * A second pass of a run cuts only what came since. Runs in the caller's transaction.
 */
export async function reserveParts(tx: PoolClient, ctx: Pick<ApplyContext, 'runNo'>): Promise<readonly PartGroup[]> {
  // Planned a moment ago: without statistics everything that follows is joined row by row.
  await analyzeIntents(tx, ctx.runNo);
  const first = await nextPart(tx, ctx.runNo);
  await tx.query(sql`
    insert into apply_part (run_no, part, side, object, target_object, path, chunk, records)
    select ${ctx.runNo}::bigint, ${first} + row_number() over (order by object, part) - 1, 'personalization', object, target_object, 'store', part, count(*)
      from (select distinct object, target_object, part, pers from intent_set where run_no = ${ctx.runNo} and side = 'personalization' and outcome is null) i
     where not exists (select from apply_part a where a.run_no = ${ctx.runNo} and a.side = 'personalization' and a.object = i.object and a.chunk = i.part)
     group by object, target_object, part`);
  await reserveRecords(tx, ctx.runNo);
  const { rows } = await tx.query<PartGroup>(sql`
    select side, object, path, min(part) as first, count(*)::integer as count, sum(records)::integer as records
      from (select *, part - row_number() over (partition by side, object, path order by part) as island from apply_part where run_no = ${ctx.runNo} and part >= ${first}) a
     group by side, object, path, island order by first`);
  return rows;
}

/** Statistics of what intents are looked up by: those of their values take ten times as long. */
async function analyzeIntents(tx: PoolClient, runNo: number): Promise<void> {
  await tx.query(sql`analyze ${identifier(`intent_set_r${runNo}`)} (side, object, crm, pers, target_id, target_object, outcome, part, sending)`);
}

async function nextPart(tx: PoolClient, runNo: number): Promise<number> {
  const { rows } = await tx.query<{ next: number }>(sql`select coalesce(max(part) + 1, 0) as next from apply_part where run_no = ${runNo}`);
  return rows[0]?.next ?? 0;
}

async function reserveRecords(tx: PoolClient, runNo: number): Promise<void> {
  const first = await nextPart(tx, runNo);
  // A record's weight is its share of a job; the sum of the weights before it says which job it is in.
  const cut = await tx.query(sql`
    create temp table cut on commit drop as
    select object, target_object, target_id, path, ${first - 1} + dense_rank() over (order by object, target_object, path, slice) as part
      from (
        select object, target_object, target_id, path,
          case path when 'bulk' then floor(sum(weight) over same - weight) else floor((row_number() over same - 1) / ${mostRecordsOfCollections}::numeric) end as slice
          from (
            select object, target_object, target_id, greatest(1.0 / ${recordsPerJob}, bytes::numeric / ${bytesPerJob}) as weight,
              case when count(*) over (partition by object, target_object) <= ${mostRecordsOfCollections} or literal then 'collections' else 'bulk' end as path
              from (
                select object, target_object, target_id, sum(octet_length(array_to_string(after, '')) + 8 * cardinality(mappings)) as bytes,
                  bool_or('#N/A' = any (after) and exists (select from unnest(mappings) as m where after[m] = '#N/A')) as literal
                  from intent_set where run_no = ${runNo} and side = 'salesforce' and outcome is null and part < ${firstReservedChunk}
                 group by object, target_object, target_id
              ) records
          ) weighed
        window same as (partition by object, target_object, path order by target_id)
      ) sliced`);
  if (cut.rowCount === 0) {
    await tx.query('drop table cut');
    return;
  }
  await tx.query('analyze cut');
  await tx.query(sql`
    insert into apply_part (run_no, part, side, object, target_object, path, chunk, records)
    select ${runNo}::bigint, part, 'salesforce', object, target_object, path, ${firstReservedChunk} + part, count(*) from cut group by part, object, target_object, path`);
  await withHashJoins(tx, () =>
    tx.query(sql`
    update intent_set i set part = ${firstReservedChunk} + c.part from cut c
     where i.run_no = ${runNo} and i.side = 'salesforce' and i.outcome is null and i.part < ${firstReservedChunk}
       and i.object = c.object and i.target_object = c.target_object and i.target_id = c.target_id`),
  );
  await analyzeIntents(tx, runNo);
  await tx.query('drop table cut');
}

/** @throws {Failure} PART_UNKNOWN */
export async function loadPart(database: Queryable, runNo: number, part: number): Promise<ApplyPart> {
  const { rows } = await database.query<ApplyPart>(sql`
    select part, side, object, target_object as "targetObject", path, chunk, records from apply_part where run_no = ${runNo} and part = ${part}`);
  const found = rows[0];
  if (found === undefined) throw new Failure(`run ${runNo} has no part ${part} to apply`, { kind: 'permanent', code: 'PART_UNKNOWN' });
  return found;
}

/** The object of Salesforce that a part writes. */
export function crmObjectOf(part: ApplyPart): CrmObject {
  return part.targetObject as CrmObject;
}
