import { holdBack } from './late-commits.ts';
import { nowStamp } from './org.ts';
import { recordWrite } from './row-writes.ts';
import { checkId, failure, findCurrent, findLive, personContactRefusal, success } from './saver.ts';
import type { SaveResult, Saver } from './saver.ts';
import { quoted } from './schema.ts';
import type { ObjectType } from './schema.ts';

const contactSaver = (saver: Saver): Saver => ({ ...saver, type: saver.org.store.type('Contact') as ObjectType });

/** Moves live rows to the recycle bin and into the delete log. `deletedWith`: the record whose deletion took them along; `masterId`: the one they were merged into. */
export function binRows(
  saver: Saver,
  where: string,
  values: readonly string[],
  more: { readonly deletedWith?: string; readonly masterId?: string } = {},
): void {
  const { org, type, delaySeconds } = saver;
  const stamp = nowStamp(org);
  const live = `(${where}) and "IsDeleted" = 0`;
  holdBack(org, type.name, delaySeconds, stamp, live, values);
  org.store
    .sql(`insert into delete_log (object, id, deleted_at) select ?, "Id", ? from ${quoted(type.name)} where ${live}`)
    .run(type.name, stamp, ...values);
  org.store
    .sql(
      `update ${quoted(type.name)} set "IsDeleted" = 1, "MasterRecordId" = ?, _deleted_at = ?, _deleted_with = ?, "SystemModstamp" = ?, "LastModifiedDate" = ?, _updates = _updates + 1 where ${live}`,
    )
    .run(more.masterId ?? null, stamp, more.deletedWith ?? null, stamp, stamp, ...values);
}

/** Moves one record to the recycle bin; an account takes its contacts along. */
export function deleteRecord(saver: Saver, givenId: unknown): SaveResult {
  const found = findLive(saver, givenId);
  if ('failed' in found) return found.failed;
  const { id, current } = found;
  const refused = personContactRefusal(saver, id, current);
  if (refused !== undefined) return refused;
  binRows(saver, '"Id" = ?', [id]);
  if (saver.type.name === 'Account') binRows(contactSaver(saver), '"AccountId" = ?', [id], { deletedWith: id });
  recordWrite(saver, id);
  return success(id);
}

/** In the recycle bin by its own deletion: what was taken along comes and goes with the other. */
function findInBin(saver: Saver, givenId: unknown): { readonly id: string } | { readonly failed: SaveResult & { ok: false } } {
  const checked = checkId(saver.type, givenId);
  if ('failed' in checked) return checked;
  const current = findCurrent(saver, checked.id);
  if (current === undefined) return { failed: failure(checked.id, 'INVALID_CROSS_REFERENCE_KEY', 'invalid cross reference id') };
  if (current.IsDeleted !== 1 || current._deleted_with !== null)
    return { failed: failure(checked.id, 'UNDELETE_FAILED', 'entity is not in the recycle bin') };
  return checked;
}

function restoreRows(saver: Saver, where: string, values: readonly string[]): void {
  const { org, type, delaySeconds } = saver;
  const stamp = nowStamp(org);
  holdBack(org, type.name, delaySeconds, stamp, where, values);
  if (!org.settings.undeletedStayInLog)
    org.store
      .sql(`delete from delete_log where object = ? and id in (select "Id" from ${quoted(type.name)} where ${where})`)
      .run(type.name, ...values);
  org.store
    .sql(
      `update ${quoted(type.name)} set "IsDeleted" = 0, "MasterRecordId" = null, _deleted_at = null, _deleted_with = null, "SystemModstamp" = ?, "LastModifiedDate" = ?, _updates = _updates + 1 where ${where}`,
    )
    .run(stamp, stamp, ...values);
}

/** Takes a record out of the recycle bin, with what its deletion took along. What a merge gave to the master stays there. */
export function undeleteRecord(saver: Saver, givenId: unknown): SaveResult {
  const found = findInBin(saver, givenId);
  if ('failed' in found) return found.failed;
  restoreRows(saver, '"Id" = ?', [found.id]);
  if (saver.type.name === 'Account') restoreRows(contactSaver(saver), '_deleted_with = ?', [found.id]);
  recordWrite(saver, found.id);
  return success(found.id);
}

/** Removes a record from the recycle bin for good: only the delete log knows it then. */
export function purgeRecord(saver: Saver, givenId: unknown): SaveResult {
  const found = findInBin(saver, givenId);
  if ('failed' in found)
    return {
      ...found.failed,
      errors: found.failed.errors.map((error) => (error.statusCode === 'UNDELETE_FAILED' ? { ...error, statusCode: 'INVALID_ID_FIELD' } : error)),
    };
  removeRows(saver, '"Id" = ?', [found.id]);
  if (saver.type.name === 'Account') removeRows(contactSaver(saver), '_deleted_with = ?', [found.id]);
  return success(found.id);
}

function removeRows({ org, type }: Saver, where: string, values: readonly string[]): void {
  const { store } = org;
  const ids = `select "Id" from ${quoted(type.name)} where ${where}`;
  store.sql(`delete from ${quoted(`${type.name}~before`)} where "Id" in (${ids})`).run(...values);
  store.sql(`delete from ${quoted(type.name)} where ${where}`).run(...values);
}

/** Deletes a record past the recycle bin: Bulk's hardDelete. */
export function hardDeleteRecord(saver: Saver, givenId: unknown): SaveResult {
  const deleted = deleteRecord({ ...saver, delaySeconds: 0 }, givenId);
  return deleted.ok ? purgeRecord(saver, deleted.id) : deleted;
}
