import pg from 'pg';
import { objectFacts } from '../../domain/objects.ts';
import type { ObjectType } from '../../domain/objects.ts';
import { personAccountField } from '../../salesforce/personAccounts.ts';
import type { PlannedMapping } from './mappings.ts';

/** Where an intent is written, as SQL over the table `pair`. */
export interface TargetSql {
  readonly id: string;
  readonly object: string;
  readonly field: string;
  /** Code of a refusal, or null. */
  readonly refusal: string;
}

/** R22: a contact of a person account is written as the account's person field. */
export function targetSql(object: ObjectType, mapping: PlannedMapping): TargetSql {
  const field = pg.escapeLiteral(mapping.field);
  const refusal = mapping.refusal === null ? 'null::text' : pg.escapeLiteral(mapping.refusal);
  const { crmName, personKind } = objectFacts[object];
  if (mapping.side === 'personalization') return { id: 'pers_id', object: `'${personKind}'`, field, refusal };
  if (object !== 'contact') return { id: 'crm_id', object: `'${crmName}'`, field, refusal };
  const accountField = personAccountField(mapping.field);
  const account = 'person_account and account_id is not null';
  return {
    id: `case when ${account} then account_id else crm_id end`,
    object: `case when ${account} then 'Account' else 'Contact' end`,
    field:
      accountField === null || accountField === mapping.field
        ? field
        : `case when ${account} then ${pg.escapeLiteral(accountField)} else ${field} end`,
    refusal: accountField === null ? `case when ${account} then 'NO_PERSON_ACCOUNT_FIELD' end` : refusal,
  };
}
