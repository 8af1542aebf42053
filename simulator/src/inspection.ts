import { objectNamed } from './org.ts';
import type { Call } from './router.ts';

/** GET /__simulator/requests: what was asked since the start or the last DELETE, oldest first. */
export const inspectRequests = ({ org }: Call): unknown => org.log.entries();

/** GET /__simulator/updates?object=Contact[&id=...]: how often each record was written through the API, and by which requests. */
export function inspectUpdates({ org, url }: Call): unknown {
  const type = objectNamed(org, url.searchParams.get('object') ?? '');
  const id = url.searchParams.get('id');
  const rows = org.store.sql('select id, count(*) as updates, json_group_array(request) as requests from writes where object = ? and (? is null or id = ?) group by id order by id').all(type.name, id, id);
  return rows.map((row) => ({ id: row['id'], updates: row['updates'], requests: JSON.parse(String(row['requests'])) as unknown }));
}
