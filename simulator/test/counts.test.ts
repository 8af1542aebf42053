import { expect, test } from 'vitest';
import { call, counted, ingest, orgWith, set } from './harness.ts';

const one = '003000000000001AAA';
const two = '003000000000002AAA';
const world = { 'Contact.csv': `Id,LastName\n${one},x\n${two},y\n` };
const triggers = [{ object: 'Contact', when: 'Title', set: 'Department', to: 'Board' }];
const update = { object: 'Contact', operation: 'update' };

test('writes are counted for each record and run, the run named by a setting or by the header of a request', async () => {
  const session = await orgWith(world);
  const patch = (id: string, headers: Record<string, string> = {}) => call(session, 'PATCH', `/sobjects/Contact/${id}`, { Title: 'a' }, headers);
  await patch(one);
  await set(session, { run: 'first night' });
  await patch(one);
  await patch(one);
  await ingest(session, update, `Id,Title\n${one},b\n${two},b\n`);
  await set(session, { run: 'second night' });
  await patch(two);
  await patch(two, { 'x-simulator-run': 'by hand' });
  const of = async (query: string) =>
    (await counted(session, 'updates', `object=Contact${query}`)).map(({ id, updates }: { id: string; updates: number }) => [id, updates]);
  expect(await of('')).toEqual([
    [one, 4],
    [two, 3],
  ]);
  expect(await of('&run=')).toEqual([[one, 1]]);
  expect(await of('&run=first+night')).toEqual([
    [one, 3],
    [two, 1],
  ]);
  expect(await of('&run=first+night&min=2')).toEqual([[one, 3]]);
  expect(await of('&run=second+night')).toEqual([[two, 1]]);
  expect(await of(`&run=by+hand&id=${two}`)).toEqual([[two, 1]]);
});

test('a Bulk job opened with the header is counted for that run', async () => {
  const session = await orgWith(world);
  const { json } = await call(session, 'POST', '/jobs/ingest', update, { 'x-simulator-run': 'r1' });
  await call(session, 'PUT', `/jobs/ingest/${json.id}/batches`, `Id,Title\n${one},b\n`);
  await call(session, 'PATCH', `/jobs/ingest/${json.id}`, { state: 'UploadComplete' });
  await expect.poll(() => counted(session, 'updates', 'object=Contact&run=r1')).toMatchObject([{ id: one, updates: 1 }]);
});

test('trigger runs are counted for each record: of every save that took effect, and of no other', async () => {
  const session = await orgWith(world);
  await set(session, { triggers, run: 'n1' });
  await call(session, 'PATCH', `/sobjects/Contact/${one}`, { Title: 'a' });
  await call(session, 'PATCH', `/sobjects/Contact/${two}`, { FirstName: 'no trigger' });
  await set(session, { run: 'n2' });
  await ingest(session, update, `Id,Title\n${one},b\n${two},b\n003000000000009AAA,b\n`);
  const { json: made } = await call(session, 'POST', '/sobjects/Contact', { LastName: 'z', Title: 'b' });
  const rolledBack = await call(session, 'PATCH', '/composite/sobjects', {
    allOrNone: true,
    records: [one, '003000000000009AAA'].map((id) => ({ attributes: { type: 'Contact' }, id, Title: 'c' })),
  });
  expect(rolledBack.json).toMatchObject([{ success: false }, { success: false }]);
  const shown = (id: string, times: number) => ({ id, runs: times, triggers: { 'Title > Department': times } });
  expect(await counted(session, 'triggers', 'object=Contact')).toEqual([shown(one, 2), shown(two, 1), shown(made.id, 1)]);
  expect(await counted(session, 'triggers', 'object=Contact&min=2')).toEqual([shown(one, 2)]);
  expect(await counted(session, 'triggers', 'object=Contact&run=n1')).toEqual([shown(one, 1)]);
  expect(await counted(session, 'triggers', 'object=Lead')).toEqual([]);
});

test('a validation rule refuses the values that it names, after the triggers, with its message', async () => {
  const session = await orgWith(world);
  await set(session, { validationRules: [{ object: 'Contact', field: 'title', refuses: '^(|bad.*)$', message: 'Give a good title.' }] });
  const patch = (Title: string | null) => call(session, 'PATCH', `/sobjects/Contact/${one}`, { Title });
  for (const wrong of ['bad one', null])
    expect(await patch(wrong)).toMatchObject({
      status: 400,
      json: [{ errorCode: 'FIELD_CUSTOM_VALIDATION_EXCEPTION', message: 'Give a good title.' }],
    });
  expect((await patch('good')).status).toBe(204);
  const over = await ingest(session, update, `Id,Title\n${one},bad\n${two},good\n`);
  expect(over).toMatchObject({ state: 'JobComplete', numberRecordsFailed: 1 });
  await set(session, { triggers: [{ object: 'Contact', when: 'Department', set: 'Title', to: 'bad' }] });
  expect((await call(session, 'PATCH', `/sobjects/Contact/${one}`, { Department: 'd' })).status).toBe(400);
  for (const rule of [
    { object: 'Contact', field: 'Nope', refuses: 'a', message: 'm' },
    { object: 'Contact', field: 'Title', refuses: '(', message: 'm' },
  ])
    await expect(set(session, { validationRules: [rule] })).rejects.toThrow(
      /validationRules: (?:field takes a field of Contact|refuses takes a regular expression)/,
    );
});
