import { changePerson, createPerson, misplacedPersonFields, otherHalf, splitPersonValues } from './person-save.ts';
import { changeRow, fullName, insertRow, recordTriggers } from './row-writes.ts';
import { readValues } from './save-fields.ts';
import { failure, findLive, personContactRefusal, success } from './saver.ts';
import type { SaveResult, Saver } from './saver.ts';

/** Changes one record. */
export function updateRecord(saver: Saver, givenId: unknown, input: Readonly<Record<string, unknown>>): SaveResult {
  const { type } = saver;
  const found = findLive(saver, givenId);
  if ('failed' in found) return found.failed;
  const { id, current } = found;
  if (current.IsConverted === 1) return failure(id, 'CANNOT_UPDATE_CONVERTED_LEAD', 'cannot reference converted lead');
  const refused = personContactRefusal(saver, id, current);
  if (refused !== undefined) return refused;
  const { values, errors, fired } = readValues(saver, input, 'update');
  if (errors.length > 0) return { ok: false, id, errors };
  if (type.name === 'Account') {
    const misplaced = misplacedPersonFields(saver, values, current.IsPersonAccount === 1);
    if (misplaced !== undefined) return { ok: false, id, errors: [misplaced] };
  }
  recordTriggers(saver, id, fired);
  const person = otherHalf(saver, id, current);
  if (person !== null) {
    const { account, contact } = type.name === 'Account' ? splitPersonValues(saver, values) : { account: new Map(), contact: values };
    changePerson(saver, person.accountId, person.contactId, account, contact);
    return success(id);
  }
  if (type.name !== 'Account' && (values.has('FirstName') || values.has('LastName'))) {
    values.set(
      'Name',
      fullName(
        values.has('FirstName') ? values.get('FirstName') : current.FirstName,
        values.has('LastName') ? values.get('LastName') : current.LastName,
      ),
    );
  }
  changeRow(saver, id, values);
  return success(id);
}

/** Makes one record. An account with a last name is a person account, where there are any. */
export function createRecord(saver: Saver, input: Readonly<Record<string, unknown>>): SaveResult {
  const { type } = saver;
  const { values, errors, fired } = readValues(saver, input, 'create');
  const created = (id: string): SaveResult => {
    recordTriggers(saver, id, fired);
    return success(id, true);
  };
  if (errors.length > 0) return { ok: false, id: null, errors };
  const isPerson = type.name === 'Account' && (values.get('LastName') ?? null) !== null;
  if (type.name === 'Account') {
    const misplaced = misplacedPersonFields(saver, values, isPerson);
    if (misplaced !== undefined) return { ok: false, id: null, errors: [misplaced] };
  }
  const missing = type.fields
    .filter(
      (field) =>
        !field.nillable && field.createable && !field.defaultedOnCreate && field.type !== 'boolean' && (values.get(field.name) ?? null) === null,
    )
    .map((field) => field.name)
    .filter((name) => name !== 'Status' && !(isPerson && name === 'Name'));
  if (missing.length > 0) return failure(null, 'REQUIRED_FIELD_MISSING', `Required fields are missing: [${missing.join(', ')}]`, missing);
  if (isPerson) {
    const { account, contact } = splitPersonValues(saver, values);
    return created(createPerson(saver, account, contact));
  }
  if (type.name === 'Lead' && (values.get('Status') ?? null) === null) values.set('Status', 'Open - Not Contacted');
  if (type.name !== 'Account') values.set('Name', fullName(values.get('FirstName'), values.get('LastName')));
  return created(insertRow(saver, values));
}
