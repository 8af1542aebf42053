import type { PoolClient } from 'pg';
import { Failure } from '../domain/failure.ts';
import type { ObjectType } from '../domain/objects.ts';
import { sql } from '../postgres/sql.ts';

export const decisionKinds = ['pin', 'unpin', 'block', 'unblock', 'unlink'] as const;
export type DecisionKind = (typeof decisionKinds)[number];

export interface DecisionToMake {
  readonly kind: DecisionKind;
  readonly object: ObjectType;
  /** 18 characters (R8). */
  readonly crmId: string;
  readonly persId: string;
  /** Who decides. */
  readonly by: string;
  readonly note?: string;
}

export interface Decision {
  /** Runs opened from here on know of it. */
  readonly seq: number;
  /** False: the pair was in that state already, nothing was written. */
  readonly changed: boolean;
}

/**
 * Writes down what somebody decided about one pair (R13); the next run acts on it. Of several decisions on a pair the last one counts, so a block or an unlink ends the
 * pair's own pin, and a pin its block. Throws `PIN_TAKEN` for a second pin of a record or a person, `NOT_PINNED`, `NOT_BLOCKED` and `NOT_LINKED` where there is nothing to end.
 */
export async function decide(tx: PoolClient, wanted: DecisionToMake): Promise<Decision> {
  const { kind, object, crmId, persId } = wanted;
  // One at a time: two pins of one person made at once would both find it free.
  await tx.query(sql`select pg_advisory_xact_lock(hashtextextended('crm-sync decisions ' || current_schemas(false)::text, 0))`);
  const last = await tx.query<{ seq: number; kind: DecisionKind }>(sql`
    select seq, kind from decision where object = ${object} and crm_id = ${crmId} and pers_id = ${persId} order by seq desc limit 1`);
  const state = last.rows[0];
  const blocked = state?.kind === 'block' || state?.kind === 'unlink';
  const unchanged = state !== undefined && (state.kind === kind || (kind === 'block' && blocked));
  if (kind === 'pin') await refuseSecondPin(tx, wanted);
  if (kind === 'unpin' && state?.kind !== 'pin') throw nothingToEnd('NOT_PINNED', object, 'pinned', 'review list');
  if (kind === 'unblock' && !blocked) throw nothingToEnd('NOT_BLOCKED', object, 'blocked', 'review list');
  if (kind === 'unlink') {
    const open = await tx.query(sql`select from link where object = ${object} and crm_id = ${crmId} and pers_id = ${persId} and ended_run is null`);
    if (open.rowCount === 0 && !unchanged) throw nothingToEnd('NOT_LINKED', object, 'linked', 'review block');
  }
  if (unchanged) return { seq: state.seq, changed: false };
  const made = await tx.query<{ seq: number }>(sql`
    insert into decision (object, crm_id, pers_id, kind, decided_by, note)
    values (${object}, ${crmId}, ${persId}, ${kind}, ${wanted.by}, ${wanted.note ?? null}) returning seq`);
  const row = made.rows[0];
  if (row === undefined) throw new Error('the insert of a decision returned no row');
  return { seq: row.seq, changed: true };
}

async function refuseSecondPin(tx: PoolClient, { object, crmId, persId }: DecisionToMake): Promise<void> {
  const taken = await tx.query<{ own: boolean }>(sql`
    select crm_id = ${crmId} as own from pin_now(9223372036854775807)
     where object = ${object} and (crm_id = ${crmId} or pers_id = ${persId}) and (crm_id, pers_id) <> (${crmId}, ${persId}) limit 1`);
  const other = taken.rows[0];
  if (other === undefined) return;
  throw new Failure(`the ${other.own ? object : 'person'} is pinned to another ${other.own ? 'person' : object} already: pins are one to one (R13)`, {
    kind: 'permanent',
    code: 'PIN_TAKEN',
    exitCode: 2,
    remedy: 'end the other pin first with `review unpin`',
  });
}

function nothingToEnd(code: string, object: ObjectType, state: string, look: string): Failure {
  return new Failure(`this ${object} and this person are not ${state}`, { kind: 'permanent', code, exitCode: 2, remedy: `see \`crm-sync ${look}\`` });
}
