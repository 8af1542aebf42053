import { idFromNumber } from './ids.ts';
import { holdBack, holdBackNew } from './late-commits.ts';
import { nowStamp } from './org.ts';
import type { Stored } from './save-values.ts';
import type { Saver } from './saver.ts';
import { quoted } from './schema.ts';

const assignments = (names: readonly string[]): string => names.map((name) => `${quoted(name)} = ?`).join(', ');

/** Notes a write of the API for `/__simulator/updates`. */
export function recordWrite({ org, type, request, run }: Saver, id: string): void {
  org.store.sql('insert into writes (object, id, request, run) values (?, ?, ?, ?)').run(type.name, id, request, run);
}

/** Notes the triggers that a save of the API ran, for `/__simulator/triggers`. */
export function recordTriggers({ org, type, request, run }: Saver, id: string, fired: readonly string[]): void {
  for (const name of fired)
    org.store.sql('insert into trigger_runs (object, id, name, request, run) values (?, ?, ?, ?, ?)').run(type.name, id, name, request, run);
}

/** Changes the rows that `where` finds. `stamps`: SystemModstamp with the last modification, SystemModstamp alone, or neither. @returns how many */
export function changeRows(
  saver: Saver,
  where: string,
  ids: readonly Stored[],
  values: ReadonlyMap<string, Stored>,
  stamps: 'all' | 'system' | 'none' = 'all',
): number {
  const { org, type, delaySeconds } = saver;
  const stamp = nowStamp(org);
  holdBack(org, type.name, delaySeconds, stamp, where, ids);
  const names = [...values.keys()];
  const all: Stored[] = [...values.values()];
  if (stamps !== 'none') {
    names.push('SystemModstamp');
    all.push(stamp);
  }
  if (stamps === 'all') {
    names.push('LastModifiedDate', 'LastModifiedById');
    all.push(stamp, org.credentials.userId);
  }
  return Number(
    org.store.sql(`update ${quoted(type.name)} set ${assignments(names)}, _updates = _updates + 1 where ${where}`).run(...all, ...ids).changes,
  );
}

/** Changes one row, as a save does. */
export function changeRow(saver: Saver, id: string, values: ReadonlyMap<string, Stored>): void {
  changeRows(saver, '"Id" = ?', [id], values);
  recordWrite(saver, id);
}

/** Makes a row with its stamps and owner. @returns its id */
export function insertRow(saver: Saver, values: Map<string, Stored>): string {
  const { org, type, delaySeconds } = saver;
  if ((values.get('OwnerId') ?? null) === null) values.set('OwnerId', org.credentials.userId);
  const stamp = nowStamp(org);
  const id = idFromNumber(`${type.keyPrefix}S`, org.store.nextNumber(type.name));
  const names = ['Id', ...values.keys(), 'CreatedDate', 'LastModifiedDate', 'SystemModstamp', 'CreatedById', 'LastModifiedById'];
  org.store
    .sql(`insert into ${quoted(type.name)} (${names.map(quoted).join(', ')}) values (${names.map(() => '?').join(', ')})`)
    .run(id, ...values.values(), stamp, stamp, stamp, org.credentials.userId, org.credentials.userId);
  holdBackNew(org, type.name, delaySeconds, stamp, id);
  recordWrite(saver, id);
  return id;
}

export const fullName = (first: Stored | undefined, last: Stored | undefined): string | null =>
  [first, last].filter((part) => part !== null && part !== undefined && part !== '').join(' ') || null;
