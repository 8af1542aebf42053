import { binRows } from './deletion.ts';
import { changeRows } from './row-writes.ts';
import { updateRecord } from './save.ts';
import { failure, findLive, personContactRefusal } from './saver.ts';
import type { Current, SaveResult, Saver } from './saver.ts';
import { quoted } from './schema.ts';
import type { ObjectType } from './schema.ts';

export type MergeResult =
  | (SaveResult & { ok: false })
  | { readonly ok: true; readonly id: string; readonly mergedIds: readonly string[]; readonly relatedIds: readonly string[] };

/** The references that follow a loser to the master. Those of converted leads (ConvertedContactId, ConvertedAccountId) stay as they were. */
const references: Readonly<Record<string, readonly (readonly [object: string, field: string])[]>> = {
  Account: [
    ['Contact', 'AccountId'],
    ['Account', 'ParentId'],
  ],
  Contact: [['Contact', 'ReportsToId']],
  Lead: [],
};

const marks = (ids: readonly string[]): string => ids.map(() => '?').join(', ');

/**
 * Merges one or two records into a master of the same object: the master gets the given fields, the losers go to the recycle bin with MasterRecordId, what
 * referred to them refers to the master. The contact rows of person accounts are merged with them.
 */
export function mergeRecords(saver: Saver, masterId: unknown, fields: Readonly<Record<string, unknown>>, loserIds: readonly string[]): MergeResult {
  const master = findMergeable(saver, masterId);
  if ('failed' in master) return master.failed;
  const { id } = master;
  if (loserIds.length < 1 || loserIds.length > 2)
    return failure(id, 'NUMBER_OUTSIDE_VALID_RANGE', 'one or two records can be merged into a master record');
  const losers: { readonly id: string; readonly current: Current }[] = [];
  for (const given of loserIds) {
    const loser = findMergeable(saver, given);
    if ('failed' in loser) return loser.failed;
    if (loser.id === id || losers.some((each) => each.id === loser.id))
      return failure(loser.id, 'INVALID_ID_FIELD', 'a record can be merged only once, and not into itself');
    if (loser.current.IsPersonAccount !== master.current.IsPersonAccount)
      return failure(loser.id, 'FIELD_INTEGRITY_EXCEPTION', 'a person account can be merged with person accounts only');
    losers.push(loser);
  }
  const updated = updateRecord(saver, id, fields);
  if (!updated.ok) return updated;
  const mergedIds = losers.map((loser) => loser.id);
  if (master.current.IsPersonAccount === 1) mergeContactRows(saver, master.current, losers);
  const relatedIds = moveReferences(saver, id, mergedIds);
  binRows(saver, `"Id" in (${marks(mergedIds)})`, mergedIds, { masterId: id });
  return { ok: true, id, mergedIds, relatedIds };
}

function findMergeable(saver: Saver, givenId: unknown): ReturnType<typeof findLive> {
  const found = findLive(saver, givenId);
  if ('failed' in found) return found;
  if (found.current.IsConverted === 1) return { failed: failure(found.id, 'CANNOT_UPDATE_CONVERTED_LEAD', 'cannot reference converted lead') };
  const refused = personContactRefusal(saver, found.id, found.current);
  return refused === undefined ? found : { failed: refused };
}

function moveReferences(saver: Saver, masterId: string, loserIds: readonly string[]): string[] {
  const { store, settings } = saver.org;
  return (references[saver.type.name] ?? []).flatMap(([object, field]) => {
    const type = store.type(object) as ObjectType;
    const where = `${quoted(field)} in (${marks(loserIds)}) and "IsDeleted" = 0`;
    const ids = store
      .sql(`select "Id" as id from ${quoted(object)} where ${where} order by "Id"`)
      .all(...loserIds)
      .map((row) => String(row['id']));
    changeRows({ ...saver, type }, where, loserIds, new Map([[field, masterId]]), settings.mergeStampsChildren ? 'system' : 'none');
    return ids;
  });
}

/** The contact row of each losing person account goes with it, merged into the master's. */
function mergeContactRows(saver: Saver, master: Current, losers: readonly { readonly id: string; readonly current: Current }[]): void {
  const contacts: Saver = { ...saver, type: saver.org.store.type('Contact') as ObjectType };
  for (const { id, current } of losers) {
    if (typeof current.PersonContactId === 'string' && typeof master.PersonContactId === 'string')
      binRows(contacts, '"Id" = ?', [current.PersonContactId], { deletedWith: id, masterId: master.PersonContactId });
  }
}
