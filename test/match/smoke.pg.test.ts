import { expect, test } from 'vitest';
import { text } from 'node:stream/consumers';
import { recordsCsv } from '../../src/operator/records.ts';
import { checkSums, matchCounts } from '../../src/operator/match-counts.ts';
import { testDatabaseUrl } from '../services/database.ts';
import { load } from '../config/failure.ts';
import { commitLinks, emptyWorld, loadWorld, matchDatabase, matchWorld, testShape } from './match-fixture.ts';

const database = await matchDatabase(await testDatabaseUrl());
test('smoke', async () => {
  const shape = testShape(load('objects:\n  contact:\n    matchFields:\n      - { salesforce: Loyalty__c, personalization: [loyalty, card] }\n'));
  await database.transaction(async (tx) => {
    const decisionSeq = await loadWorld(
      tx,
      shape,
      {
        ...emptyWorld,
        records: {
          account: [],
          lead: [{ id: '00Q000000000001AAA', values: { Email: 'b@x' } }],
          contact: [
            { id: '003000000000001AAA', values: { Loyalty__c: 'L1' } },
            { id: '003000000000002AAA', values: { Email: 'b@x' } },
            { id: '003000000000003AAA', values: {} },
          ],
        },
        persons: {
          account: [],
          user: [
            { id: 'u1', values: { card: 'L1', sfcrmContactId: '003000000000009' } },
            { id: 'b@x', values: {} },
            { id: 'u3', values: { sfcrmContactId: '003000000000003' } },
            { id: 'u4', values: { sfcrmContactId: 'x' } },
          ],
        },
      },
      1,
    );
    const ctx = { runNo: 1, run: 'r1', shape, decisionSeq, leads: true };
    await matchWorld(tx, ctx);
    expect(await commitLinks(tx, ctx)).toEqual({ made: 3, kept: 0, ended: 0 });
    expect(await commitLinks(tx, ctx)).toEqual({ made: 3, kept: 0, ended: 0 });
  });
  console.log(await text(recordsCsv(database, 1)));
  for (const object of ['account', 'contact', 'lead'] as const) {
    const counts = await matchCounts(database, 1, object);
    console.log(JSON.stringify(counts));
    checkSums(object, counts);
  }
});
