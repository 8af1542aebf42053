import { expect, test } from 'vitest';
import { bulkQuery, call, ingest, jobOver, orgWith } from './harness.ts';

const world = {
  'Contact.csv':
    'Id,LastName,Email,Score__c,Text__c,SystemModstamp\n003000000000001AAA,"King, ""Q""\nx",ada@x.com,1.5,a,2026-01-01T00:00:00Z\n003000000000002AAA,Lee,,,b,2026-01-01T00:00:00Z\n003000000000003AAA,Zoë 😀,,7,c,2026-01-01T00:00:00Z\n',
};

test('results are CSV with everything quoted, null as "", a header on each page, stable locators, "null" at the end', async () => {
  const session = await orgWith(world);
  const job = await bulkQuery(session, 'select Id, LastName, Email, Score__c, IsDeleted, SystemModstamp from Contact order by Id');
  expect(job).toMatchObject({ state: 'JobComplete', numberRecordsProcessed: 3, jobType: 'V2Query', apiVersion: 66 });
  expect(job.id).toMatch(/^750\w{15}$/);
  const first = await call(session, 'GET', `/jobs/query/${job.id}/results?maxRecords=2`);
  const header = '"Id","LastName","Email","Score__c","IsDeleted","SystemModstamp"\n';
  expect(first.text).toBe(
    `${header}"003000000000001AAA","King, ""Q""\nx","ada@x.com","1.5","false","2026-01-01T00:00:00.000Z"\n"003000000000002AAA","Lee","","","false","2026-01-01T00:00:00.000Z"\n`,
  );
  expect(first.headers.get('sforce-numberofrecords')).toBe('2');
  const next = `/jobs/query/${job.id}/results?maxRecords=2&locator=${first.headers.get('sforce-locator')}`;
  const last = await call(session, 'GET', next);
  expect(last.text).toBe(`${header}"003000000000003AAA","Zoë 😀","","7","false","2026-01-01T00:00:00.000Z"\n`);
  expect(last.headers.get('sforce-locator')).toBe('null');
  expect((await call(session, 'GET', next)).text).toBe(last.text);
  expect((await call(session, 'GET', `/jobs/query/${job.id}/results?locator=bogus`)).status).toBe(400);
  expect((await call(session, 'GET', '/jobs/query')).json.records).toHaveLength(1);
  expect((await call(session, 'DELETE', `/jobs/query/${job.id}`)).status).toBe(204);
  expect((await call(session, 'GET', `/jobs/query/${job.id}`)).status).toBe(404);
});

test('pages are compressed only for Accept-Encoding gzip', async () => {
  const session = await orgWith(world);
  const job = await bulkQuery(session, 'select Id from Contact');
  const page = (encoding: string): Promise<{ headers: Headers; text: string }> =>
    call(session, 'GET', `/jobs/query/${job.id}/results`, undefined, { 'accept-encoding': encoding });
  const [plain, packed] = [await page('br'), await page('gzip')];
  expect(plain.headers.get('content-encoding')).toBeNull();
  expect(packed.headers.get('content-encoding')).toBe('gzip');
  expect(packed.text).toBe(plain.text);
});

test('a job is read with the API version it was made with, else 409', async () => {
  const session = await orgWith(world);
  const job = await bulkQuery(session, 'select Id from Contact');
  expect((await call(session, 'GET', `${session.base.replace('66.0', '67.0')}/jobs/query/${job.id}/results`)).status).toBe(409);
});

test('every page of a large result together is every row once; queryAll holds the recycle bin', async () => {
  const session = await orgWith({}, { synthetic: { contacts: 20_000, seed: 3 } });
  const job = await bulkQuery(session, 'select Id, LastName, MailingStreet from Contact', 'queryAll');
  expect(job.numberRecordsProcessed).toBe(20_000);
  const ids = new Set<string>();
  let locator = '';
  for (let pages = 0; locator !== 'null'; pages += 1) {
    expect(pages).toBeLessThan(10);
    const page = await call(session, 'GET', `/jobs/query/${job.id}/results?maxRecords=3000${locator === '' ? '' : `&locator=${locator}`}`);
    const found = page.text.match(/^"003\w{15}"/gm) ?? [];
    expect(found).toHaveLength(Number(page.headers.get('sforce-numberofrecords')));
    for (const id of found) ids.add(id);
    locator = page.headers.get('sforce-locator') ?? 'missing';
  }
  expect(ids.size).toBe(20_000);
  expect((await bulkQuery(session, 'select Id from Contact')).numberRecordsProcessed).toBe(20_000 - 400);
});

test('the rows are those of the moment the job was made', async () => {
  const session = await orgWith({}, { synthetic: { contacts: 3000, seed: 3 } });
  const { json } = await call(session, 'POST', '/jobs/query', { operation: 'query', query: "select Id, Title from Contact where Title = 'changed'" });
  await call(session, 'PATCH', '/sobjects/Contact/003000000000001AAA', { Title: 'changed' });
  expect((await jobOver(session, 'query', json.id)).numberRecordsProcessed).toBe(0);
});

test('an aborted job stays aborted and has no results', async () => {
  const session = await orgWith({}, { synthetic: { contacts: 5000, seed: 3 } });
  const { json } = await call(session, 'POST', '/jobs/query', { operation: 'query', query: 'select Id from Contact' });
  await call(session, 'PATCH', `/jobs/query/${json.id}`, { state: 'Aborted' });
  const state = (await call(session, 'GET', `/jobs/query/${json.id}`)).json.state;
  expect(state === 'Aborted' || state === 'JobComplete').toBe(true);
  if (state === 'Aborted') expect((await call(session, 'GET', `/jobs/query/${json.id}/results`)).json[0].errorCode).toBe('INVALIDJOBSTATE');
});

test('wrong queries are refused when the job is made', async () => {
  const session = await orgWith(world);
  expect((await call(session, 'POST', '/jobs/query', { operation: 'query', query: 'select Nope from Contact' })).json[0].errorCode).toBe(
    'INVALID_FIELD',
  );
  expect((await call(session, 'POST', '/jobs/query', { operation: 'query', query: 'select count() from Contact' })).status).toBe(400);
  expect((await call(session, 'POST', '/jobs/query', { operation: 'query', query: 'select MailingAddress from Contact' })).status).toBe(400);
});

test('an update job changes rows: empty is unchanged, #N/A is null, each refused row has its code', async () => {
  const session = await orgWith(world);
  const csv =
    'Id,Email,Score__c,Text__c\n003000000000001AAA,,#N/A,"new ""x""\ny"\n003000000000002,B@X.com,2.50,\n003000000000009AAA,,1,\n003000000000003AAA,bad,,\n';
  const job = await ingest(session, { object: 'Contact', operation: 'update', lineEnding: 'LF', contentType: 'CSV' }, csv);
  expect(job).toMatchObject({ state: 'JobComplete', numberRecordsProcessed: 4, numberRecordsFailed: 2, jobType: 'V2Ingest' });
  const read = await call(session, 'POST', '/composite/sobjects/Contact', {
    ids: ['003000000000001', '003000000000002'],
    fields: ['Email', 'Score__c', 'Text__c'],
  });
  expect(read.json).toMatchObject([
    { Email: 'ada@x.com', Score__c: null, Text__c: 'new "x"\ny' },
    { Email: 'b@x.com', Score__c: 2.5, Text__c: 'b' },
  ]);
  const results = async (which: string): Promise<string> => (await call(session, 'GET', `/jobs/ingest/${job.id}/${which}`)).text;
  expect(await results('successfulResults')).toBe(
    '"sf__Id","sf__Created","Id","Email","Score__c","Text__c"\n"003000000000001AAA","false","003000000000001AAA","","#N/A","new ""x""\ny"\n"003000000000002AAA","false","003000000000002","B@X.com","2.50",""\n',
  );
  expect(await results('failedResults')).toBe(
    '"sf__Id","sf__Error","Id","Email","Score__c","Text__c"\n"003000000000009AAA","INVALID_CROSS_REFERENCE_KEY:invalid cross reference id: --","003000000000009AAA","","1",""\n"003000000000003AAA","INVALID_EMAIL_ADDRESS:Email: invalid email address: bad:Email --","003000000000003AAA","bad","",""\n',
  );
  expect(await results('unprocessedRecords')).toBe('"Id","Email","Score__c","Text__c"\n');
});

test('a second upload, closing without content, and a job that is over are INVALIDJOBSTATE', async () => {
  const session = await orgWith(world);
  const { json } = await call(session, 'POST', '/jobs/ingest', { object: 'Contact', operation: 'update' });
  expect(json).toMatchObject({ state: 'Open', contentUrl: `services/data/v66.0/jobs/ingest/${json.id}/batches` });
  expect((await call(session, 'PATCH', `/jobs/ingest/${json.id}`, { state: 'UploadComplete' })).json[0].errorCode).toBe('INVALIDJOBSTATE');
  const upload = await call(session, 'PUT', `/jobs/ingest/${json.id}/batches`, 'Id,Text__c\n003000000000001AAA,q\n');
  expect([upload.status, upload.text]).toEqual([201, '']);
  expect((await call(session, 'PUT', `/jobs/ingest/${json.id}/batches`, 'Id\n')).json[0].message).toMatch(/^Found multiple contents for job/);
  expect((await call(session, 'PATCH', `/jobs/ingest/${json.id}`, { state: 'Aborted' })).json.state).toBe('Aborted');
  expect((await call(session, 'PATCH', `/jobs/ingest/${json.id}`, { state: 'UploadComplete' })).status).toBe(400);
  expect((await call(session, 'GET', `/jobs/ingest/${json.id}/unprocessedrecords`)).text).toBe('"Id","Text__c"\n"003000000000001AAA","q"\n');
});

test.each([
  ['another line ending', 'CRLF', 'Id,Text__c\n003000000000001AAA,q\n', /LineEnding is invalid on user data/],
  ['a column in another case', 'LF', 'Id,text__c\n003000000000001AAA,q\n', /^InvalidBatch : Field name not found : text__c/],
  ['no Id', 'LF', 'Text__c\nq\n', /Field name not found : Id/],
])('content with %s fails the job and changes nothing', async (_what, lineEnding, csv, message) => {
  const session = await orgWith(world);
  const job = await ingest(session, { object: 'Contact', operation: 'update', lineEnding }, csv);
  expect(job).toMatchObject({ state: 'Failed', errorMessage: expect.stringMatching(message), numberRecordsProcessed: 0 });
  expect((await call(session, 'GET', `/jobs/ingest/${job.id}/unprocessedrecords`)).text.split('\n').length).toBeGreaterThan(2);
});

test('CRLF, a tab between columns, insert and delete', async () => {
  const session = await orgWith(world);
  const inserted = await ingest(
    session,
    { object: 'Lead', operation: 'insert', lineEnding: 'CRLF', columnDelimiter: 'TAB' },
    'LastName\tCompany\r\nA\tx\r\nB\t\r\n',
  );
  expect(inserted).toMatchObject({ numberRecordsProcessed: 2, numberRecordsFailed: 1 });
  expect((await call(session, 'GET', `/jobs/ingest/${inserted.id}/successfulResults`)).text).toMatch(/"00Q\w{15}"\t"true"\t"A"\t"x"/);
  expect(await ingest(session, { object: 'Contact', operation: 'delete' }, 'Id\n003000000000001AAA\n')).toMatchObject({ numberRecordsFailed: 0 });
  expect((await bulkQuery(session, 'select Id from Contact')).numberRecordsProcessed).toBe(2);
});

test('an upload over the limit is refused and the job stays open', async () => {
  const session = await orgWith(world, { uploadLimitBytes: 100 });
  const { json } = await call(session, 'POST', '/jobs/ingest', { object: 'Contact', operation: 'update' });
  expect((await call(session, 'PUT', `/jobs/ingest/${json.id}/batches`, `Id\n${'x'.repeat(200)}`)).status).toBe(413);
  expect((await call(session, 'GET', `/jobs/ingest/${json.id}`)).json.state).toBe('Open');
});

test('jobs, collections and queries at the same time do not mix', async () => {
  const session = await orgWith({}, { synthetic: { contacts: 3000, seed: 2 } });
  const { json: contacts } = await call(session, 'GET', `/query?q=${encodeURIComponent('select Id from Contact limit 2000')}`);
  const ids = (contacts.records as { Id: string }[]).map((record) => record.Id);
  const csv = (column: string, half: number): string => `Id,${column}\n${ids.map((id, index) => `${id},v${half}-${index}`).join('\n')}\n`;
  const [first, second, ...others] = await Promise.all([
    ingest(session, { object: 'Contact', operation: 'update' }, csv('Title', 1)),
    ingest(session, { object: 'Contact', operation: 'update' }, csv('Department', 2)),
    ...Array.from({ length: 5 }, (_, n) =>
      call(session, 'PATCH', '/composite/sobjects', {
        records: ids.slice(n * 200, n * 200 + 200).map((id) => ({ attributes: { type: 'Contact' }, id, AssistantName: `a${n}` })),
      }),
    ),
    bulkQuery(session, 'select Id from Contact'),
    bulkQuery(session, 'select Id from Lead'),
  ]);
  expect([first, second]).toMatchObject([
    { numberRecordsProcessed: 2000, numberRecordsFailed: 0 },
    { numberRecordsProcessed: 2000, numberRecordsFailed: 0 },
  ]);
  expect(others.slice(0, 5).map((answer) => answer.json.filter((result: { success: boolean }) => result.success).length)).toEqual([
    200, 200, 200, 200, 200,
  ]);
  const updates = (await (await fetch(`${session.simulator.url}/__simulator/updates?object=Contact`)).json()) as { updates: number }[];
  expect(updates.reduce((sum, each) => sum + each.updates, 0)).toBe(5000);
});

test('resultPages names up to five pages at a time, which together are all rows, each once', async () => {
  const session = await orgWith({ 'Contact.csv': `LastName\n${Array.from({ length: 23 }, (_none, n) => `Row ${n}\n`).join('')}` });
  const { id } = await bulkQuery(session, 'select Id from Contact');
  let next = `/services/data/v66.0/jobs/query/${id}/resultPages?maxRecords=3`;
  const pages: number[] = [];
  const ids = new Set<string>();
  do {
    const { json } = await call(session, 'GET', session.simulator.url + next);
    const texts = await Promise.all(
      json.resultPages.map(async ({ resultUrl }: { resultUrl: string }) => (await call(session, 'GET', session.simulator.url + resultUrl)).text),
    );
    pages.push(texts.length);
    for (const each of texts.join('').match(/003\w{15}/g) ?? []) ids.add(each);
    expect(json.done).toBe(json.nextRecordsUrl === null);
    next = json.nextRecordsUrl;
  } while (next !== null);
  expect(pages).toEqual([5, 3]);
  expect(ids.size).toBe(23);
  const twenty = await bulkQuery(session, 'select Id from Contact limit 20');
  expect((await call(session, 'GET', `/jobs/query/${twenty.id}/resultPages?maxRecords=4`)).json).toMatchObject({ done: true, nextRecordsUrl: null });
  const empty = await bulkQuery(session, "select Id from Contact where LastName = 'none'");
  expect((await call(session, 'GET', `/jobs/query/${empty.id}/resultPages`)).json).toMatchObject({ done: true, resultPages: [{}] });
});
