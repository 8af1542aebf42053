import { parse } from 'csv-parse/sync';
import type { Counts, Left } from './left.ts';

/** Why a seed is not equal: `lost`: a wanted value did not arrive; `doubled`: sent more often than writing.md allows; else `different`. */
export interface Difference {
  readonly kind: 'lost' | 'doubled' | 'different';
  readonly says: string;
  readonly lines: readonly string[];
}

const shown = 12;

function difference(kind: Difference['kind'], says: string, found: readonly string[], wanted: readonly string[]): Difference | null {
  const [left, right] = [new Set(found), new Set(wanted)];
  const more = found.filter((line) => !right.has(line));
  const less = wanted.filter((line) => !left.has(line));
  if (more.length + less.length === 0) return null;
  const lines = [...less.map((line) => `undisturbed: ${line}`), ...more.map((line) => `disturbed:   ${line}`)].toSorted((a, b) =>
    keyOf(a) < keyOf(b) ? -1 : 1,
  );
  return {
    kind,
    says: `${says}: ${less.length} lines of the undisturbed night are missing, ${more.length} are others`,
    lines: lines.slice(0, shown),
  };
}

const keyOf = (line: string): string => line.slice(13);

/** What a disturbed night must have in common with the undisturbed one. `again`: it took a further run. */
export function compareNights(
  disturbed: Left,
  undisturbed: Left,
  { again, twins }: { readonly again: boolean; readonly twins: number },
): Difference | null {
  return (
    difference('lost', 'values of both sides', disturbed.values, undisturbed.values) ??
    difference('different', 'records.csv', disturbed.records.map(recordLine(again)), undisturbed.records.map(recordLine(again))) ??
    difference('different', 'intents.csv', intentLines(disturbed.intents, again, twins), intentLines(undisturbed.intents, again, twins)) ??
    doubled(disturbed, undisturbed, twins)
  );
}

/** Links that an earlier run of the same night made are kept, or already drifted, in the later one. */
const recordLine =
  (again: boolean) =>
  (line: string): string => {
    if (!again) return line;
    const [cells = []] = parse(line) as string[][];
    return JSON.stringify(cells.map((cell, at) => (at === 7 && ['kept', 'converted', 'drifted'].includes(cell) ? '' : cell)));
  };

/**
 * Of a night in several runs the refusals are compared: the values show the rest. What an attempt that was taken for dead had under way, its repeat may find there when it is about to send it: `unchanged` instead of
 * `applied`.
 */
function intentLines(lines: readonly string[], again: boolean, twins: number): readonly string[] {
  if (!again) return twins === 0 ? lines : lines.map((line) => (line.startsWith('salesforce,') ? line.replace(/,unchanged,,$/, ',applied,,') : line));
  const rows = parse(lines.join('\n'), { from_line: 2 }) as string[][];
  return rows.filter(([, , , , , , , outcome]) => outcome === 'rejected').map((row) => JSON.stringify(row.filter((_cell, at) => at !== 4)));
}

/**
 * Every record was written as often as in the undisturbed night. Once more only by a request that may have been under way while its repeat was made: at most one request of each object for each of the
 * `twins`, and never more than twice.
 */
function doubled(disturbed: Counts, undisturbed: Counts, twins: number): Difference | null {
  const lines: string[] = [];
  const again = new Map<string, Set<string>>();
  for (const [key, { updates, requests }] of disturbed.written) {
    const usual = undisturbed.written.get(key)?.updates ?? 0;
    if (updates <= usual) continue;
    const object = key.split(' ', 1)[0] ?? '';
    const pairs = again.get(object) ?? new Set<string>();
    again.set(object, pairs.add(requests.join(' + ')));
    if (updates > usual + 1 || usual === 0 || twins === 0) lines.push(`${key}: ${updates} times instead of ${usual}: ${requests.join(', ')}`);
  }
  for (const [object, pairs] of again)
    if (pairs.size > twins) lines.push(`${object}: ${pairs.size} requests were sent again where ${twins} may have been: ${[...pairs].join('; ')}`);
  for (const [key, times] of disturbed.triggers) {
    const usual = undisturbed.triggers.get(key) ?? 0;
    if (times > usual * (twins === 0 ? 1 : 2)) lines.push(`${key}: ran ${times} times instead of ${usual}`);
  }
  return lines.length === 0 ? null : { kind: 'doubled', says: 'records sent more often than may be', lines: lines.slice(0, shown) };
}

/** R25: a night after which nothing has changed sends nothing. */
export function compareQuiet(before: Left, after: Left): Difference | null {
  const sent = (parse(after.intents.join('\n'), { from_line: 2 }) as string[][]).filter(
    ([, , , , , , , outcome]) => outcome === 'applied' || outcome === 'deferred',
  );
  const lines = [...sent.map((row) => row.join()), ...[...after.written.keys()].map((key) => `${key} was written`)];
  if (lines.length > 0) return { kind: 'different', says: 'one more night, with nothing changed, wrote', lines: lines.slice(0, shown) };
  return difference('different', 'values of both sides after one more night', after.values, before.values);
}
