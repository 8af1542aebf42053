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

/** One direction of the plan. */
export interface Direction {
  readonly side: WriteSide;
  /** Named by their numbers, from 1. */
  readonly mappings: readonly PlannedMapping[];
}

/** The columns of a direction in the result of `comparisonSql`. */
export function columnsOf(side: WriteSide): Readonly<Record<'targetId' | 'targetObject' | 'before' | 'after' | 'changed' | 'codes', string>> {
  const name = (column: string): string => `${side}_${column}`;
  return {
    targetId: name('target_id'),
    targetObject: name('target_object'),
    before: name('before'),
    after: name('after'),
    changed: name('changed'),
    codes: name('codes'),
  };
}

/** Source and target of each mapping as they were read, for `comparisonSql`: `s1`, `b1`, `s2`, ... over all directions. */
export function sourcesSql(directions: readonly Direction[]): string {
  return directions
    .flatMap(({ mappings }) => mappings)
    .map(({ source, before }, index) => `${source} as s${index + 1}, ${before} as b${index + 1}`)
    .join(', ');
}

/**
 * The typed comparison of the rows of `pairs`, which have the columns of `sourcesSql`: for each direction `changed`, the numbers of the mappings to write, and `codes`, by number, null if
 * none is refused (`after` is then the source's text). Each step is a query of its own, closed by `offset 0`: every value is computed once.
 */
export function comparisonSql(object: ObjectType, directions: readonly Direction[], pairs: string): string {
  let at = 0;
  const parts = directions.map(({ side, mappings }) => ({
    side,
    steps: mappings.map((mapping) => ({ ...compared(object, mapping, (at += 1)), at })),
  }));
  const steps = parts.flatMap((part) => part.steps);
  const columns = (prefix: string, of: (step: Compared) => string): string => steps.map((step) => `${of(step)} as ${prefix}${step.at}`).join(', ');
  const results = parts.map(({ side, steps: own }) => {
    const names = columnsOf(side);
    const target = targetSql(object, side);
    const array = (of: (n: number) => string): string => `array[${own.map((step) => of(step.at)).join(', ')}]`;
    return `${target.id} as ${names.targetId}, ${target.object} as ${names.targetObject},
      ${array((n) => `b${n}`)} as ${names.before}, ${array((n) => `case when c${n} is null then w${n} else s${n} end`)} as ${names.after},
      array_remove(array[${own.map(({ changed }, index) => `case when ${changed} then ${index + 1} end`).join(', ')}]::smallint[], null) as ${names.changed},
      case when coalesce(${own.map((step) => `c${step.at}`).join(', ')}) is not null then ${array((n) => `c${n}`)} end as ${names.codes}`;
  });
  return `
    select n, crm, pers, ${results.join(', ')}
      from (select *, ${columns('c', ({ code }) => code)}
        from (select *, ${columns('w', ({ wanted }) => wanted)}
          from (select *, ${columns('d', ({ due }) => due)} from (${pairs} offset 0) read offset 0) due
         where ${steps.map((step) => `d${step.at}`).join(' or ')} offset 0) wanted
      offset 0) coded`;
}
