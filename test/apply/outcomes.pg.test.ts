import { text } from 'node:stream/consumers';
import { expect, test } from 'vitest';
import { settleAbandoned } from '../../src/apply/abandoned.ts';
import { abortOpenJobs, openBulkPart } from '../../src/apply/bulk-open.ts';
import { applyCollectionsPart } from '../../src/apply/collections.ts';
import { deferRest } from '../../src/apply/defer.ts';
import { applyStorePart } from '../../src/apply/store-part.ts';
import { Failure } from '../../src/domain/failure.ts';
import { intentCounts } from '../../src/operator/intent-counts.ts';
import { rejectsCsv } from '../../src/operator/intents.ts';
import { sql } from '../../src/postgres/sql.ts';
import { testDatabaseUrl } from '../services/database.ts';
import { editOrg, orgValue, withOrg } from './organisation.ts';

import { id, numbers, outcomes, reserved, still } from './reserved.ts';

const url = await testDatabaseUrl();

test('R26 collections: found equal is unchanged, edited since waits for the next night, deleted is rejected', async () => {
  const { world, run, crmPart } = await reserved(url);
  editOrg(world, 'update "Contact" set "Department" = ? where "Id" = ?', 'new1', id(1));
  editOrg(world, 'update "Contact" set "Department" = ? where "Id" = ?', 'theirs', id(2));
  editOrg(world, 'update "Contact" set "IsDeleted" = 1 where "Id" = ?', id(3));
  await applyCollectionsPart(world.deps, run, crmPart, still);
  expect(await outcomes(world, run)).toEqual([
    '1,unchanged',
    '2,deferred,,changedMeanwhile',
    '3,rejected,ENTITY_IS_DELETED,the record is deleted',
    '4,applied',
  ]);
  expect(orgValue(world, 'Department', id(2))).toBe('theirs');
  expect([...(await world.updates('Contact')).keys()]).toEqual([id(4)]);
});

test('collections: an attempt that was overtaken sends nothing more, and marks nothing as being sent', async () => {
  const { world, run, crmPart } = await reserved(url);
  let overtaken = false;
  const late = withOrg(world.deps, (real) => ({
    retrieve: async (object, ids, fields) => {
      const rows = await real.retrieve(object, ids, fields);
      if (!overtaken) {
        overtaken = true;
        await applyCollectionsPart(world.deps, run, crmPart, still);
      }
      return rows;
    },
  }));
  await expect(applyCollectionsPart(late, run, crmPart, still)).rejects.toMatchObject({ code: 'PART_TAKEN_OVER', kind: 'transient' });
  expect(await outcomes(world, run)).toEqual(numbers.map((n) => `${n},applied`));
  expect([...(await world.updates('Contact')).values()]).toEqual([1, 1, 1, 1]);
});

test('R26 the store: changed since waits, gone is PERSON_GONE and is not made again (R2), found equal is unchanged', async () => {
  const { world, run, storePart } = await reserved(url);
  const edit = (user: string, title: string) =>
    world.store.database.query(
      sql`update profile_user set attributes = attributes || jsonb_build_object('title', ${title}::text) where user_id = ${user}`,
    );
  await edit('u1', 'theirs');
  await edit('u2', 'T2');
  await world.store.deletePersons('user', ['u3']);
  expect(await applyStorePart(world.deps, run, storePart)).toMatchObject({ records: 4, applied: 1, unchanged: 1, rejected: 1, deferred: 1 });
  expect(await outcomes(world, run, 'personalization')).toEqual([
    'u1,deferred,,changedMeanwhile',
    'u2,unchanged',
    'u3,rejected,PERSON_GONE,the person is gone',
    'u4,applied',
  ]);
  expect((await world.store.readByIds('user', ['u3'], [])).length).toBe(0);
});

test('R13 a pair that somebody blocked or unlinked since the match is written on neither side', async () => {
  const { world, run, storePart, crmPart } = await reserved(url);
  for (const [n, kind] of [
    [1, 'block'],
    [2, 'unlink'],
    [3, 'pin'],
  ] as const)
    await world.deps.database.query(
      sql`insert into decision (object, crm_id, pers_id, kind, decided_by) values ('contact', ${id(n)}, ${`u${n}`}, ${kind}, 'test')`,
    );
  await applyStorePart(world.deps, run, storePart);
  await applyCollectionsPart(world.deps, run, crmPart, still);
  expect(await outcomes(world, run, 'personalization')).toEqual([
    'u1,deferred,,blockedMeanwhile',
    'u2,deferred,,blockedMeanwhile',
    'u3,applied',
    'u4,applied',
  ]);
  expect(await outcomes(world, run)).toEqual(['1,deferred,,blockedMeanwhile', '2,deferred,,blockedMeanwhile', '3,applied', '4,applied']);
});

test('a run that is closed or taken over writes nothing more', async () => {
  const { world, run, storePart, crmPart } = await reserved(url);
  await world.deps.database.query(sql`update run set attempt = attempt + 1`);
  await expect(applyStorePart(world.deps, run, storePart)).rejects.toBeInstanceOf(Failure);
  await expect(applyCollectionsPart(world.deps, run, crmPart, still)).rejects.toMatchObject({ code: 'RUN_CLOSED' });
  expect((await world.updates('Contact')).size).toBe(0);
});

test('a run that stops: Open jobs are aborted, what was not sent is deferred for the reason, and the sums add up (R26)', async () => {
  const { world, run, crmPart } = await reserved(url, 'bulk');
  const stopping = withOrg(world.deps, () => ({ uploadIngest: () => Promise.reject(new Error('stopped')) }));
  await expect(openBulkPart(stopping, run, crmPart, still)).rejects.toThrow('stopped');
  await expect(intentCounts(world.deps.database, run.runNo)).rejects.toMatchObject({ code: 'INTENTS_OPEN' });
  expect(await abortOpenJobs(world.deps, run)).toBe(1);
  await world.deps.database.transaction((tx) => deferRest(tx, run, 'cancelled'));
  expect(await intentCounts(world.deps.database, run.runNo)).toEqual({
    personalization: { applied: 0, unchanged: 0, rejected: 0, deferred: 4 },
    salesforce: { applied: 0, unchanged: 0, rejected: 0, deferred: 4 },
  });
  expect(await outcomes(world, run)).toEqual(numbers.map((n) => `${n},deferred,,cancelled`));
  expect((await world.deps.salesforce.listOpenIngestJobs()).length).toBe(0);
});

test('rejects.csv has the rejected intents alone; a reader that goes away leaves the database usable', async () => {
  const { world, run, storePart } = await reserved(url);
  await world.store.deletePersons('user', ['u3']);
  await applyStorePart(world.deps, run, storePart);
  expect(await text(rejectsCsv(world.deps.database, run.runNo))).toBe(
    'side,object,id,field,before,after,rule,outcome,code,reason\npersonalization,user,u3,title,,T3,crm,rejected,PERSON_GONE,the person is gone\n',
  );
  const abandoned = rejectsCsv(world.deps.database, run.runNo);
  abandoned.destroy();
  expect((await world.deps.database.query(sql`select 1`)).rowCount).toBe(1);
});

test('R25 what the org makes of a value is not written again; an edit that a user makes later is', async () => {
  const { world, run, storePart, crmPart } = await reserved(url);
  const loud = withOrg(world.deps, (real) => ({
    updateRows: async (object, rows) => {
      const results = await real.updateRows(object, rows);
      editOrg(world, 'update "Contact" set "Department" = upper("Department")');
      return results;
    },
  }));
  await applyStorePart(world.deps, run, storePart);
  await applyCollectionsPart(loud, run, crmPart, still);
  expect(await outcomes(world, run)).toEqual(numbers.map((n) => `${n},applied`));
  await world.close(run);
  expect(
    (await world.night('two'))
      .split('\n')
      .filter((line) => line !== '')
      .slice(1),
  ).toEqual(numbers.map((n) => `salesforce,Contact,${id(n)},Department,NEW${n},new${n},personalization,unchanged,,changedByOrg`));
  editOrg(world, 'update "Contact" set "Department" = ? where "Id" = ?', 'theirs', id(1));
  const third = await world.night('three');
  expect(third).toContain(`salesforce,Contact,${id(1)},Department,theirs,new1,personalization,applied,,\n`);
  expect([...third.matchAll(/changedByOrg/g)]).toHaveLength(3);
});

test('an abandoned run: the next one looks at what may have been sent, and defers the rest; the sums of both add up', async () => {
  const { world, run, storePart, crmPart } = await reserved(url);
  await applyStorePart(world.deps, run, storePart);
  const lost = withOrg(world.deps, (real) => ({
    updateRows: async (object, rows) => {
      await real.updateRows(object, rows.slice(0, 2));
      throw new Error('the answer is lost');
    },
  }));
  await expect(applyCollectionsPart(lost, run, crmPart, still)).rejects.toThrow('lost');
  const next = await world.open('two');
  expect(await settleAbandoned(world.deps, next, still)).toBe(1);
  expect(await outcomes(world, run)).toEqual(['1,applied', '2,applied', '3,deferred,,abandoned', '4,deferred,,abandoned']);
  expect(await intentCounts(world.deps.database, run.runNo)).toMatchObject({ salesforce: { applied: 2, deferred: 2 } });
  expect(await settleAbandoned(world.deps, next, still)).toBe(0);
  await world.fetch(next);
  await world.plan(next);
  await world.apply(next, await world.reserve(next));
  expect(await outcomes(world, next)).toEqual(['3,applied', '4,applied']);
  expect([...(await world.updates('Contact')).values()]).toEqual([1, 1, 1, 1]);
});
