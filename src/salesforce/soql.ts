import { compoundTypes } from '../domain/fields.ts';
import type { FieldFacts } from '../domain/fields.ts';
import { Failure } from '../domain/failure.ts';
import type { CrmObject } from './side.ts';

const namePattern = /^[A-Za-z][A-Za-z0-9_]*$/;

/**
 * `SELECT Id, Email FROM Contact`: no ORDER BY and no LIMIT, which make the Bulk API slow. Names are found in the description whatever their case and
 * written as it spells them; one that is not there, or that is made of several values, throws `UNKNOWN_FIELD`. Twice the same is once.
 */
export function buildQuery(object: CrmObject, fields: readonly string[], described: readonly FieldFacts[]): string {
  const byName = new Map(described.map((fact) => [fact.name.toLowerCase(), fact]));
  const names = fields.map((field) => {
    const fact = byName.get(field.toLowerCase());
    if (fact !== undefined && namePattern.test(fact.name) && !compoundTypes.has(fact.type)) return fact.name;
    const why = fact === undefined ? 'does not exist or the integration user cannot see it' : 'is made of several values and cannot be read as one';
    throw new Failure(`${object}.${namePattern.test(field) ? field : '(no field name)'} ${why} (UNKNOWN_FIELD).`, {
      kind: 'permanent',
      code: 'UNKNOWN_FIELD',
      remedy: 'Check the field names in the settings and the field-level security of the integration user.',
      exitCode: 2,
    });
  });
  return `SELECT ${[...new Set(names)].join(', ')} FROM ${object}`;
}
