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

/** GET /__simulator/updates?object=Contact[&id=...]: how often each record was written through the API, and by which requests. */
export function inspectUpdates(call: Call): unknown {
  checkLocal(call);
  const { org, url } = call;
  const type = objectNamed(org, url.searchParams.get('object') ?? '');
  const id = url.searchParams.get('id');
  const rows = org.store
    .sql(
      'select id, count(*) as updates, json_group_array(request) as requests from writes where object = ? and (? is null or id = ?) group by id order by id',
    )
    .all(type.name, id, id);
  return rows.map((row) => ({ id: row['id'], updates: row['updates'], requests: JSON.parse(String(row['requests'])) as unknown }));
}
