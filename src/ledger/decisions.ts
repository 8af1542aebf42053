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
  /** It ended the pair's link. */
  readonly linkEnded: boolean;
}

/** One decision at a time, and none while links become real: two pins of one person made at once would both find it free. Held until the transaction ends. */
export async function lockDecisions(tx: PoolClient): Promise<void> {
  await tx.query(sql`select pg_advisory_xact_lock(hashtextextended('crm-sync decisions ' || current_schemas(false)::text, 0))`);
}

/**
 * Writes down what somebody decided about one pair (R13). Of several decisions on a pair the last one counts, so a block or an unlink ends the
 * pair's own pin, and a pin its block. A block or an unlink ends the pair's link at once; what a run in progress has not sent yet is then not sent. Pins wait for the next run.
 * Throws `PIN_TAKEN` for a second pin of a record or a person, `NOT_PINNED`, `NOT_BLOCKED` and `NOT_LINKED` where there is nothing to end.
 */
export async function decide(tx: PoolClient, wanted: DecisionToMake): Promise<Decision> {
  const { kind, object, crmId, persId } = wanted;
  await lockDecisions(tx);
  const last = await tx.query<{ seq: number; kind: DecisionKind }>(sql`
    select seq, kind from decision where object = ${object} and crm_id = ${crmId} and pers_id = ${persId} order by seq desc limit 1`);
  const state = last.rows[0];
  const blocked = state?.kind === 'block' || state?.kind === 'unlink';
  const unchanged = state !== undefined && (state.kind === kind || (kind === 'block' && blocked));
  if (kind === 'pin') await refuseSecondPin(tx, wanted);
  if (kind === 'unpin' && state?.kind !== 'pin') throw nothingToEnd('NOT_PINNED', wanted);
  if (kind === 'unblock' && !blocked) throw nothingToEnd('NOT_BLOCKED', wanted);
  if (kind === 'unlink') {
    const open = await tx.query(sql`select from link where object = ${object} and crm_id = ${crmId} and pers_id = ${persId} and ended_run is null`);
    if (open.rowCount === 0 && !unchanged) throw nothingToEnd('NOT_LINKED', wanted);
  }
  const linkEnded = kind === 'block' || kind === 'unlink' ? await endLink(tx, wanted) : false;
  if (unchanged) return { seq: state.seq, changed: false, linkEnded };
  const made = await tx.query<{ seq: number }>(sql`
    insert into decision (object, crm_id, pers_id, kind, decided_by, note)
    values (${object}, ${crmId}, ${persId}, ${kind}, ${wanted.by}, ${wanted.note ?? null}) returning seq`);
  const row = made.rows[0];
  if (row === undefined) throw new Error('the insert of a decision returned no row');
  return { seq: row.seq, changed: true, linkEnded };
}

async function endLink(tx: PoolClient, { kind, object, crmId, persId, by }: DecisionToMake): Promise<boolean> {
  const ended = await tx.query(sql`
    update link set ended_run = ${endedBy(by)}, ended_at = now(), ended_reason = ${kind === 'block' ? 'blocked' : 'unlinked'}
     where object = ${object} and crm_id = ${crmId} and pers_id = ${persId} and ended_run is null`);
  return ended.rowCount !== 0;
}

/** What stands in place of a run where a person ended a link. */
export function endedBy(by: string): string {
  return `by ${by}`;
}

async function refuseSecondPin(tx: PoolClient, { object, crmId, persId }: DecisionToMake): Promise<void> {
  const taken = await tx.query<{ crm_id: string; pers_id: string }>(sql`
    select crm_id, pers_id from pin_now(9223372036854775807)
     where object = ${object} and (crm_id = ${crmId} or pers_id = ${persId}) and (crm_id, pers_id) <> (${crmId}, ${persId})
     order by crm_id = ${crmId} desc limit 1`);
  const other = taken.rows[0];
  if (other === undefined) return;
  const what = other.crm_id === crmId ? `${object} ${crmId} is pinned to ${other.pers_id}` : `${persId} is pinned to ${object} ${other.crm_id}`;
  throw new Failure(`${what} already: pins are one to one (R13)`, {
    kind: 'permanent',
    code: 'PIN_TAKEN',
    remedy: `End that pin first: crm-sync review unpin ${other.crm_id} ${other.pers_id}`,
  });
}

const ends = {
  NOT_PINNED: ['pinned', '`crm-sync review list` shows the pins.'],
  NOT_BLOCKED: ['blocked', '`crm-sync review list` shows what is blocked.'],
  NOT_LINKED: ['linked', 'To keep them from being linked: crm-sync review block.'],
} as const;

function nothingToEnd(code: keyof typeof ends, { object, crmId, persId }: DecisionToMake): Failure {
  const [state, remedy] = ends[code];
  return new Failure(`${object} ${crmId} and ${persId} are not ${state}`, { kind: 'permanent', code, remedy });
}
