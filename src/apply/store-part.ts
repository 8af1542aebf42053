import type { PoolClient } from 'pg';
import { objectFacts } from '../domain/objects.ts';
import { withHashJoins } from '../mirror/hash-joins.ts';
import type { StepCounts } from '../mirror/step-ledger.ts';
import { once } from '../mirror/step-ledger.ts';
import type { PersonWrite, WriteResult } from '../personalization/port.ts';
import { raw, sql } from '../postgres/sql.ts';
import { deferBlocked } from './blocked.ts';
import type { ApplyContext, ApplyDependencies } from './dependencies.ts';
import { keepApplied } from './mirror-values.ts';
import { fieldsOf } from './part-intents.ts';
import { loadPart } from './parts.ts';
import type { ApplyPart } from './parts.ts';

/** Intents, by what became of them. */
interface Outcomes {
  readonly applied: number;
  readonly unchanged: number;
  readonly rejected: number;
  readonly deferred: number;
}

type StoreCounts = StepCounts & Outcomes & { readonly persons: number };

/**
 * Writes one part into the Personalization store: claimed in one commit, written under a batch key of its own, its results kept in another commit. Between the two a repeat sends the same writes
 * under the same key and is answered with the first time's results.
 */
export async function applyStorePart(deps: ApplyDependencies, ctx: ApplyContext, partNo: number): Promise<StoreCounts> {
  const { database, store } = deps;
  const part = await loadPart(database, ctx.runNo, partNo);
  const step = { step: 'apply.store', object: part.object, part: partNo } as const;
  const done = await database.query<{ counts: StoreCounts }>(sql`
    select counts from step_ledger where run_no = ${ctx.runNo} and step = ${step.step} and object = ${step.object} and part = ${partNo}`);
  if (done.rows[0] !== undefined) return { ...done.rows[0].counts, records: done.rows[0].counts.persons };
  // What is in the batch must not change once its key may have been used.
  await once(database, ctx, { step: 'apply.claim', object: part.object, part: partNo }, async (tx) => ({
    records: 0,
    blocked: await deferBlocked(tx, ctx, part),
  }));
  const writes = await writesOf(deps, ctx, part);
  const kind = objectFacts[part.object].personKind;
  const results = writes.length === 0 ? [] : await store.write(kind, `${ctx.run}/${part.object}/${partNo}`, writes);
  const kept = await once<StoreCounts>(database, ctx, step, async (tx) => {
    const outcomes = await keepResults(tx, ctx, part, writes, results);
    await keepApplied(tx, ctx, part, null);
    // The part is counted once, by whoever asked for it.
    return { records: 0, persons: writes.length, ...outcomes };
  });
  return { ...kept, records: kept.persons };
}

/** One write a person, in the order of their ids, each on the condition that all its attributes are as they were read. */
async function writesOf({ database }: ApplyDependencies, ctx: ApplyContext, part: ApplyPart): Promise<readonly PersonWrite[]> {
  const fields = await fieldsOf(database, ctx.runNo, part);
  const { rows } = await database.query<{ id: string; mappings: number[]; before: (string | null)[]; after: (string | null)[] }>(sql`
    select target_id as id, to_json(mappings) as mappings, to_json(before) as before, to_json(after) as after from intent_set
     where run_no = ${ctx.runNo} and side = 'personalization' and object = ${part.object} and part = ${part.chunk} and outcome is null
     order by target_id, set_no`);
  const valuesOf = (mappings: readonly number[], texts: readonly (string | null)[]): Record<string, string | null> =>
    Object.fromEntries(mappings.map((mapping) => [fields[mapping - 1], texts[mapping - 1] ?? null]));
  return rows.map(({ id, mappings, before, after }) => ({ id, set: valuesOf(mappings, after), expect: valuesOf(mappings, before) }));
}

interface KeptResult {
  readonly outcome: 'applied' | 'unchanged' | 'rejected' | 'deferred';
  readonly code: string | null;
  readonly reason: string | null;
}

function outcomeOf(result: WriteResult): KeptResult {
  if (typeof result === 'object') return { outcome: 'rejected', code: result.code, reason: 'the store refuses the value' };
  switch (result) {
    case 'applied':
    case 'unchanged':
      return { outcome: result, code: null, reason: null };
    case 'changed':
      return { outcome: 'deferred', code: null, reason: 'changedMeanwhile' };
    case 'notFound':
      return { outcome: 'rejected', code: 'PERSON_GONE', reason: 'the person is gone' };
    default:
      return result satisfies never;
  }
}

const counted = (outcome: keyof Outcomes) => raw(`coalesce(sum(intents) filter (where outcome = '${outcome}'), 0)::bigint as ${outcome}`);

async function keepResults(
  tx: PoolClient,
  ctx: ApplyContext,
  part: ApplyPart,
  writes: readonly PersonWrite[],
  results: readonly WriteResult[],
): Promise<Outcomes> {
  const kept = results.map(outcomeOf);
  const { rows } = await withHashJoins(tx, () =>
    tx.query<Outcomes>(sql`
    with kept as (
      update intent_set i set outcome = r.outcome, code = r.code, reason = r.reason
        from unnest(${writes.map(({ id }) => id)}::text[], ${kept.map(({ outcome }) => outcome)}::text[], ${kept.map(({ code }) => code)}::text[],
          ${kept.map(({ reason }) => reason)}::text[]) as r(id, outcome, code, reason)
       where i.run_no = ${ctx.runNo} and i.side = 'personalization' and i.object = ${part.object} and i.part = ${part.chunk}
         and i.outcome is null and i.target_id = r.id
      returning i.outcome, cardinality(i.mappings) as intents
    )
    select ${counted('applied')}, ${counted('unchanged')}, ${counted('rejected')}, ${counted('deferred')} from kept`),
  );
  return rows[0] ?? { applied: 0, unchanged: 0, rejected: 0, deferred: 0 };
}
