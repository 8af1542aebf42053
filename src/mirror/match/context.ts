import type { ObjectType } from '../../domain/objects.ts';
import { identifier } from '../../postgres/sql.ts';
import type { RunShape } from '../run-shape.ts';

/** What every step of a match works by: the run, its settings, and the decisions that count in it. */
export interface MatchContext {
  readonly runNo: number;
  readonly run: string;
  readonly shape: RunShape;
  /** Pins and blocks made later do not count in this run. */
  readonly decisionSeq: number;
  /** Leads are on in this run (R16). */
  readonly leads: boolean;
  /** A group of more pairs than this is not listed pair by pair; 100 if absent. The result does not depend on it. */
  readonly listedPairs?: number;
}

/** Tables of a run that lie apart by object as well. */
export const matchTables = ['candidate', 'hot_member', 'crm_outcome', 'pers_outcome'] as const;
export type MatchTable = (typeof matchTables)[number];

/** The partition that holds one object's rows of one run. */
export function partitionName(table: MatchTable, runNo: number, object: ObjectType): string {
  return `${table}_r${runNo}_${object}`;
}

type Name = ReturnType<typeof identifier>;

/** Tables of one object in one run, by name: what a statement reads is then what its plan has statistics of. */
export interface RunTables {
  readonly candidate: Name;
  readonly hot: Name;
  readonly crmOutcome: Name;
  readonly persOutcome: Name;
  readonly crmKey: Name;
  readonly persKey: Name;
  readonly crmRecord: Name;
}

export function runTables(ctx: MatchContext, object: ObjectType): RunTables {
  const part = (table: MatchTable): Name => identifier(partitionName(table, ctx.runNo, object));
  return {
    candidate: part('candidate'),
    hot: part('hot_member'),
    crmOutcome: part('crm_outcome'),
    persOutcome: part('pers_outcome'),
    crmKey: identifier(`crm_key_${object}`),
    persKey: identifier(`pers_key_${object}`),
    crmRecord: identifier(`crm_record_${object}`),
  };
}
