import pg from 'pg';
import type { PlannedMapping } from './mappings.ts';
import type { TargetSql } from './targets.ts';

/** Why a source is refused when it is planned (R24): code and sentence. */
export const refusals = {
  NOT_A_NUMBER: 'the source is not a number',
  NOT_AN_INTEGER: 'the source is not a whole number',
  NOT_A_BOOLEAN: 'the source is neither true nor false',
  NOT_A_DATE: 'the source is not a date',
  NOT_A_DATE_TIME: 'the source is not a date-time',
  STRING_TOO_LONG: 'the source is longer than the field',
  UNKNOWN_ATTRIBUTE: 'the store has no such attribute',
  NO_PERSON_ACCOUNT_FIELD: 'a person account has no field for this one',
} as const satisfies Record<string, string>;

type Refusal = keyof typeof refusals;

const unreadable: Readonly<Record<string, Refusal>> = {
  number: 'NOT_A_NUMBER',
  double: 'NOT_A_NUMBER',
  currency: 'NOT_A_NUMBER',
  percent: 'NOT_A_NUMBER',
  boolean: 'NOT_A_BOOLEAN',
  date: 'NOT_A_DATE',
  dateTime: 'NOT_A_DATE_TIME',
  datetime: 'NOT_A_DATE_TIME',
};

function unreadableSql(type: string, source: string): string {
  if (type === 'int' || type === 'long') return `case when canonical_number(${source}) is null then 'NOT_A_NUMBER' else 'NOT_AN_INTEGER' end`;
  const code = unreadable[type];
  return code === undefined ? 'null::text' : `'${code}'`;
}

const sentences = Object.entries(refusals)
  .map(([code, sentence]) => `when '${code}' then ${pg.escapeLiteral(sentence)}`)
  .join(' ');

/**
 * One mapping over the table `pair`: a row for each pair whose target is to change, or whose source cannot be read (`code`; `after` is then its text). A blank source
 * is no change unless `onNull` says clear; a checkbox has no blank, cleared it is false. The inner query is closed by `offset 0`: each value is computed once.
 */
export function comparisonSql(mapping: PlannedMapping, at: number, target: TargetSql): string {
  const { rule, onNull, scale, length, position } = mapping;
  const source = `s${at}`;
  const before = `b${at}`;
  const type = pg.escapeLiteral(mapping.type);
  const cleared = mapping.type === 'boolean' && mapping.side === 'salesforce' ? `'false'` : 'null::text';
  const conditions = [
    ...(onNull === 'keep' ? [`${source} is not null and not is_blank(${source})`] : []),
    `${source} is distinct from ${before}`,
    ...(rule === 'fillBlank' ? [`is_blank(${before})`] : []),
  ];
  const tooLong = length === 0 ? '' : `when length(wanted) > ${length} then 'STRING_TOO_LONG'`;
  return `
    select n, crm, pers, target_id, target_object, field, ${position ?? 'null'}::integer as position, ${type} as target_type, ${scale} as scale,
      before, case when code is null then wanted else source end as after, '${rule}' as rule, code, case code ${sentences} end as refusal
      from (
        select w.*, case when refusal is not null then refusal when blank then null when wanted is null then ${unreadableSql(mapping.type, 'source')} ${tooLong} end as code
          from (
            select n, crm, pers, ${target.id} as target_id, ${target.object} as target_object, ${target.field} as field, ${target.refusal} as refusal,
              ${source} as source, ${before} as before, is_blank(${source}) as blank,
              case when is_blank(${source}) then ${cleared} else wanted_value(${type}, ${source}) end as wanted
              from pair where ${conditions.join(' and ')}
            offset 0
          ) w
        offset 0
      ) x
     where code is not null
        or (comparable(${type}, ${scale}, wanted) is distinct from comparable(${type}, ${scale}, before) and not (wanted is null and is_blank(before)))`;
}
