import { convertLead } from './lead-conversion.ts';
import { deleteRecord, purgeRecord, undeleteRecord } from './deletion.ts';
import { ApiError } from './errors.ts';
import { mergeRecords } from './merge.ts';
import type { Call } from './router.ts';
import { failure, saverFor } from './saver.ts';
import type { SaveResult, Saver } from './saver.ts';
import type { ObjectType } from './schema.ts';
import { childNames, children, isTrueAt, textAt, textOf } from './soap-xml.ts';
import type { Element, XmlValue } from './soap-xml.ts';

/** An operation of the partner API: the operation's element in, the result (or one for each record) out. */
type Operation = (call: Call, body: Element, sessionId: string) => XmlValue;

const errorsOf = (result: SaveResult): XmlValue =>
  result.ok ? undefined : result.errors.map(({ fields, message, statusCode }) => ({ fields, message, statusCode }));
const resultOf = (result: SaveResult): XmlValue => ({ errors: errorsOf(result), id: result.id, success: result.ok });

function atMost<T>(items: readonly T[], max: number): readonly T[] {
  if (items.length > max) throw new ApiError(400, 'EXCEEDED_ID_LIMIT', `record limit reached. cannot submit more than ${max} records into this call`);
  return items;
}

const typeOfId = (call: Call, id: string): ObjectType | undefined =>
  call.org.store.types().find((type) => type.writable && id.startsWith(type.keyPrefix));

/** The same with each of the ids, each on its own. */
const withEachId =
  (name: string, act: (saver: Saver, id: string) => SaveResult): Operation =>
  (call, body) => {
    const ids = atMost(
      children(body, 'ids').map((id) => textOf(id) ?? ''),
      200,
    );
    call.rows = ids.length;
    return ids.map((id): XmlValue => {
      const type = typeOfId(call, id);
      if (type === undefined) return resultOf(failure(null, 'MALFORMED_ID', `malformed id ${id}`, ['Id']));
      return resultOf(call.org.store.transaction(() => act(saverFor(call, type, `SOAP ${name} #${call.org.usage.used}`), id)));
    });
  };

/** The fields of an sObject element, those of `fieldsToNull` as null. */
function fieldsOf(record: Element): Record<string, unknown> {
  const fields: Record<string, unknown> = {};
  for (const name of childNames(record))
    if (name !== 'type' && name !== 'Id' && name !== 'id' && name !== 'fieldsToNull') fields[name] = textAt(record, name);
  for (const name of children(record, 'fieldsToNull')) fields[textOf(name) ?? ''] = null;
  return fields;
}

/** The WSDL's element is `request`; jsforce sends `mergeRequests`. */
const merge: Operation = (call, body) =>
  atMost([...children(body, 'request'), ...children(body, 'mergeRequests')], 10).map((request): XmlValue => {
    const master = children(request, 'masterRecord')[0] ?? '';
    const typeName = textAt(master, 'type') ?? '';
    const type = call.org.store.type(typeName);
    const losers = children(request, 'recordToMergeIds').map((id) => textOf(id) ?? '');
    call.rows += losers.length + 1;
    if (type === undefined || !type.writable) return resultOf(failure(null, 'INVALID_TYPE', `sObject type '${typeName}' cannot be merged`));
    const result = call.org.store.transaction(() =>
      mergeRecords(
        saverFor(call, type, `SOAP merge #${call.org.usage.used}`),
        textAt(master, 'Id') ?? textAt(master, 'id'),
        fieldsOf(master),
        losers,
      ),
    );
    return result.ok
      ? { id: result.id, mergedRecordIds: result.mergedIds, success: true, updatedRelatedIds: result.relatedIds }
      : { errors: errorsOf(result), id: result.id, success: false };
  });

const convert: Operation = (call, body) =>
  atMost(children(body, 'leadConverts'), 100).map((request): XmlValue => {
    call.rows += 1;
    const type = call.org.store.type('Lead') as ObjectType;
    const leadId = textAt(request, 'leadId');
    const result = call.org.store.transaction(() =>
      convertLead(saverFor(call, type, `SOAP convertLead #${call.org.usage.used}`), {
        leadId,
        accountId: textAt(request, 'accountId'),
        contactId: textAt(request, 'contactId'),
        ownerId: textAt(request, 'ownerId'),
        convertedStatus: textAt(request, 'convertedStatus'),
        overwriteLeadSource: isTrueAt(request, 'overwriteLeadSource'),
      }),
    );
    return result.ok
      ? { accountId: result.accountId, contactId: result.contactId, leadId: result.id, opportunityId: null, success: true }
      : { accountId: null, contactId: null, errors: errorsOf(result), leadId: result.id ?? leadId, opportunityId: null, success: false };
  });

export const soapOperations: Readonly<Record<string, Operation>> = {
  undelete: withEachId('undelete', undeleteRecord),
  delete: withEachId('delete', deleteRecord),
  emptyRecycleBin: withEachId('emptyRecycleBin', purgeRecord),
  merge,
  convertLead: convert,
  getServerTimestamp: ({ org }) => ({ timestamp: new Date(org.nowMs()).toISOString() }),
  logout: ({ org }, _body, sessionId) => {
    org.store.sql('delete from tokens where token = ?').run(sessionId);
    return undefined;
  },
};

/** The elements that an operation may hold. */
export const soapElements: Readonly<Record<string, readonly string[]>> = {
  undelete: ['ids'],
  delete: ['ids'],
  emptyRecycleBin: ['ids'],
  merge: ['request', 'mergeRequests'],
  convertLead: ['leadConverts'],
};
