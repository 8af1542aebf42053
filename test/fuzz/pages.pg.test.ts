import { Readable } from 'node:stream';
import fc from 'fast-check';
import { expect, test } from 'vitest';
import { Failure } from '../../src/domain/failure.ts';
import { copyPage, createStage } from '../../src/mirror/stage.ts';
import type { Salesforce } from '../../src/salesforce/side.ts';
import { startReads } from '../fetch/reads.ts';
import { mirrorDatabase } from '../plan/mirror-database.ts';
import { testDatabaseUrl } from '../services/database.ts';

const url = await testDatabaseUrl();
const columns = ['Id', 'LastName'] as const;

const pieces = fc.oneof(
  fc.constantFrom('"', '""', ',', '\n', '\r\n', '\r', '\\.', '\\N', 'Id', 'LastName', '"Id","LastName"\n', '\uFEFF', 'é', '\u0000'),
  fc.string({ maxLength: 8 }),
);
const page = fc.oneof(
  fc.uint8Array({ maxLength: 300 }).map((bytes) => Buffer.from(bytes)),
  fc.array(pieces, { maxLength: 30 }).map((parts) => Buffer.from(`"Id","LastName"\n${parts.join('')}`)),
  fc.array(pieces, { maxLength: 30 }).map((parts) => Buffer.from(parts.join(''))),
  fc.uint8Array({ maxLength: 60 }).map((bytes) => Buffer.concat([Buffer.from('Id,LastName\n'), bytes])),
);

test('a page of any bytes is staged, or refused as a page that is tried again; the transaction goes on behind it', async () => {
  const database = await mirrorDatabase(url);
  try {
    await database.transaction(async (tx) => {
      await createStage(tx, 'fuzzed', columns);
      await fc.assert(
        fc.asyncProperty(page, fc.nat(5), async (bytes, cut) => {
          await tx.query('savepoint page');
          const chunks = [bytes.subarray(0, cut), bytes.subarray(cut)].filter((chunk) => chunk.length > 0);
          try {
            expect(await copyPage(tx, 'fuzzed', columns, Readable.from(chunks))).toBeGreaterThanOrEqual(0);
          } catch (error) {
            await tx.query('rollback to savepoint page');
            if (!(error instanceof Failure)) throw error;
            expect(error).toMatchObject({ code: 'PAGE_MALFORMED', kind: 'transient' });
          }
        }),
        { numRuns: 400 },
      );
    });
  } finally {
    await database.close();
  }
});

const files = { 'Contact.csv': 'Id,LastName,SystemModstamp\n003000000000001AAA,King,2026-01-01T00:00:00.000Z\n' };
const endless: Readonly<Record<string, (org: Salesforce) => Partial<Salesforce>>> = {
  'of REST': (org) => {
    let place = 0;
    return {
      queryPage: async (from) => {
        const found = await org.queryPage('soql' in from || from.locator.startsWith('/endless') ? { soql: soqlOf(from) } : from);
        return { ...found, next: `/endless/${place++}` };
      },
    };
  },
  'of Bulk': (org) => {
    let place = 0;
    return { readPage: async (jobId, _locator, rows) => ({ ...(await org.readPage(jobId, null, rows)), nextLocator: `endless-${place++}` }) };
  },
};
let asked = '';
function soqlOf(from: { readonly soql: string } | { readonly locator: string }): string {
  if ('soql' in from) asked = from.soql;
  return asked;
}

test.each(Object.keys(endless))('R27 pages %s without an end make the object incomplete', async (way) => {
  const reads = await startReads(url, files);
  if (way === 'of REST') {
    await reads.night({ objects: ['contact'] });
    reads.pass(86_400);
    await reads.org.sobject('Contact').update({ Id: '003000000000001AAA', LastName: 'Queen' });
  }
  const night = await reads.night({ objects: ['contact'], ...(endless[way] === undefined ? {} : { faults: endless[way] }) });
  expect(night.incomplete).toEqual([{ object: 'contact', code: 'ROWS_MISSING' }]);
});
