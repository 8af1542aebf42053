import type { FullReason, ReadState, TimeSpan } from '../mirror/reads.ts';

/** So far before the watermark a window begins: rows that became visible after their time are read with the next one. */
export const overlapMs = 10 * 60_000;
/** The log of deletions reaches back so far. */
const logReachMs = 15 * 86_400_000;
/** Two answers of an org need not come from the same machine. */
const clockSkewMs = 60_000;

export interface ReadQuestion {
  readonly state: ReadState | null;
  /** The run's own, of the object. */
  readonly arrangement: string;
  /** By the org's clock. */
  readonly nowMs: number;
  /** `run --full` */
  readonly asked: boolean;
  /** The time the run stands for, by which it is Sunday's or not: when the Schedule meant it to begin, else the org's clock. */
  readonly nominalMs: number;
  readonly timezone: string;
  /** Formulas change without a new SystemModstamp: an object that has one among its fields is read in full. */
  readonly hasFormulas: boolean;
}

export type ReadDecision =
  | { readonly mode: 'window'; readonly fromMs: number }
  /** `fromMs`: where a window would have begun; null without a watermark. */
  | { readonly mode: 'full'; readonly reason: FullReason; readonly fromMs: number | null };

/** Full reads that a window could have stood for: what it would not have brought is counted. The others are made because there is nothing to go on from. */
export const comparedReasons: ReadonlySet<FullReason> = new Set(['asked', 'sunday', 'formulas']);

/** Whether an object is read by a window of changes or in full. */
export function decideRead({ state, arrangement, nowMs, asked, nominalMs, timezone, hasFormulas }: ReadQuestion): ReadDecision {
  const full = (reason: FullReason, fromMs: number | null = null): ReadDecision => ({ mode: 'full', reason, fromMs });
  if (state === null || state.watermark === null) return full('first');
  const watermarkMs = Date.parse(state.watermark);
  if (watermarkMs > nowMs + clockSkewMs) return full('future');
  const fromMs = watermarkMs - overlapMs;
  if (state.arrangement !== arrangement) return full('fieldSet', fromMs);
  if (fromMs < nowMs - logReachMs) return full('gap', fromMs);
  if (asked) return full('asked', fromMs);
  if (isSundays(nominalMs, state.fullAt, timezone)) return full('sunday', fromMs);
  if (hasFormulas) return full('formulas', fromMs);
  return { mode: 'window', fromMs };
}

/** The first run of a Sunday: the last full read is of an earlier day. */
function isSundays(nominalMs: number, fullAt: string | null, timezone: string): boolean {
  const day = (ms: number): string => new Intl.DateTimeFormat('en-CA', { timeZone: timezone, dateStyle: 'short' }).format(ms);
  const weekday = new Intl.DateTimeFormat('en-US', { timeZone: timezone, weekday: 'short' }).format(nominalMs);
  return weekday === 'Sun' && (fullAt === null || day(Date.parse(fullAt)) < day(nominalMs));
}

/** Years in which a record of an org can have been made; what lies outside is in the outermost halves, which are open. */
const firstMs = Date.UTC(1999, 0, 1);
const shortestMs = 60_000;

/** A span in two; null if it is too short to be cut. */
export function halves(span: TimeSpan, nowMs: number): readonly [TimeSpan, TimeSpan] | null {
  const fromMs = span.from === null ? firstMs : Date.parse(span.from);
  const toMs = span.to === null ? nowMs : Date.parse(span.to);
  if (toMs - fromMs < 2 * shortestMs) return null;
  const middle = new Date(Math.floor((fromMs + toMs) / 2000) * 1000).toISOString();
  return [
    { ...span, to: middle },
    { ...span, from: middle },
  ];
}
