import { parseQuery } from '@jetstreamapp/soql-parser-js';
import type { Query, WhereClause } from '@jetstreamapp/soql-parser-js';
import { ApiError } from './errors.ts';
import type { Field } from './fields.ts';
import { fieldSql } from './field-sql.ts';
import { readable } from './late-commits.ts';
import { compileCondition } from './soql-condition.ts';
import type { SqlPart, SqlValue } from './soql-condition.ts';
import { quoted } from './schema.ts';
import type { ObjectType } from './schema.ts';
import type { Store } from './store.ts';

/** One selected value: its place in the answer (`['Account', 'Name']`), the field it is, the SQL that reads it. */
export type Column = {
  readonly path: readonly string[];
  readonly field: Field;
  readonly sql: string;
  readonly types: readonly string[];
  readonly keySql?: string;
};

export type CompiledQuery = {
  readonly type: ObjectType;
  readonly columns: readonly Column[];
  /** `count()`: the answer has a total and no records. */
  readonly isCount: boolean;
  /** Aggregates or `group by`: records of type AggregateResult. */
  readonly isAggregate: boolean;
  /** ` from ... left join ...`, the row's table under the alias `t`. */
  readonly tables: string;
  /** `tables` with ` where ...`. */
  readonly from: string;
  readonly groupBy: string;
  readonly orderBy: string;
  readonly limit: number | null;
  readonly offset: number;
  readonly values: readonly SqlValue[];
};

const malformed = (message: string): ApiError => new ApiError(400, 'MALFORMED_QUERY', message);

function parse(soql: string): Query {
  if (soql.trim() === '') throw malformed('A query string has to be specified');
  try {
    return parseQuery(soql);
  } catch (error) {
    const found = /but found: '(.*)'/s.exec(error instanceof Error ? error.message : '')?.[1];
    throw malformed(found === undefined || found === '' ? 'unexpected token: <EOF>' : `unexpected token: '${found}'`);
  }
}

class Scope {
  readonly store: Store;
  readonly type: ObjectType;
  readonly alias: string | undefined;
  readonly joins = new Map<string, { sql: string; alias: string; type: ObjectType }>();

  constructor(store: Store, type: ObjectType, alias: string | undefined) {
    this.store = store;
    this.type = type;
    this.alias = alias;
  }

  /** The field that a dotted path names, with its joins made. @throws {ApiError} INVALID_FIELD */
  resolve(path: readonly string[]): Column {
    const steps = [...path];
    const first = steps[0]?.toLowerCase();
    if (steps.length > 1 && (first === this.alias?.toLowerCase() || first === this.type.name.toLowerCase())) steps.shift();
    const last = steps.pop() ?? '';
    let type = this.type;
    let table = 't';
    let keySql = '';
    const names: string[] = [];
    const types: string[] = [];
    for (const step of steps) {
      const reference = type.fields.find((field) => field.relationshipName?.toLowerCase() === step.toLowerCase());
      const target = reference?.referenceTo.map((name) => this.store.type(name)).findLast((found) => found !== undefined);
      if (reference === undefined || target === undefined || reference.relationshipName === null) {
        throw new ApiError(
          400,
          'INVALID_FIELD',
          `Didn't understand relationship '${step}' in field path. If you are attempting to use a custom relationship, be sure to append the '__r' after the custom relationship name. Please reference your WSDL or the describe call for the appropriate names.`,
        );
      }
      names.push(reference.relationshipName);
      types.push(target.name);
      const key = names.join('.');
      let join = this.joins.get(key);
      if (join === undefined) {
        const alias = `j${this.joins.size}`;
        join = {
          alias,
          type: target,
          sql: ` left join ${readable(this.store, target.name)} ${alias} on ${alias}."Id" = ${table}.${quoted(reference.name)}`,
        };
        this.joins.set(key, join);
      }
      type = target;
      table = join.alias;
      keySql = `${table}."Id"`;
    }
    const field = type.byName.get(last.toLowerCase());
    if (field === undefined) {
      throw new ApiError(
        400,
        'INVALID_FIELD',
        `No such column '${last}' on entity '${type.name}'. If you are attempting to use a custom field, be sure to append the '__c' after the custom field name. Please reference your WSDL or the describe call for the appropriate names.`,
      );
    }
    const sql = fieldSql(this.store, type, field, table);
    return { path: [...names, field.name], field, sql, types, ...(keySql === '' ? {} : { keySql }) };
  }
}

function compileWhere(scope: Scope, where: WhereClause | null | undefined, nowMs: number): SqlPart {
  let sql = '';
  const values: SqlValue[] = [];
  let negated = false;
  let clause: WhereClause | null | undefined = where;
  while (clause !== null && clause !== undefined) {
    const left = clause.left;
    if (left !== null) {
      sql += '('.repeat(left.openParen ?? 0);
      if ('field' in left || 'fn' in left) {
        if ('fn' in left || 'valueQuery' in left || !('field' in left)) throw malformed('functions and sub-queries are not available in where');
        const column = scope.resolve(left.field.split('.'));
        const part = compileCondition(left, column.field, column.sql, negated, nowMs);
        sql += part.sql;
        values.push(...part.values);
      }
      sql += ')'.repeat('closeParen' in left ? (left.closeParen ?? 0) : 0);
    }
    const operator: string | undefined = 'operator' in clause ? clause.operator : undefined;
    if (operator !== undefined) sql += ` ${operator.toLowerCase()} `;
    if (operator === 'NOT') negated = true;
    clause = 'right' in clause ? clause.right : null;
  }
  return { sql, values };
}

const aggregates: Record<string, string> = { COUNT: 'count', COUNT_DISTINCT: 'count(distinct', MIN: 'min', MAX: 'max', SUM: 'sum', AVG: 'avg' };

function selectColumns(scope: Scope, query: Query): { columns: Column[]; isCount: boolean; isAggregate: boolean } {
  const columns: Column[] = [];
  let isCount = false;
  let isAggregate = query.groupBy !== undefined;
  let expressions = 0;
  for (const selected of query.fields ?? []) {
    if (selected.type === 'Field') {
      columns.push(scope.resolve(selected.field.split('.')));
    } else if (selected.type === 'FieldRelationship') {
      columns.push(scope.resolve([...selected.relationships, selected.field]));
    } else if (selected.type === 'FieldFunctionExpression' && selected.functionName.toUpperCase() === 'FIELDS') {
      if (query.limit === undefined || query.limit > 200) throw malformed('The SOQL FIELDS function must have a LIMIT of at most 200');
      const which = String(selected.parameters?.[0]).toUpperCase();
      for (const field of scope.type.fields) if (which === 'ALL' || (which === 'CUSTOM') === field.custom) columns.push(scope.resolve([field.name]));
    } else if (selected.type === 'FieldFunctionExpression' && aggregates[selected.functionName.toUpperCase()] !== undefined) {
      const name = aggregates[selected.functionName.toUpperCase()] ?? '';
      const parameter = selected.parameters?.[0];
      if (parameter === undefined) {
        isCount = true;
        continue;
      }
      isAggregate = true;
      const inner = scope.resolve(String(parameter).split('.'));
      const numeric = ['COUNT', 'COUNT_DISTINCT', 'SUM', 'AVG'].includes(selected.functionName.toUpperCase());
      const isDecimal = ['double', 'currency', 'percent'].includes(inner.field.type);
      const argument = isDecimal ? `cast(${inner.sql} as real)` : inner.sql;
      const field = numeric || isDecimal ? { ...inner.field, type: 'int' } : inner.field;
      columns.push({ path: [selected.alias ?? `expr${expressions}`], field, types: [], sql: `${name}${name.includes('(') ? ' ' : '('}${argument})` });
      expressions += 1;
    } else {
      throw malformed(`${selected.type === 'FieldSubquery' ? 'sub-queries' : 'this expression'} in select is not available`);
    }
  }
  return { columns, isCount, isAggregate };
}

/** SOQL as SQL over the org's tables. `all`: deleted rows as well (queryAll). @throws {ApiError} with Salesforce's code and text */
export function compileQuery(store: Store, soql: string, all: boolean, nowMs: number): CompiledQuery {
  const allRows = /\s+all\s+rows\s*$/i.exec(soql);
  const query = parse(allRows === null ? soql : soql.slice(0, allRows.index));
  const name = query.sObject ?? '';
  const type = store.type(name);
  if (type === undefined) {
    throw new ApiError(
      400,
      'INVALID_TYPE',
      `sObject type '${name}' is not supported. If you are attempting to use a custom object, be sure to append the '__c' after the entity name. Please reference your WSDL or the describe call for the appropriate names.`,
    );
  }
  const scope = new Scope(store, type, query.sObjectAlias);
  const { columns, isCount, isAggregate } = selectColumns(scope, query);
  const where = compileWhere(scope, query.where, nowMs);
  const live = type.byName.has('isdeleted') && !all && allRows === null ? 't."IsDeleted" = 0' : '';
  const orderBy = (Array.isArray(query.orderBy) ? query.orderBy : query.orderBy === undefined ? [] : [query.orderBy]).map((each) => {
    if (!('field' in each)) throw malformed('functions in order by are not available');
    const { sql, field } = scope.resolve(each.field.split('.'));
    if (!field.sortable) throw malformed(`field '${field.name}' can not be sorted in a query call`);
    const key = ['double', 'currency', 'percent'].includes(field.type)
      ? `cast(${sql} as real)`
      : ['id', 'reference', 'datetime', 'date'].includes(field.type)
        ? sql
        : `${sql} collate nocase`;
    return `${key} ${each.order ?? 'ASC'} nulls ${each.nulls ?? 'FIRST'}`;
  });
  const groups = (Array.isArray(query.groupBy) ? query.groupBy : query.groupBy === undefined ? [] : [query.groupBy]).map((each) => {
    if (!('field' in each)) throw malformed('functions in group by are not available');
    return scope.resolve(each.field.split('.')).sql;
  });
  const conditions = [live, where.sql === '' ? '' : `(${where.sql})`].filter((text) => text !== '');
  const tables = ` from ${readable(store, type.name)} t${[...scope.joins.values()].map((join) => join.sql).join('')}`;
  return {
    type,
    columns,
    isCount,
    isAggregate,
    tables,
    from: `${tables}${conditions.length === 0 ? '' : ` where ${conditions.join(' and ')}`}`,
    groupBy: groups.length === 0 ? '' : ` group by ${groups.join(', ')}`,
    orderBy: orderBy.length === 0 ? '' : ` order by ${orderBy.join(', ')}`,
    limit: query.limit ?? null,
    offset: query.offset ?? 0,
    values: where.values,
  };
}
