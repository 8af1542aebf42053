import { expect, test } from 'vitest';
import { call, ingest, jsforceOf, orgWith, rowsOf, set, soql } from './harness.ts';
import type { Session } from './harness.ts';
import { startSimulator } from '../src/simulator.ts';
import { directoryWith } from './harness.ts';
import { tokenOf } from './token.ts';

const account = '001000000000001AAA';
const [ada, bo] = ['003000000000001AAA', '003000000000002AAA'] as const;
const world = {
  'Account.csv': `Id,Name\n${account},Edge\n`,
  'Contact.csv': `Id,FirstName,LastName,AccountId\n${ada},Ada,King,${account}\n${bo},Bo,Long,${account}\n`,
};
const noon = Date.UTC(2026, 10, 24, 12);
const day = 86_400;

const window = (from: number, to: number): string =>
  `start=${encodeURIComponent(new Date(from).toISOString())}&end=${encodeURIComponent(new Date(to).toISOString())}`;
async function deletedIds(session: Session, object: string, from = noon - 3600_000, to = noon + 3600_000): Promise<string[]> {
  const { json } = await call(session, 'GET', `/sobjects/${object}/deleted?${window(from, to)}`);
  return json.deletedRecords.map((record: { id: string }) => record.id);
}

test('a deleted record is in the recycle bin, seen by queryAll only, and undelete brings it back with a new stamp', async () => {
  let now = noon;
  const session = await orgWith(world, { nowMs: () => now });
  const { soap } = jsforceOf(session);
  await call(session, 'DELETE', `/sobjects/Contact/${ada}`);
  expect((await soql(session, `select Id from Contact where Id = '${ada}'`)).json.totalSize).toBe(0);
  expect(await rowsOf(session, `select IsDeleted, SystemModstamp from Contact where Id = '${ada}'`)).toEqual([
    { IsDeleted: true, SystemModstamp: '2026-11-24T12:00:00.000+0000' },
  ]);
  now += 60_000;
  expect(await soap.undelete([ada])).toMatchObject([{ id: ada, success: true, errors: [] }]);
  expect((await soql(session, `select IsDeleted, FirstName, SystemModstamp from Contact where Id = '${ada}'`)).json.records).toMatchObject([
    { IsDeleted: false, FirstName: 'Ada', SystemModstamp: '2026-11-24T12:01:00.000+0000' },
  ]);
  expect(await soap.undelete([ada])).toMatchObject([{ success: false, errors: [{ statusCode: 'UNDELETE_FAILED' }] }]);
  expect(await soap.undelete(['003000000000009AAA'])).toMatchObject([{ success: false, errors: [{ statusCode: 'INVALID_CROSS_REFERENCE_KEY' }] }]);
});

test('an account takes its contacts into the bin and out of it; a contact that was deleted before stays deleted', async () => {
  const session = await orgWith(world, { nowMs: () => noon });
  const { soap } = jsforceOf(session);
  await call(session, 'DELETE', `/sobjects/Contact/${bo}`);
  await call(session, 'DELETE', `/composite/sobjects?ids=${account}`);
  expect(await rowsOf(session, 'select Id from Contact where IsDeleted = true order by Id')).toEqual([{ Id: ada }, { Id: bo }]);
  expect(await deletedIds(session, 'Contact')).toEqual([ada, bo]);
  expect(await soap.undelete([ada])).toMatchObject([{ success: false, errors: [{ statusCode: 'UNDELETE_FAILED' }] }]);
  expect(await soap.undelete([account])).toMatchObject([{ id: account, success: true }]);
  expect(await rowsOf(session, 'select Id from Contact where IsDeleted = true')).toEqual([{ Id: bo }]);
});

test('after 15 days a row leaves the bin, not earlier; undelete does not find it any more', async () => {
  const session = await orgWith(world, { nowMs: () => noon });
  await call(session, 'DELETE', `/sobjects/Contact/${ada}`);
  await set(session, { advanceSeconds: 15 * day - 60, revokeTokens: false, tokenLifetimeMs: 1e12 });
  expect(await rowsOf(session, 'select Id from Contact where IsDeleted = true')).toEqual([{ Id: ada }]);
  expect(await deletedIds(session, 'Contact', noon, noon + 60_000)).toEqual([ada]);
  await set(session, { advanceSeconds: 61 });
  expect(await rowsOf(session, 'select Id from Contact where IsDeleted = true')).toEqual([]);
  expect(await jsforceOf(session).soap.undelete([ada])).toMatchObject([{ success: false, errors: [{ statusCode: 'INVALID_CROSS_REFERENCE_KEY' }] }]);
});

test('rows that are loaded as deleted are in the bin for 15 days from the load, whatever their stamps say', async () => {
  const session = await orgWith(
    {
      'Lead.csv':
        'Id,LastName,IsDeleted,SystemModstamp\n00Q000000000001EAA,Old,true,2020-01-01T00:00:00Z\n00Q000000000002EAA,New,true,2026-11-24T11:30:00Z\n',
    },
    { nowMs: () => noon, tokenLifetimeMs: 1e12 },
  );
  expect(await rowsOf(session, 'select Id from Lead')).toHaveLength(2);
  expect(await deletedIds(session, 'Lead')).toEqual(['00Q000000000002EAA']);
  await set(session, { advanceSeconds: 15 * day + 60 });
  expect(await rowsOf(session, 'select Id from Lead')).toEqual([]);
});

test('emptyRecycleBin and hardDelete leave a record in the delete log only', async () => {
  const session = await orgWith(world, { nowMs: () => noon });
  const { soap } = jsforceOf(session);
  expect(await soap.emptyRecycleBin([ada])).toMatchObject([{ success: false, errors: [{ statusCode: 'INVALID_ID_FIELD' }] }]);
  await call(session, 'DELETE', `/sobjects/Contact/${ada}`);
  expect(await soap.emptyRecycleBin([ada])).toMatchObject([{ id: ada, success: true }]);
  expect(await ingest(session, { object: 'Contact', operation: 'hardDelete' }, `Id\n${bo}\n`)).toMatchObject({
    state: 'JobComplete',
    numberRecordsFailed: 0,
  });
  expect(await rowsOf(session, 'select Id from Contact')).toEqual([]);
  expect(await deletedIds(session, 'Contact')).toEqual([ada, bo]);
  expect((await call(session, 'GET', `/sobjects/Contact/updated?${window(noon - 60_000, noon + 60_000)}`)).json.ids).toEqual([]);
});

test('emptying the bin of an account removes the contacts that it took along', async () => {
  const session = await orgWith(world, { nowMs: () => noon });
  await call(session, 'DELETE', `/sobjects/Account/${account}`);
  await jsforceOf(session).soap.emptyRecycleBin([account]);
  expect(await rowsOf(session, 'select Id from Contact')).toEqual([]);
  expect(await deletedIds(session, 'Contact')).toEqual([ada, bo]);
});

test('deleted names an undeleted record still, or not, by setting', async () => {
  const session = await orgWith(world, { nowMs: () => noon });
  const again = async (): Promise<string[]> => {
    await call(session, 'DELETE', `/sobjects/Contact/${ada}`);
    await jsforceOf(session).soap.undelete([ada]);
    return deletedIds(session, 'Contact');
  };
  expect(await again()).toEqual([ada]);
  await set(session, { undeletedStayInLog: false });
  expect(await again()).toEqual([]);
});

test('bin, delete log, clock and settings are there after a restart', async () => {
  const stateDirectory = directoryWith({});
  const first = await startSimulator({ dataDirectory: directoryWith(world), stateDirectory, nowMs: () => noon });
  const session: Session = { simulator: first, token: await tokenOf(first), base: `${first.url}/services/data/v66.0`, warnings: [] };
  await set(session, { advanceSeconds: 3600, hiddenFields: ['Contact.Title'], tokenLifetimeMs: 1e12 });
  await call(session, 'DELETE', `/sobjects/Contact/${ada}`);
  await first.stop();
  const second = await startSimulator({ stateDirectory, nowMs: () => noon });
  const later: Session = { ...session, simulator: second, base: `${second.url}/services/data/v66.0` };
  try {
    expect(await deletedIds(later, 'Contact', noon + 3600_000, noon + 3660_000)).toEqual([ada]);
    expect(await jsforceOf(later).soap.undelete([ada])).toMatchObject([{ success: true }]);
    expect((await soql(later, 'select Title from Contact')).json).toMatchObject([{ errorCode: 'INVALID_FIELD' }]);
  } finally {
    await second.stop();
  }
});
