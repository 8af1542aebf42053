import type { RowError } from './errors.ts';
import { normaliseId } from './ids.ts';
import type { Org } from './org.ts';
import type { Call } from './router.ts';
import { quoted } from './schema.ts';
import type { ObjectType } from './schema.ts';

/** A save under way: of which object, by which request and in which run (for the record of writes), and how long until others see it. Used inside a transaction. */
export type Saver = { readonly org: Org; readonly type: ObjectType; readonly request: string; readonly run: string; readonly delaySeconds: number };

export type SaveResult =
  | { readonly ok: true; readonly id: string; readonly created: boolean }
  | { readonly ok: false; readonly id: string | null; readonly errors: readonly RowError[] };

export const failure = (id: string | null, statusCode: string, message: string, fields: readonly string[] = []): SaveResult & { ok: false } => ({
  ok: false,
  id,
  errors: [{ statusCode, message, fields }],
});
export const success = (id: string, created = false): SaveResult => ({ ok: true, id, created });

const delayHeader = 'x-simulator-commit-delay';

/** The header `X-Simulator-Run` of a request; it goes before the setting `run`. */
export function runHeader({ request }: Pick<Call, 'request'>): { run?: string } {
  const run = request.headers['x-simulator-run'];
  return typeof run === 'string' ? { run } : {};
}

/** What a request's saves have in common. The header `X-Simulator-Commit-Delay` (seconds) goes before the setting. */
export function saverFor(call: Call, type: ObjectType, request: string): Saver {
  const given = Number(call.request.headers[delayHeader] ?? Number.NaN);
  const { settings } = call.org;
  return {
    org: call.org,
    type,
    request,
    run: runHeader(call).run ?? settings.run,
    delaySeconds: Number.isFinite(given) && given >= 0 ? given : settings.commitDelaySeconds,
  };
}

/** How the record of writes names a request: method, path, and its number of the day. */
export const requestName = (call: Call): string =>
  `${call.request.method} ${call.url.pathname.replace(/^\/+/, '/').replace(/^\/services\/data\/[^/]+/i, '')} #${call.org.usage.used}`;

/** What a record's id must be before it is looked up. */
export function checkId(type: ObjectType, given: unknown): { readonly id: string } | { readonly failed: SaveResult & { ok: false } } {
  if (given === undefined || given === null || given === '')
    return { failed: failure(null, 'MISSING_ARGUMENT', 'Id not specified in an update call') };
  const id = normaliseId(String(given));
  if (id === null) return { failed: failure(null, 'MALFORMED_ID', `malformed id ${String(given)}`, ['Id']) };
  if (!id.startsWith(type.keyPrefix))
    return { failed: failure(id, 'MALFORMED_ID', `${type.label} ID: id value of incorrect type: ${String(given)}`, ['Id']) };
  return { id };
}

export type Current = {
  readonly IsDeleted: number;
  readonly IsPersonAccount: number;
  readonly IsConverted?: number;
  readonly FirstName?: string | null;
  readonly LastName?: string | null;
  readonly AccountId?: string | null;
  readonly PersonContactId?: string | null;
  readonly _deleted_with: string | null;
};

const currentColumns: Readonly<Record<string, string>> = {
  Account: '"PersonContactId"',
  Contact: '"FirstName", "LastName", "AccountId"',
  Lead: '"FirstName", "LastName", "IsConverted"',
};

/** The row as it is, visible to others or not yet. */
export function findCurrent({ org, type }: Pick<Saver, 'org' | 'type'>, id: string): Current | undefined {
  return org.store
    .sql(`select "IsDeleted", "IsPersonAccount", _deleted_with, ${currentColumns[type.name] ?? '1'} from ${quoted(type.name)} where "Id" = ?`)
    .get(id) as Current | undefined;
}

/** The row if it is live. */
export function findLive(
  saver: Saver,
  givenId: unknown,
): { readonly id: string; readonly current: Current } | { readonly failed: SaveResult & { ok: false } } {
  const checked = checkId(saver.type, givenId);
  if ('failed' in checked) return checked;
  const current = findCurrent(saver, checked.id);
  if (current === undefined) return { failed: failure(checked.id, 'INVALID_CROSS_REFERENCE_KEY', 'invalid cross reference id') };
  if (current.IsDeleted === 1) return { failed: failure(checked.id, 'ENTITY_IS_DELETED', 'entity is deleted') };
  return { id: checked.id, current };
}

/** The contact row of a person account is changed through its account. */
export function personContactRefusal({ org, type }: Saver, id: string, current: Current): (SaveResult & { ok: false }) | undefined {
  if (type.name !== 'Contact' || current.IsPersonAccount !== 1 || org.settings.personContactUpdates === 'allowed') return undefined;
  return failure(id, 'INSUFFICIENT_ACCESS_OR_READONLY', 'insufficient access rights on object id');
}
