import type { Org } from './org.ts';
import { quoted } from './schema.ts';
import type { Store } from './store.ts';

/**
 * Late commits: a save with a commit delay is stamped at once, but becomes visible n seconds later, as the save of a long transaction does.
 * The table has the new row already; what readers see until then is kept in `~before` (nothing, for a row that is new).
 */

/** How many rows wait in a store: what every read asks first. */
const waiting = new WeakMap<Store, number>();

const countWaiting = (store: Store): number => {
  const count = Number(store.sql('select count(*) as n from open_rows').get()?.['n']);
  waiting.set(store, count);
  return count;
};
const waitingIn = (store: Store): number => waiting.get(store) ?? countWaiting(store);

/** The table of an object as readers see it now, for a `from`. */
export function readable(store: Store, object: string): string {
  if (waitingIn(store) === 0 || store.type(object)?.writable !== true) return quoted(object);
  const columns = store.columnNames(object).map(quoted).join(', ');
  return `(select ${columns} from ${quoted(object)} where "Id" not in (select id from open_rows where object = '${object}') union all select ${columns} from ${quoted(`${object}~before`)})`;
}

/** To be called before rows change or are made: `where` finds them. A row that waits already stays as it was before its first change, and waits for its last. */
export function holdBack(
  org: Org,
  object: string,
  delaySeconds: number,
  stamp: string,
  where: string,
  values: readonly (string | number | null)[],
): void {
  if (delaySeconds <= 0) return;
  const { store } = org;
  const columns = store.columnNames(object).map(quoted).join(', ');
  store
    .sql(
      `insert into ${quoted(`${object}~before`)} (${columns}) select ${columns} from ${quoted(object)} where (${where}) and "Id" not in (select id from open_rows where object = ?)`,
    )
    .run(...values, object);
  store
    .sql(
      `insert into open_rows (object, id, started_at, visible_ms) select ?, "Id", ?, ? from ${quoted(object)} where ${where} on conflict do update set visible_ms = excluded.visible_ms`,
    )
    .run(object, stamp, Date.parse(stamp) + delaySeconds * 1000, ...values);
  countWaiting(store);
}

/** The same for a row about to be made. */
export function holdBackNew(org: Org, object: string, delaySeconds: number, stamp: string, id: string): void {
  if (delaySeconds <= 0) return;
  org.store
    .sql('insert into open_rows (object, id, started_at, visible_ms) values (?, ?, ?, ?)')
    .run(object, id, stamp, Date.parse(stamp) + delaySeconds * 1000);
  countWaiting(org.store);
}

/** Shows the rows whose time has come. */
export function commitDue(org: Org): void {
  const { store } = org;
  if (waitingIn(store) === 0) return;
  store.transaction(() => {
    for (const type of store.types()) {
      if (!type.writable) continue;
      store
        .sql(`delete from ${quoted(`${type.name}~before`)} where "Id" in (select id from open_rows where object = ? and visible_ms <= ?)`)
        .run(type.name, org.nowMs());
    }
    store.sql('delete from open_rows where visible_ms <= ?').run(org.nowMs());
  });
  countWaiting(store);
}

/** When the oldest transaction that is still open began; null without one. */
export function oldestOpen(store: Store): string | null {
  if (waitingIn(store) === 0) return null;
  const oldest = store.sql('select min(started_at) as at from open_rows').get()?.['at'];
  return typeof oldest === 'string' ? oldest : null;
}
