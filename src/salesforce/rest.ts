import { crmFieldTypes } from '../domain/fields.ts';
import type { CrmFieldType, FieldFacts } from '../domain/fields.ts';
import type { Json } from './bulkQuery.ts';
import { failureOf, rowError } from './errors.ts';
import { salesforceId } from './ids.ts';
import { readBody } from './org.ts';
import type { Org } from './org.ts';
import type { Allowance, CrmRow, RowResult, Salesforce } from './side.ts';
import { readJson } from './values.ts';

type Rest = Pick<Salesforce, 'identity' | 'describe' | 'limits' | 'query' | 'retrieve' | 'updateRows'>;

/** Of one call: Salesforce refuses more. */
export const mostIdsOfRetrieve = 2_000;
export const mostRowsOfUpdate = 200;

const knownTypes: ReadonlySet<string> = new Set(crmFieldTypes);

interface DescribedField extends Omit<FieldFacts, 'type'> {
  readonly type: string;
}

function factsOf(field: DescribedField): FieldFacts {
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

function allowanceOf(entry: { readonly Max: number; readonly Remaining: number } | undefined): Allowance | null {
  return entry === undefined ? null : { max: entry.Max, remaining: entry.Remaining };
}

function wideId(id: unknown, doing: string): string {
  const wide = salesforceId(String(id));
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
  return { ok: false, ...rowError(String(statusCode), String(message ?? ''), named) };
}

interface QueryPage {
  readonly done: boolean;
  readonly records: readonly CrmRow[];
  readonly nextRecordsUrl?: string;
}

export function createRest(org: Org): Rest {
  return {
    async identity() {
      const { organizationId, userId } = await org.grant();
      return { organizationId, userId };
    },

    async describe(object) {
      const doing = `describing ${object}`;
      const described = await org.jsforce(doing, (jsforce) => jsforce.describe(object));
      if (!Array.isArray(described.fields) || typeof described.keyPrefix !== 'string') throw failureOf('BAD_ANSWER', doing);
      return { fields: described.fields.map(factsOf), prefix: described.keyPrefix };
    },

    async limits() {
      const doing = 'reading the limits';
      const limits = await org.jsforce(doing, (jsforce) => jsforce.limits());
      const dailyApiRequests = allowanceOf(limits['DailyApiRequests']);
      if (dailyApiRequests === null) throw failureOf('BAD_ANSWER', doing);
      return {
        dailyApiRequests,
        dailyBulkApiBatches: allowanceOf(limits['DailyBulkApiBatches']),
        dailyBulkV2QueryJobs: allowanceOf(limits['DailyBulkV2QueryJobs']),
      };
    },

    async *query(soql, options = {}) {
      const doing = 'querying';
      const seen = new Set<string>();
      // page by page: jsforce's own paging stops without a word at 10,000 rows
      let page = (await org.jsforce(doing, async (jsforce) =>
        jsforce.query(soql, { scanAll: options.all === true, autoFetch: false }),
      )) as unknown as QueryPage;
      for (;;) {
        if (!Array.isArray(page.records)) throw failureOf('BAD_ANSWER', doing);
        yield* page.records;
        if (page.done) return;
        const next = page.nextRecordsUrl;
        if (next === undefined || seen.has(next)) throw failureOf('LOCATOR_REPEATED', doing);
        seen.add(next);
        page = (await org.jsforce(doing, async (jsforce) => jsforce.queryMore(next))) as unknown as QueryPage;
      }
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
        const id = wideId(row['Id'], doing);
        if (found.get(id) !== null) throw failureOf('BAD_ANSWER', doing); // a row nobody asked for, or one twice
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
