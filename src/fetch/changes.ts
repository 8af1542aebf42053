import { Failure } from '../domain/failure.ts';
import type { CrmObject, Salesforce } from '../salesforce/side.ts';

const minuteMs = 60_000;
const doubtMs = 60 * minuteMs;

const isoOf = (ms: number): string => new Date(ms).toISOString();
const isCode = (error: unknown, code: string): boolean => error instanceof Failure && error.code === code;

export interface Covered {
  /** Up to here everything is visible, and not beyond the org's clock. */
  readonly toMs: number;
  readonly deletedIds: readonly string[];
}

/** The end of a window that takes in the current minute: Salesforce cuts seconds off, and bounds what it covers by itself. */
const endOf = (nowMs: number): number => Math.floor(nowMs / minuteMs) * minuteMs + 2 * minuteMs;

/**
 * Up to when the changes of an object since `fromMs` are all visible, by the log of changes: a transaction that began before and is not ended yet holds it back. Too many ids
 * for one answer: only the time is wanted, so the later half is asked; an org that cannot say it of the last minutes is taken to cover an hour less.
 */
export async function coveredByUpdates(salesforce: Salesforce, object: CrmObject, fromMs: number, nowMs: number): Promise<number> {
  for (let startMs = fromMs, endMs = endOf(nowMs); ;) {
    try {
      const { latestDateCovered, serverDate } = await salesforce.updated(object, isoOf(startMs), isoOf(endMs));
      return Math.min(Date.parse(latestDateCovered), Date.parse(serverDate));
    } catch (error) {
      if (isCode(error, 'EXCEEDED_ID_LIMIT') && endMs - startMs > 4 * minuteMs) startMs = Math.floor((startMs + endMs) / 2);
      else if (isCode(error, 'EXCEEDED_ID_LIMIT')) return nowMs - doubtMs;
      // An org that refuses an end which is still to come.
      else if (isCode(error, 'INVALID_REPLICATION_DATE') && endMs > nowMs && nowMs - startMs > 2 * minuteMs) endMs = nowMs;
      else throw error;
    }
  }
}

/** Ids that the log of deletions names since `fromMs`, hard deletions included. Too many for one answer: two halves. Throws `INVALID_REPLICATION_DATE` if it does not reach back. */
export async function deletedSince(salesforce: Salesforce, object: CrmObject, fromMs: number, nowMs: number): Promise<Covered> {
  const ask = async (startMs: number, endMs: number): Promise<Covered> => {
    try {
      const { ids, latestDateCovered } = await salesforce.deleted(object, isoOf(startMs), isoOf(endMs));
      return { toMs: Date.parse(latestDateCovered), deletedIds: ids };
    } catch (error) {
      const middleMs = Math.floor((startMs + endMs) / 2 / minuteMs) * minuteMs;
      if (!isCode(error, 'EXCEEDED_ID_LIMIT') || middleMs - startMs < 2 * minuteMs || endMs - middleMs < 2 * minuteMs) throw error;
      const [first, second] = [await ask(startMs, middleMs), await ask(middleMs, endMs)];
      // What the first half does not cover to its end, the second does not cover either.
      const toMs = first.toMs < middleMs ? first.toMs : second.toMs;
      return { toMs, deletedIds: [...first.deletedIds, ...second.deletedIds] };
    }
  };
  const endMs = endOf(nowMs);
  try {
    return await ask(fromMs, endMs);
  } catch (error) {
    if (!isCode(error, 'INVALID_REPLICATION_DATE') || nowMs - fromMs <= 2 * minuteMs) throw error;
    return ask(fromMs, nowMs);
  }
}
