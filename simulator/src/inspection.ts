import { notFound } from './errors.ts';
import { objectNamed } from './org.ts';
import type { Call } from './router.ts';

/** GET /__simulator/requests: what was asked since the start or the last DELETE, oldest first. */
export function inspectRequests(call: Call): unknown {
  checkLocal(call);
  return call.org.log.entries();
}

/** DELETE /__simulator/requests */
export function clearRequests(call: Call): undefined {
  checkLocal(call);
  call.org.log.clear();
}

/** What is asked without a token is for this machine only, wherever the org listens. @throws {ApiError} NOT_FOUND */
export function checkLocal({ request }: Call): void {
  const address = request.socket.remoteAddress ?? '';
  if (!/^(?:::ffff:)?127\.|^::1$/.test(address)) throw notFound();
}

type Asked = { readonly object: string; readonly id: string | null; readonly run: string | null; readonly min: number };

/** What both counts are asked with: `?object=Contact[&id=][&run=][&min=2]`. @throws {ApiError} NOT_FOUND for no such object */
function asked({ org, url }: Call): Asked {
  const given = (name: string): string | null => url.searchParams.get(name);
  return { object: objectNamed(org, given('object') ?? '').name, id: given('id'), run: given('run'), min: Number(given('min') ?? 1) };
}

/** GET /__simulator/updates: how often each record was written through the API, and by which requests. */
export function inspectUpdates(call: Call): unknown {
  checkLocal(call);
  const { object, id, run, min } = asked(call);
  const rows = call.org.store
    .sql(
      'select id, count(*) as updates, json_group_array(request) as requests from writes where object = ? and (? is null or id = ?) and (? is null or run = ?) group by id having count(*) >= ? order by id',
    )
    .all(object, id, id, run, run, min);
  return rows.map((row) => ({ id: row['id'], updates: row['updates'], requests: JSON.parse(String(row['requests'])) as unknown }));
}

/** GET /__simulator/triggers: how often the org's triggers ran on each record for a save of the API, and which: `{"Title > Department": 2}`. */
export function inspectTriggers(call: Call): unknown {
  checkLocal(call);
  const { object, id, run, min } = asked(call);
  const rows = call.org.store
    .sql(
      `select id, sum(times) as runs, json_group_object(name, times) as triggers from (select id, name, count(*) as times from trigger_runs
      where object = ? and (? is null or id = ?) and (? is null or run = ?) group by id, name order by id, name) group by id having max(times) >= ? order by id`,
    )
    .all(object, id, id, run, run, min);
  return rows.map((row) => ({ id: row['id'], runs: row['runs'], triggers: JSON.parse(String(row['triggers'])) as unknown }));
}
