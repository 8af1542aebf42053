import { expect, test } from 'vitest';
import { call, jsforceOf, orgWith, rowsOf, set } from './harness.ts';

const [a1, a2, a3] = ['001000000000001AAA', '001000000000002AAA', '001000000000003AAA'] as const;
const [c1, c2, c3] = ['003000000000001AAA', '003000000000002AAA', '003000000000003AAA'] as const;
const [l1, l2] = ['00Q000000000001EAA', '00Q000000000002EAA'] as const;
const old = '2026-11-01T00:00:00Z';
const world = {
  'Account.csv': `Id,Name,ParentId,SystemModstamp\n${a1},Edge,,${old}\n${a2},Edge 2,,${old}\n${a3},Child,${a2},${old}\n`,
  'Contact.csv': `Id,FirstName,LastName,AccountId,SystemModstamp\n${c1},Ada,King,${a1},${old}\n${c2},A,King,${a2},${old}\n${c3},Bo,Long,${a2},${old}\n`,
  'Lead.csv': `Id,LastName,Company,IsConverted,SystemModstamp\n${l1},Low,Co,false,${old}\n${l2},Low,Co,false,${old}\n00Q000000000003EAA,Won,Co,true,${old}\n`,
};
const noon = Date.UTC(2026, 10, 24, 12);
const stamp = '2026-11-24T12:00:00.000+0000';
const oldStamp = '2026-11-01T00:00:00.000+0000';
type MergeAnswer = { success: boolean; id?: string; mergedRecordIds: string[]; updatedRelatedIds: string[]; errors: { statusCode: string }[] };

async function merge(session: Awaited<ReturnType<typeof orgWith>>, master: Record<string, unknown>, losers: readonly string[]): Promise<MergeAnswer> {
  return (await jsforceOf(session).soap.merge({ masterRecord: master, recordToMergeIds: losers } as never)) as unknown as MergeAnswer;
}

test('losers are deleted with MasterRecordId, the master gets the given fields, its children come along without a new stamp', async () => {
  const session = await orgWith(world, { nowMs: () => noon });
  const answer = await merge(session, { type: 'Account', Id: a1, Name: 'Edge & Co', Website: 'edge.example', fieldsToNull: 'Phone' }, [a2]);
  expect(answer).toMatchObject({ success: true, id: a1, mergedRecordIds: [a2], updatedRelatedIds: [c2, c3, a3], errors: [] });
  expect(await rowsOf(session, 'select Id, Name, Website, IsDeleted, MasterRecordId, SystemModstamp from Account order by Id')).toMatchObject([
    { Id: a1, Name: 'Edge & Co', Website: 'edge.example', IsDeleted: false, MasterRecordId: null, SystemModstamp: stamp },
    { Id: a2, Name: 'Edge 2', IsDeleted: true, MasterRecordId: a1, SystemModstamp: stamp },
    { Id: a3, SystemModstamp: oldStamp },
  ]);
  expect(await rowsOf(session, 'select Id, AccountId, SystemModstamp from Contact order by Id')).toEqual(
    [c1, c2, c3].map((Id) => ({ Id, AccountId: a1, SystemModstamp: oldStamp })),
  );
  expect(await rowsOf(session, `select ParentId from Account where Id = '${a3}'`)).toEqual([{ ParentId: a1 }]);
});

test('mergeStampsChildren gives the children a new SystemModstamp', async () => {
  const session = await orgWith(world, { nowMs: () => noon, mergeStampsChildren: true });
  await merge(session, { type: 'Account', Id: a1 }, [a2]);
  expect(await rowsOf(session, 'select Id from Contact where SystemModstamp > 2026-11-02T00:00:00Z order by Id')).toEqual([{ Id: c2 }, { Id: c3 }]);
});

test('two contacts, then their master into another: a chain of MasterRecordIds; leads merge too', async () => {
  const session = await orgWith(world, { nowMs: () => noon });
  expect(await merge(session, { type: 'Contact', Id: c2 }, [c1])).toMatchObject({ success: true });
  expect(await merge(session, { type: 'Contact', Id: c3, Email: 'Bo@X.com' }, [c2])).toMatchObject({ success: true });
  expect(await rowsOf(session, 'select Id, MasterRecordId, Email from Contact order by Id')).toMatchObject([
    { MasterRecordId: c2 },
    { MasterRecordId: c3 },
    { MasterRecordId: null, Email: 'bo@x.com' },
  ]);
  expect(await merge(session, { type: 'Lead', Id: l1 }, [l2])).toMatchObject({ success: true, id: l1, mergedRecordIds: [l2] });
});

test('an undeleted loser is a record again; what the merge gave to the master stays there', async () => {
  const session = await orgWith(world, { nowMs: () => noon });
  await merge(session, { type: 'Account', Id: a1 }, [a2]);
  expect(await jsforceOf(session).soap.undelete([a2])).toMatchObject([{ success: true }]);
  expect(await rowsOf(session, `select IsDeleted, MasterRecordId from Account where Id = '${a2}'`)).toEqual([
    { IsDeleted: false, MasterRecordId: null },
  ]);
  expect(await rowsOf(session, `select Id from Contact where AccountId = '${a2}'`)).toEqual([]);
});

test.each([
  ['a loser that is deleted', { type: 'Contact', Id: c2 }, [c1], 'ENTITY_IS_DELETED'],
  ['a master that is deleted', { type: 'Contact', Id: c1 }, [c2], 'ENTITY_IS_DELETED'],
  ['a loser of another object', { type: 'Contact', Id: c2 }, [a2], 'MALFORMED_ID'],
  ['a record that is not there', { type: 'Contact', Id: c2 }, ['003000000000009AAA'], 'INVALID_CROSS_REFERENCE_KEY'],
  ['itself', { type: 'Contact', Id: c2 }, [c2], 'INVALID_ID_FIELD'],
  ['nobody', { type: 'Contact', Id: c2 }, [], 'NUMBER_OUTSIDE_VALID_RANGE'],
  ['three losers', { type: 'Account', Id: a1 }, [a2, a3, a2], 'NUMBER_OUTSIDE_VALID_RANGE'],
  ['a converted lead', { type: 'Lead', Id: l1 }, ['00Q000000000003EAA'], 'CANNOT_UPDATE_CONVERTED_LEAD'],
  ['a value that cannot be saved', { type: 'Contact', Id: c2, Email: 'nobody' }, [c3], 'INVALID_EMAIL_ADDRESS'],
  ['an object that is not there', { type: 'Nope', Id: c2 }, [c3], 'INVALID_TYPE'],
])('a merge with %s is refused and changes nothing', async (_what, master, losers, statusCode) => {
  const session = await orgWith(world, { nowMs: () => noon - 3600_000 });
  await call(session, 'DELETE', `/sobjects/Contact/${c1}`);
  await set(session, { advanceSeconds: 3600 });
  const answer = await merge(session, master, losers);
  expect(answer.errors).toMatchObject([{ statusCode }]);
  expect(answer.success).toBe(false);
  for (const object of ['Account', 'Contact', 'Lead'])
    expect(await rowsOf(session, `select Id from ${object} where SystemModstamp = 2026-11-24T12:00:00Z`)).toEqual([]);
});
