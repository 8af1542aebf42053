import pg from 'pg';
import type { ObjectType } from '../../domain/objects.ts';
import type { PlannedMapping, WriteSide } from './mappings.ts';
import { refusalSql, targetSql } from './targets.ts';

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

/** The sentence of a refusal's code, as SQL. */
export function refusalSentenceSql(code: string): string {
  const sentences = Object.entries(refusals).map(([name, sentence]) => `when '${name}' then ${pg.escapeLiteral(sentence)}`);
  return `case ${code} ${sentences.join(' ')} end`;
}

/** The steps by which one mapping is compared, each over the columns of those before it: `sN` and `bN` are source and target as they were read. */
interface Compared {
  /** `dN`: the target may have to change. */
  readonly due: string;
  /** `wN`: the source as a value of the target's type. */
  readonly wanted: string;
  /** `cN`: why the source cannot be written. */
  readonly code: string;
  /** Whether there is something to write. */
  readonly changed: string;
}

/** R24: a blank source is no change unless `onNull` says clear; a checkbox has no blank, cleared it is false. */
function compared(object: ObjectType, mapping: PlannedMapping, at: number): Compared {
  const { rule, onNull, scale, length } = mapping;
  const [source, before, due, wanted, code] = [`s${at}`, `b${at}`, `d${at}`, `w${at}`, `c${at}`] as const;
  const type = pg.escapeLiteral(mapping.type);
  const cleared = mapping.type === 'boolean' && mapping.side === 'salesforce' ? `'false'` : 'null::text';
  const conditions = [
    ...(onNull === 'keep' ? [`${source} is not null and not is_blank(${source})`] : []),
    `${source} is distinct from ${before}`,
    ...(rule === 'fillBlank' ? [`is_blank(${before})`] : []),
  ];
  const tooLong = length === 0 ? '' : `when length(${wanted}) > ${length} then 'STRING_TOO_LONG'`;
  const refusal = refusalSql(object, mapping);
  return {
    due: conditions.join(' and '),
    wanted: `case when not ${due} then null when is_blank(${source}) then ${cleared} else wanted_value(${type}, ${source}) end`,
    code: `case when not ${due} then null when ${refusal} is not null then ${refusal} when is_blank(${source}) then null
      when ${wanted} is null then ${unreadableSql(mapping.type, source)} ${tooLong} end`,
    changed: `${due} and ${code} is null and comparable(${type}, ${scale}, ${wanted}) is distinct from comparable(${type}, ${scale}, ${before})
      and not (${wanted} is null and is_blank(${before}))`,
  };
}

/**
 * The typed comparison of the rows of `pairs`, which have `s1`, `b1`, `s2`, ... of these mappings: a row for each pair with something to write (`changed`: the numbers of the mappings) or to
 * refuse (`codes`, by number; `after` is then the source's text). Each step is a query of its own, closed by `offset 0`: every value is computed once.
 */
export function comparisonSql(object: ObjectType, side: WriteSide, mappings: readonly PlannedMapping[], pairs: string): string {
  const steps = mappings.map((mapping, index) => compared(object, mapping, index + 1));
  const columns = (prefix: string, of: (step: Compared) => string): string =>
    steps.map((step, index) => `${of(step)} as ${prefix}${index + 1}`).join(', ');
  const each = (of: (at: number) => string): string => steps.map((_, index) => of(index + 1)).join(', ');
  const target = targetSql(object, side);
  return `
    select n, crm, pers, ${target.id} as target_id, ${target.object} as target_object,
      array[${each((at) => `b${at}`)}] as before, array[${each((at) => `case when c${at} is null then w${at} else s${at} end`)}] as after,
      array_remove(array[${steps.map(({ changed }, index) => `case when ${changed} then ${index + 1} end`).join(', ')}]::smallint[], null) as changed,
      case when coalesce(${each((at) => `c${at}`)}) is not null then array[${each((at) => `c${at}`)}] end as codes
      from (select *, ${columns('c', ({ code }) => code)}
        from (select *, ${columns('w', ({ wanted }) => wanted)}
          from (select *, ${columns('d', ({ due }) => due)} from (${pairs} offset 0) read offset 0) due
         where ${each((at) => `d${at}`).replaceAll(', ', ' or ')} offset 0) wanted
      offset 0) coded`;
}
