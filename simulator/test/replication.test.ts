import { expect, test } from 'vitest';
import { bulkQuery, call, jsforceOf, namesOf, orgWith, rowsOf, set, soql } from './harness.ts';
import type { Answer, Session } from './harness.ts';

const [ada, bo] = ['003000000000001AAA', '003000000000002AAA'] as const;
const account = '001000000000001AAA';
const world = {
  'Account.csv': `Id,Name,SystemModstamp\n${account},Edge,2026-11-01T00:00:00Z\n`,
  'Contact.csv': `Id,FirstName,LastName,AccountId,SystemModstamp\n${ada},Ada,King,${account},2026-11-01T00:00:00Z\n${bo},Bo,Long,${account},2026-11-01T00:00:00Z\n`,
};
const noon = Date.UTC(2026, 10, 24, 12);
const dayMs = 86_400_000;
const ask = (session: Session, what: 'updated' | 'deleted', from: number, to: number, object = 'Contact'): Promise<Answer> =>
  call(
    session,
    'GET',
    `/sobjects/${object}/${what}?start=${encodeURIComponent(new Date(from).toISOString())}&end=${encodeURIComponent(new Date(to).toISOString())}`,
  );
const rest = (ms: number): string => new Date(ms).toISOString().replace('Z', '+0000');

test.each([
  ['updated', 30],
  ['deleted', 15],
] as const)('%s looks back %i days and no further; an end before the start is INVALID_REPLICATION_DATE too', async (what, days) => {
  const session = await orgWith(world, { nowMs: () => noon });
  expect((await ask(session, what, noon - days * dayMs, noon)).status).toBe(200);
  for (const [from, to] of [
    [noon - days * dayMs - 60_000, noon],
    [noon, noon - 60_000],
    [noon, noon + 59_000],
  ] as const) {
    expect(await ask(session, what, from, to)).toMatchObject({ status: 400, json: [{ errorCode: 'INVALID_REPLICATION_DATE' }] });
  }
});

test('the seconds of a window are cut off', async () => {
  const session = await orgWith(world, { nowMs: () => noon + 30_000 });
  await call(session, 'PATCH', `/sobjects/Contact/${ada}`, { Title: 'x' });
  expect((await ask(session, 'updated', noon + 45_000, noon + 120_000)).json.ids).toEqual([ada]);
  expect((await ask(session, 'updated', noon - 60_000, noon + 59_000)).json.ids).toEqual([]);
});

test('more ids than the limit are EXCEEDED_ID_LIMIT', async () => {
  const session = await orgWith(world, { nowMs: () => noon, replicationIdLimit: 2 });
  const from = Date.UTC(2026, 9, 31);
  expect((await ask(session, 'updated', from, noon)).json.ids).toHaveLength(2);
  await set(session, { replicationIdLimit: 1 });
  expect(await ask(session, 'updated', from, noon)).toMatchObject({ status: 400, json: [{ errorCode: 'EXCEEDED_ID_LIMIT' }] });
  await call(session, 'DELETE', `/sobjects/Account/${account}`);
  expect(await ask(session, 'deleted', noon - dayMs, noon + 60_000)).toMatchObject({ status: 400, json: [{ errorCode: 'EXCEEDED_ID_LIMIT' }] });
});

test('a purged delete log: an earlier start is INVALID_REPLICATION_DATE, earliestDateAvailable says from when it goes', async () => {
  const session = await orgWith(world, { nowMs: () => noon });
  await call(session, 'DELETE', `/sobjects/Contact/${ada}`);
  expect((await ask(session, 'deleted', noon - 60_000, noon + 60_000)).json.earliestDateAvailable).toBe(rest(noon - 15 * dayMs));
  await set(session, { purgeDeleteLog: true });
  expect(await ask(session, 'deleted', noon - 60_000, noon + 60_000)).toMatchObject({
    status: 400,
    json: [{ errorCode: 'INVALID_REPLICATION_DATE' }],
  });
  const { json } = await ask(session, 'deleted', noon, noon + 60_000);
  expect(json).toMatchObject({ deletedRecords: [], earliestDateAvailable: rest(noon) });
});

test('a late commit: a row becomes visible n seconds after its stamp, until then everybody sees it as it was', async () => {
  let now = noon;
  const session = await orgWith(world, { nowMs: () => now, commitDelaySeconds: 30 });
  await call(session, 'PATCH', `/sobjects/Contact/${ada}`, { FirstName: 'Eve' });
  const { json: made } = await call(session, 'POST', '/sobjects/Contact', { LastName: 'New' });
  await call(session, 'DELETE', `/sobjects/Contact/${bo}`);
  now += 29_000;
  expect(await namesOf(session, 'select Name from Contact order by Id', 'queryAll')).toEqual(['Ada King', 'Bo Long']);
  expect(await namesOf(session, "select Name from Contact where FirstName = 'Eve'")).toEqual([]);
  expect((await soql(session, 'select count() from Contact')).json.totalSize).toBe(2);
  expect((await call(session, 'GET', `/sobjects/Contact/${ada}`)).json.FirstName).toBe('Ada');
  expect((await call(session, 'POST', '/composite/sobjects/Contact', { ids: [made.id], fields: ['Id'] })).json).toEqual([null]);
  expect(await bulkQuery(session, 'select Id, FirstName from Contact')).toMatchObject({ numberRecordsProcessed: 2 });
  expect((await ask(session, 'updated', noon - 60_000, noon + 600_000)).json).toEqual({ ids: [], latestDateCovered: rest(noon) });
  expect((await ask(session, 'deleted', noon - 60_000, noon + 600_000)).json).toMatchObject({ deletedRecords: [], latestDateCovered: rest(noon) });
  now += 1000;
  expect(await rowsOf(session, 'select FirstName, IsDeleted, SystemModstamp from Contact order by Id')).toMatchObject([
    { FirstName: 'Eve', SystemModstamp: rest(noon) },
    { IsDeleted: true, SystemModstamp: rest(noon) },
    { FirstName: null, SystemModstamp: rest(noon) },
  ]);
  expect((await ask(session, 'updated', noon - 60_000, noon + 600_000)).json).toEqual({
    ids: [ada, made.id],
    latestDateCovered: rest(noon + 30_000),
  });
  expect((await ask(session, 'deleted', noon - 60_000, noon + 600_000)).json).toMatchObject({
    deletedRecords: [{ id: bo }],
    latestDateCovered: rest(noon + 30_000),
  });
});

test('a client that goes by latestDateCovered misses no late commit', async () => {
  let now = noon;
  const session = await orgWith(world, { nowMs: () => now });
  const late = { 'X-Simulator-Commit-Delay': '90' };
  const seen = new Set<string>();
  let from = noon - 60_000;
  for (let turn = 0; turn < 8; turn += 1) {
    if (turn === 1) await call(session, 'PATCH', `/sobjects/Contact/${ada}`, { Title: 'late' }, late);
    if (turn === 2) await call(session, 'PATCH', `/sobjects/Contact/${bo}`, { Title: 'at once' });
    now += 60_000;
    const { json } = await ask(session, 'updated', from, now);
    for (const id of json.ids as string[]) seen.add(id);
    from = Date.parse(json.latestDateCovered.replace('+0000', 'Z'));
  }
  expect([...seen].sort()).toEqual([ada, bo]);
  expect(from).toBe(now);
});

test('only the save that asks for it is late; a second change of a late row waits for both', async () => {
  let now = noon;
  const session = await orgWith(world, { nowMs: () => now });
  await call(session, 'PATCH', `/sobjects/Contact/${ada}`, { Title: 'one' }, { 'X-Simulator-Commit-Delay': '30' });
  await call(session, 'PATCH', `/sobjects/Contact/${bo}`, { Title: 'now' });
  now += 20_000;
  await call(session, 'PATCH', `/sobjects/Contact/${ada}`, { FirstName: 'Two' }, { 'X-Simulator-Commit-Delay': '30' });
  now += 20_000;
  expect(await rowsOf(session, 'select Title, FirstName from Contact order by Id')).toEqual([
    { Title: null, FirstName: 'Ada' },
    { Title: 'now', FirstName: 'Bo' },
  ]);
  expect((await ask(session, 'updated', noon, noon + 600_000)).json.latestDateCovered).toBe(rest(noon));
  now += 10_000;
  expect(await rowsOf(session, 'select Title, FirstName from Contact order by Id')).toEqual([
    { Title: 'one', FirstName: 'Two' },
    { Title: 'now', FirstName: 'Bo' },
  ]);
});

test('merges and parents are late as well', async () => {
  let now = noon;
  const session = await orgWith(world, { nowMs: () => now });
  await call(session, 'PATCH', `/sobjects/Account/${account}`, { Name: 'Edge 2' }, { 'X-Simulator-Commit-Delay': '10' });
  expect(await rowsOf(session, `select Account.Name from Contact where Id = '${ada}'`)).toMatchObject([{ Account: { Name: 'Edge' } }]);
  await set(session, { commitDelaySeconds: 10 });
  expect(await jsforceOf(session).soap.merge({ masterRecord: { type: 'Contact', Id: ada }, recordToMergeIds: [bo] } as never)).toMatchObject({
    success: true,
  });
  expect(await rowsOf(session, `select MasterRecordId from Contact where Id = '${bo}'`)).toEqual([{ MasterRecordId: null }]);
  now += 10_000;
  expect(await rowsOf(session, `select MasterRecordId, Account.Name from Contact where Id = '${bo}'`)).toMatchObject([
    { MasterRecordId: ada, Account: { Name: 'Edge 2' } },
  ]);
});
