import { objectFacts } from '../../domain/objects.ts';
import type { ObjectType } from '../../domain/objects.ts';
import { personAccountField } from '../../salesforce/personAccounts.ts';
import type { PlannedMapping, WriteSide } from './mappings.ts';

const onAccount = 'person_account and account_id is not null';

/** Where the intents of a pair are written, as SQL over its columns. R22: a contact of a person account is written as the account. */
export function targetSql(object: ObjectType, side: WriteSide): { readonly id: string; readonly object: string } {
  const { crmName, personKind } = objectFacts[object];
  if (side === 'personalization') return { id: 'pers_id', object: `'${personKind}'` };
  if (object !== 'contact') return { id: 'crm_id', object: `'${crmName}'` };
  return { id: `case when ${onAccount} then account_id else crm_id end`, object: `case when ${onAccount} then 'Account' else 'Contact' end` };
}

/** Code with which all intents of a mapping are refused, as SQL over the pair's columns; null: none is. R22: some fields of contacts have no counterpart on the account. */
export function refusalSql(object: ObjectType, { side, field, refusal }: PlannedMapping): string {
  if (side === 'salesforce' && object === 'contact' && personAccountField(field) === null)
    return `case when ${onAccount} then 'NO_PERSON_ACCOUNT_FIELD' end`;
  return refusal === null ? 'null::text' : `'${refusal}'`;
}
