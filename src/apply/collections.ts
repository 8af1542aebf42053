import { setTimeout as delay } from 'node:timers/promises';
import type { CrmFieldType } from '../domain/fields.ts';
import { sql } from '../postgres/sql.ts';
import { ruleOf } from '../salesforce/errorTable.ts';
import { mostRowsOfUpdate } from '../salesforce/rest.ts';
import type { RowUpdate } from '../salesforce/side.ts';
import { restValue } from '../salesforce/values.ts';
import { deferBlocked } from './blocked.ts';
import { keepSent, readBack } from './confirm.ts';
import type { ApplyContext, ApplyDependencies, Heartbeat } from './dependencies.ts';
import { inRun, takePart } from './in-run.ts';
import { lookAgain } from './look-again.ts';
import { crmObjectOf, loadPart } from './parts.ts';
import type { ApplyPart } from './parts.ts';
import { deferPlanned, keepRowOutcomes, rowOutcome } from './row-outcomes.ts';
import type { RowOutcome } from './row-outcomes.ts';
import { stoppedBy } from './stop.ts';

/** Records of one call, attempt by attempt: those that met a lock are sent again in smaller chunks, at most five times in all. */
const chunkSizes = [mostRowsOfUpdate, 100, 50, 20, 5] as const;
const pauseMs = 200;

interface Row extends RowUpdate {
  readonly fields: readonly string[];
}

/**
 * Takes one part and writes it by collections. Every step is a commit, and a repeat goes on from the last: what was being sent is verified, the rest read again, each chunk marked as `sending`, sent, its
 * results kept, and what was written read back. `mayCall` throws once no calls are left: then what was written is read back, and the rest stays planned. Returns the part's records.
 */
export async function applyCollectionsPart(
  deps: ApplyDependencies,
  ctx: ApplyContext,
  partNo: number,
  heartbeat: Heartbeat,
  mayCall: () => void = () => undefined,
): Promise<{ readonly records: number }> {
  const part = await loadPart(deps.database, ctx.runNo, partNo);
  await sendByCollections(deps, await takePart(deps.database, ctx, partNo), part, heartbeat, mayCall);
  return { records: part.records };
}

/** The same for whatever is left of a part, a Bulk job's leftovers too. */
export async function sendByCollections(
  deps: ApplyDependencies,
  ctx: ApplyContext,
  part: ApplyPart,
  heartbeat: Heartbeat,
  mayCall: () => void = () => undefined,
): Promise<void> {
  await lookAgain(deps, ctx, part, 'inDoubt', heartbeat);
  const stopped = await stoppedBy(deps.database, ctx.runNo);
  if (stopped !== null) return endPart(deps, ctx, part, stopped, ruleOf(stopped).says, heartbeat);
  await inRun(deps.database, ctx, async (tx) => {
    await deferBlocked(tx, ctx, part);
  });
  await lookAgain(deps, ctx, part, 'planned', heartbeat);
  let lastCode: string | null = null;
  for (const [attempt, size] of chunkSizes.entries()) {
    const rows = await plannedRows(deps, ctx, part);
    if (rows.length === 0) break;
    if (attempt > 0) await delay(pauseMs * 2 ** attempt * (0.5 + Math.random()));
    for (let at = 0; at < rows.length; at += size) {
      try {
        mayCall();
      } catch (error) {
        await readBack(deps, ctx, part, heartbeat);
        throw error;
      }
      const outcomes = await sendChunk(deps, ctx, part, rows.slice(at, at + size));
      heartbeat();
      lastCode = outcomes.find(({ outcome }) => outcome === 'again')?.code ?? lastCode;
      const stop = outcomes.find(({ outcome }) => outcome === 'stop');
      if (stop !== undefined) return endPart(deps, ctx, part, stop.code, stop.reason ?? 'stopped', heartbeat);
    }
  }
  await endPart(deps, ctx, part, lastCode, 'tried again in vain', heartbeat);
}

async function endPart(
  deps: ApplyDependencies,
  ctx: ApplyContext,
  part: ApplyPart,
  code: string | null,
  reason: string,
  heartbeat: Heartbeat,
): Promise<void> {
  await inRun(deps.database, ctx, async (tx) => {
    await deferPlanned(tx, ctx, part, code, reason);
  });
  await readBack(deps, ctx, part, heartbeat);
}

/** Records still to be sent, those of one parent side by side: two calls at once then rarely want the same lock. */
async function plannedRows({ database }: ApplyDependencies, ctx: ApplyContext, part: ApplyPart): Promise<readonly Row[]> {
  const { rows } = await database.query<{ id: string; fields: string[]; types: CrmFieldType[]; texts: (string | null)[] }>(sql`
    select i.target_id as id, array_agg(i.field) as fields, array_agg(i.target_type) as types, array_agg(i.after) as texts
      from intent i join crm_record c on c.object = i.object and c.rec = i.crm
     where i.run_no = ${ctx.runNo} and i.side = 'salesforce' and i.object = ${part.object} and i.part = ${part.chunk} and i.outcome is null and not i.sending
     group by i.target_id order by min(c.account_id) nulls last, i.target_id`);
  return rows.map(({ id, fields, types, texts }) => ({
    id,
    fields,
    values: Object.fromEntries(fields.map((field, at) => [field, restValue(types[at] as CrmFieldType, texts[at] ?? null)])),
  }));
}

async function sendChunk(deps: ApplyDependencies, ctx: ApplyContext, part: ApplyPart, rows: readonly Row[]): Promise<readonly RowOutcome[]> {
  const ids = rows.map(({ id }) => id);
  await inRun(deps.database, ctx, async (tx) => {
    await tx.query(sql`
      update intent_set set sending = true
       where run_no = ${ctx.runNo} and side = 'salesforce' and object = ${part.object} and part = ${part.chunk} and outcome is null and target_id = any(${ids})`);
  });
  const results = await deps.salesforce.updateRows(
    crmObjectOf(part),
    rows.map(({ id, values }) => ({ id, values })),
  );
  const outcomes = results.map((result, at) => rowOutcome(ids[at] as string, result));
  await inRun(deps.database, ctx, async (tx) => {
    await keepRowOutcomes(tx, ctx, part, outcomes);
    await keepSent(
      tx,
      ctx,
      part,
      outcomes.filter(({ outcome }) => outcome === 'applied').map(({ id }) => id),
    );
  });
  return outcomes;
}
