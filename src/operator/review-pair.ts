import { Failure, usageFailure } from '../domain/failure.ts';
import { objectFacts, objectTypes } from '../domain/objects.ts';
import type { ObjectType } from '../domain/objects.ts';
import type { DecisionKind } from '../ledger/decisions.ts';
import type { Queryable } from '../postgres/database.ts';
import { sql } from '../postgres/sql.ts';
import { salesforceId } from '../salesforce/ids.ts';

export interface NamedRecord {
  readonly object: ObjectType;
  /** 18 characters (R8). */
  readonly crmId: string;
}

/** The record that an id names: 15 characters are widened, the prefix says of which object. Undefined for what is no id of an account, contact or lead (R8). */
export function namedRecord(text: string): NamedRecord | undefined {
  const crmId = salesforceId(text);
  const object = objectTypes.find((each) => text.startsWith(objectFacts[each].idPrefix));
  return crmId === null || object === undefined ? undefined : { object, crmId };
}

/** @throws Failure `USAGE`, saying what is wrong with the id */
export function requireRecord(text: string): NamedRecord {
  const record = namedRecord(text);
  if (record !== undefined) return record;
  const prefixes = objectTypes.map((object) => `${objectFacts[object].idPrefix} for ${object}s`).join(', ');
  if (!/^[A-Za-z0-9]{15}(?:[A-Za-z0-9]{3})?$/.test(text))
    throw usageFailure(`${JSON.stringify(text)} is no Salesforce id`, `One has 15 or 18 letters and digits and begins with ${prefixes}.`);
  if (salesforceId(text) === null)
    throw usageFailure(
      `${text} is no Salesforce id: its last three characters, the checksum, are wrong`,
      'Copy it once more, with its case, or give the first 15 characters.',
    );
  throw usageFailure(`${text} is the id of neither an account nor a contact nor a lead`, `The prefix says what it is: ${prefixes}.`);
}

/**
 * A pin or a block needs a record and a person that somebody has seen: the mirror, or an earlier link or decision. What ends something needs none.
 * @throws Failure `RECORD_UNKNOWN`, `PERSON_UNKNOWN`
 */
export async function requireKnown(database: Queryable, kind: DecisionKind, { object, crmId }: NamedRecord, persId: string): Promise<void> {
  if (kind !== 'pin' && kind !== 'block') return;
  const { personKind, crmName } = objectFacts[object];
  const found = await database.query<{ record: boolean; person: boolean; read: boolean }>(sql`
    select exists (select from crm_record where object = ${object} and crm_id = ${crmId})
        or exists (select from link where object = ${object} and crm_id = ${crmId})
        or exists (select from decision where object = ${object} and crm_id = ${crmId}) as record,
      exists (select from pers_record where kind = ${personKind} and pers_id = ${persId})
        or exists (select from link where object = ${object} and pers_id = ${persId})
        or exists (select from decision where object = ${object} and pers_id = ${persId}) as person,
      exists (select from crm_record where object = ${object}) as read`);
  const { record, person, read } = found.rows[0] ?? { record: false, person: false, read: false };
  if (!record)
    throw new Failure(`no night has seen the ${object} ${crmId}`, {
      kind: 'permanent',
      code: 'RECORD_UNKNOWN',
      remedy: read
        ? 'Is it an id of this org? A new record is known after the next run: crm-sync run --wait.'
        : `No ${crmName} has been read yet: crm-sync run --wait${object === 'lead' ? ', with leads on (crm-sync leads on)' : ''}.`,
    });
  if (!person)
    throw new Failure(`no night has seen the Personalization ${personKind} ${JSON.stringify(persId)}`, {
      kind: 'permanent',
      code: 'PERSON_UNKNOWN',
      remedy: `Ids are compared exactly, case included. ${object === 'account' ? 'Accounts are matched with accounts, not with users.' : 'Contacts and leads are matched with users, not with accounts.'} A new one is known after the next run.`,
    });
}

/** Why a pin of the pair would link nobody for now; null if nothing is known against it. */
export async function restsBecause(database: Queryable, { object, crmId }: NamedRecord): Promise<string | null> {
  const found = await database.query<{ ineligible: string | null }>(
    sql`select ineligible from crm_record where object = ${object} and crm_id = ${crmId}`,
  );
  const row = found.rows[0];
  return row === undefined ? 'recordUnknown' : row.ineligible;
}
