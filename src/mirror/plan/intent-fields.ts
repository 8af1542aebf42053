import type { PoolClient } from 'pg';
import { objectFacts } from '../../domain/objects.ts';
import type { ObjectType } from '../../domain/objects.ts';
import { personAccountField } from '../../salesforce/personAccounts.ts';
import { sql } from '../../postgres/sql.ts';
import { mappingsOf } from './mappings.ts';
import type { PlanContext } from './plan.ts';

/**
 * Numbers the run's mappings of an object, in both directions, so that its intents can name them: before its first part is planned. A second pass of the run finds them there.
 */
export async function noteMappings(tx: PoolClient, { runNo, shape }: PlanContext, object: ObjectType): Promise<void> {
  for (const side of ['personalization', 'salesforce'] as const) {
    const mappings = mappingsOf(shape, object, side);
    // R22: contacts of person accounts are written as their account.
    const accountFields = mappings.map(({ field }) => (side === 'salesforce' && object === 'contact' ? (personAccountField(field) ?? field) : null));
    await tx.query(sql`
      insert into intent_field (run_no, side, object, mapping, field, account_field, target_type, scale, position, rule)
      select ${runNo}::bigint, ${side}, ${object}, m.mapping, m.field, m.account_field, m.target_type, m.scale, m.position, m.rule
        from unnest(${mappings.map(({ field }) => field)}::text[], ${accountFields}::text[], ${mappings.map(({ type }) => type)}::text[],
          ${mappings.map(({ scale }) => scale)}::integer[], ${mappings.map(({ position }) => position)}::integer[], ${mappings.map(({ rule }) => rule)}::text[])
          with ordinality as m(field, account_field, target_type, scale, position, rule, mapping)
       where not exists (select from intent_field f where f.run_no = ${runNo} and f.side = ${side} and f.object = ${object})`);
  }
}

/** The name of a mapping's target as SQL: `f` is its intent_field, `c` a row with the target's object in this column. */
export function fieldNameSql(object: ObjectType, targetObject: string): string {
  return object === 'contact' ? `case when c.${targetObject} = '${objectFacts.account.crmName}' then f.account_field else f.field end` : 'f.field';
}
