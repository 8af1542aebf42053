import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { afterAll } from 'vitest';
import type { Salesforce } from '../../src/salesforce/side.ts';

const contact = '003000000000001AAA';
const job = '750000000000001AAA';
const window = ['2026-11-24T00:00:00.000Z', '2026-11-25T00:00:00.000Z'] as const;
const folder = mkdtempSync(path.join(tmpdir(), 'crm-sync-fuzz-'));
afterAll(() => rmSync(folder, { recursive: true }));
const csvFile = path.join(folder, 'upload.csv');
writeFileSync(csvFile, `Id,Department\n${contact},new\n`);

async function all<T>(rows: AsyncIterable<T>): Promise<readonly T[]> {
  const found: T[] = [];
  for await (const row of rows) found.push(row);
  return found;
}

interface FuzzedCall {
  readonly call: (salesforce: Salesforce) => Promise<unknown>;
  /** What a good org answers: a text, or JSON. */
  readonly good: unknown;
  readonly headers?: Readonly<Record<string, string>>;
}

const field = {
  name: 'LastName',
  type: 'string',
  length: 80,
  precision: 0,
  scale: 0,
  updateable: true,
  calculated: false,
  nillable: false,
  restrictedPicklist: false,
};
const page = { totalSize: 1, done: true, records: [{ attributes: { type: 'Contact' }, Id: contact, LastName: 'King' }] };
const ingest = { id: job, object: 'Contact', state: 'Open', contentUrl: `services/data/v66.0/jobs/ingest/${job}/batches`, operation: 'update' };

/** Every call of the org, with the answer that it hopes for. */
export const calls: Readonly<Record<string, FuzzedCall>> = {
  describe: { call: (org) => org.describe('Contact'), good: { fields: [field], keyPrefix: '003', name: 'Contact' } },
  limits: { call: (org) => org.limits(), good: { DailyApiRequests: { Max: 15_000, Remaining: 14_000 } } },
  retrieve: { call: (org) => org.retrieve('Contact', [contact], ['LastName']), good: page.records },
  updateRows: {
    call: (org) => org.updateRows('Contact', [{ id: contact, values: { LastName: 'Queen' } }]),
    good: [{ id: contact, success: false, errors: [{ statusCode: 'UNABLE_TO_LOCK_ROW', message: 'locked', fields: ['LastName'] }] }],
  },
  openQuery: { call: (org) => org.openQuery('SELECT Id FROM Contact'), good: { id: job, state: 'UploadComplete' } },
  checkQuery: { call: (org) => org.checkQuery(job), good: { id: job, state: 'JobComplete', numberRecordsProcessed: 1 } },
  readPage: {
    call: async (org) => {
      const { csv, ...rest } = await org.readPage(job, null, 50_000);
      let bytes = 0;
      for await (const chunk of csv) bytes += (chunk as Buffer).length;
      return { ...rest, bytes };
    },
    good: `"Id"\n"${contact}"\n`,
    headers: { 'content-type': 'text/csv', 'sforce-numberofrecords': '1', 'sforce-locator': 'null' },
  },
  deleteQuery: { call: (org) => org.deleteQuery(job), good: '' },
  openIngest: { call: (org) => org.openIngest('Contact'), good: ingest },
  uploadIngest: { call: (org) => org.uploadIngest(job, csvFile), good: '' },
  completeIngest: { call: (org) => org.completeIngest(job), good: { ...ingest, state: 'UploadComplete' } },
  checkIngest: { call: (org) => org.checkIngest(job), good: { ...ingest, state: 'JobComplete', numberRecordsProcessed: 1, numberRecordsFailed: 0 } },
  listOpenIngestJobs: {
    call: (org) => org.listOpenIngestJobs(),
    good: {
      done: true,
      records: [{ ...ingest, createdById: '005000000000001AAA', createdDate: '2026-11-24T00:00:00.000+0000', jobType: 'V2Ingest' }],
      nextRecordsUrl: null,
    },
  },
  readIngestResults: {
    call: (org) => all(org.readIngestResults(job, 'failed')),
    good: `"sf__Id","sf__Error","Id"\n"${contact}","STRING_TOO_LONG:too long:LastName --","${contact}"\n`,
    headers: { 'content-type': 'text/csv' },
  },
  updated: { call: (org) => org.updated('Contact', ...window), good: { ids: [contact], latestDateCovered: '2026-11-24T12:00:00.000+0000' } },
  deleted: {
    call: (org) => org.deleted('Contact', ...window),
    good: {
      deletedRecords: [{ id: contact, deletedDate: '2026-11-24T12:00:00.000+0000' }],
      earliestDateAvailable: '2026-11-01T00:00:00.000+0000',
      latestDateCovered: '2026-11-24T12:00:00.000+0000',
    },
  },
  count: { call: (org) => org.count('Contact', ''), good: { totalSize: 1, done: true, records: [] } },
  queryPage: { call: (org) => org.queryPage({ soql: 'SELECT Id FROM Contact' }), good: page },
};
