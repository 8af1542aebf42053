import { z } from 'zod';
import { crmFieldTypes } from '../domain/fields.ts';
import type { CrmFieldType, FieldFacts } from '../domain/fields.ts';
import type { Json } from './bulkQuery.ts';
import { failureOf, rowError } from './errors.ts';
import { salesforceId } from './ids.ts';
import { readBody } from './org.ts';
import type { Org } from './org.ts';
import type { Allowance, CrmRow, RowResult, Salesforce } from './side.ts';
import { readJson, scalarText } from './values.ts';

type Rest = Pick<Salesforce, 'identity' | 'describe' | 'limits' | 'retrieve' | 'updateRows'>;

/** Of one call: Salesforce refuses more. */
export const mostIdsOfRetrieve = 2_000;
export const mostRowsOfUpdate = 200;

const knownTypes: ReadonlySet<string> = new Set(crmFieldTypes);

const describedField = z.object({
  name: z.string().regex(/^\w+$/),
  type: z.string(),
  length: z.number(),
  precision: z.number(),
  scale: z.number(),
  updateable: z.boolean(),
  calculated: z.boolean(),
  nillable: z.boolean(),
  restrictedPicklist: z.boolean(),
});
const described = z.object({ fields: z.array(describedField), keyPrefix: z.string().regex(/^\w{3}$/) });
const allowance = z.object({ Max: z.int(), Remaining: z.int() });
const allowances = z.object({
  DailyApiRequests: allowance,
  DailyBulkApiBatches: allowance.optional(),
  DailyBulkV2QueryJobs: allowance.optional(),
});

/** The answer in the form that it must have; anything else is BAD_ANSWER. */
function inForm<T>(form: z.ZodType<T>, answer: unknown, doing: string): T {
  const read = form.safeParse(answer);
  if (!read.success) throw failureOf('BAD_ANSWER', doing);
  return read.data;
}

function factsOf(field: z.infer<typeof describedField>): FieldFacts {
  return {
    name: field.name,
    type: knownTypes.has(field.type) ? (field.type as CrmFieldType) : 'anyType',
    length: field.length,
    precision: field.precision,
    scale: field.scale,
    updateable: field.updateable,
    calculated: field.calculated,
    nillable: field.nillable,
    restrictedPicklist: field.restrictedPicklist,
  };
}

function allowanceOf(entry: z.infer<typeof allowance> | undefined): Allowance | null {
  return entry === undefined ? null : { max: entry.Max, remaining: entry.Remaining };
}

function wideId(id: unknown, doing: string): string {
  const wide = salesforceId(scalarText(id));
  if (wide === null) throw failureOf('MALFORMED_ID', doing);
  return wide;
}

function resultOf(result: unknown, doing: string): RowResult {
  const { success, errors } = (result ?? {}) as Json;
  if (success === true) return { ok: true };
  const first: unknown = Array.isArray(errors) ? errors[0] : undefined;
  if (success !== false || typeof first !== 'object' || first === null) throw failureOf('BAD_ANSWER', doing);
  const { statusCode, message, fields } = first as Json;
  const named = Array.isArray(fields) ? fields.filter((field) => typeof field === 'string') : [];
  return { ok: false, ...rowError(scalarText(statusCode) || 'NO_CODE', scalarText(message), named) };
}

export function createRest(org: Org): Rest {
  return {
    async identity() {
      const { organizationId, userId } = await org.grant();
      return { organizationId, userId };
    },

    async describe(object) {
      const doing = `describing ${object}`;
      const answer: unknown = await org.jsforce(doing, (jsforce) => jsforce.describe(object));
      const { fields, keyPrefix } = inForm(described, answer, doing);
      return { fields: fields.map(factsOf), prefix: keyPrefix };
    },

    async limits() {
      const doing = 'reading the limits';
      const answer: unknown = await org.jsforce(doing, (jsforce) => jsforce.limits());
      const { DailyApiRequests: calls, DailyBulkApiBatches: batches, DailyBulkV2QueryJobs: jobs } = inForm(allowances, answer, doing);
      return {
        dailyApiRequests: { max: calls.Max, remaining: calls.Remaining },
        dailyBulkApiBatches: allowanceOf(batches),
        dailyBulkV2QueryJobs: allowanceOf(jobs),
      };
    },

    async retrieve(object, ids, fields) {
      const doing = `reading ${object} by ids`;
      const wide = [...new Set(ids.map((id) => wideId(id, doing)))];
      if (wide.length > mostIdsOfRetrieve) throw new RangeError(`retrieve takes up to ${mostIdsOfRetrieve} ids, not ${wide.length}`);
      const found = new Map<string, CrmRow | null>(wide.map((id) => [id, null]));
      if (wide.length === 0) return found;
      const answer = await org.send({
        method: 'POST',
        path: `composite/sobjects/${object}`,
        headers: { 'content-type': 'application/json' },
        body: JSON.stringify({ ids: wide, fields: [...new Set(['Id', ...fields])] }),
        doing,
      });
      const rows = await readBody(answer, doing, readJson);
      if (!Array.isArray(rows) || rows.length !== wide.length) throw failureOf('BAD_ANSWER', doing);
      for (const row of rows as readonly (CrmRow | null)[]) {
        if (row === null) continue;
        const id = salesforceId(scalarText(row['Id']));
        if (id === null || found.get(id) !== null) throw failureOf('BAD_ANSWER', doing); // a row nobody asked for, or one twice
        found.set(id, row);
      }
      return found;
    },

    async updateRows(object, rows) {
      const doing = `updating ${object}`;
      if (rows.length > mostRowsOfUpdate) throw new RangeError(`updateRows takes up to ${mostRowsOfUpdate} rows, not ${rows.length}`);
      if (rows.length === 0) return [];
      const records = rows.map(({ id, values }) => ({ ...values, Id: wideId(id, doing) }));
      const results: unknown = await org.jsforce(doing, (jsforce) =>
        jsforce.update(object, records, { allOrNone: false, headers: { 'Sforce-Auto-Assign': 'FALSE' } }),
      );
      if (!Array.isArray(results) || results.length !== rows.length) throw failureOf('BAD_ANSWER', doing);
      return results.map((result) => resultOf(result, doing));
    },
  };
}
