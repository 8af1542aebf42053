import fc from 'fast-check';
import { expect, test } from 'vitest';
import { errorTable, ruleOf } from '../../src/salesforce/errorTable.ts';
import { failureFrom, failureOf } from '../../src/salesforce/errors.ts';
import { salesforceId } from '../../src/salesforce/ids.ts';
import { personAccountField } from '../../src/salesforce/personAccounts.ts';
import { behindCondition, idsCondition, selectQuery, spanCondition } from '../../src/salesforce/soql.ts';
import { canonicalDecimal, canonicalValue, readJson, restValue } from '../../src/salesforce/values.ts';

test.each([
  ['7', '7'],
  ['7.0', '7'],
  ['007', '7'],
  ['0.50', '0.5'],
  ['.5', '0.5'],
  ['5.', '5'],
  ['-12', '-12'],
  ['-0', '0'],
  ['+3', '3'],
  ['-0.0', '0'],
  ['1.0E7', '10000000'],
  ['1e-7', '0.0000001'],
  ['12345678901234567890.10', '12345678901234567890.1'],
  ['1.25e1', '12.5'],
  [' 4 ', '4'],
  ['', null],
  ['.', null],
  ['1,5', null],
  ['abc', null],
  ['1e999999999', null],
  ['NaN', null],
  ['--1', null],
])('R6 the number %j reads as %j', (text, canonical) => {
  expect(canonicalDecimal(text)).toBe(canonical);
});

test('R6 a canonical decimal has no exponent, is the same number, and is its own canonical text', () => {
  fc.assert(
    fc.property(fc.double({ noNaN: true, noDefaultInfinity: true }), (value) => {
      const text = canonicalDecimal(String(value)) ?? '';
      expect(text).toMatch(/^(0|-?(0|[1-9]\d*)(\.\d*[1-9])?)$/);
      expect(Number(text)).toBe(value === 0 ? 0 : value);
      expect(canonicalDecimal(text)).toBe(text);
    }),
  );
});

test.each([
  ['datetime', '2026-11-23T00:00:00.000+0000', '2026-11-23T00:00:00.000Z'],
  ['datetime', '2026-11-23T00:00:00.000Z', '2026-11-23T00:00:00.000Z'],
  ['datetime', '2026-11-23T02:00:00+02:00', '2026-11-23T00:00:00.000Z'],
  ['datetime', 'yesterday', 'yesterday'],
  ['date', '2026-11-23', '2026-11-23'],
  ['boolean', true, 'true'],
  ['boolean', 'false', 'false'],
  ['double', 1e21, '1000000000000000000000'],
  ['currency', 0.1, '0.1'],
  ['int', 7, '7'],
  ['percent', '12.50', '12.5'],
  ['string', ' 007 ', ' 007 '],
  ['email', 'A@x', 'A@x'],
  ['string', '', null],
  ['double', null, null],
  ['string', undefined, null],
] as const)('R6 a %s %j reads as %j', (type, value, canonical) => {
  expect(canonicalValue(type, value)).toBe(canonical);
});

test('R24 what is written into a field has the type of the field, to the last digit', () => {
  const values = {
    a: restValue('double', '123456789012345678'),
    b: restValue('boolean', 'true'),
    c: restValue('string', '7'),
    d: restValue('double', null),
  };
  expect(JSON.stringify(values)).toBe('{"a":123456789012345678,"b":true,"c":"7","d":null}');
  expect(readJson('{"a":123456789012345678,"b":1.50,"c":[1e2]}')).toEqual({ a: '123456789012345678', b: 1.5, c: [100] });
});

test.each([
  ['a0D30000001n7Pi', 'a0D30000001n7PiEAI'],
  ['a0D30000001n7PiEAI', 'a0D30000001n7PiEAI'],
  ['a0D30000001n7PiEAJ', null],
  ['a0D30000001n7Pieai', null],
  ['a0D30000001n7P', null],
  ['', null],
  ['a0D30000001n7P!', null],
  ['a0D30000001n7PiEA', null],
])('R8 the id %j is %j', (id, wide) => {
  expect(salesforceId(id)).toBe(wide);
});

test('a query names each field once, and refuses what is no name', () => {
  expect(selectQuery('Contact', ['Id', 'Email', 'Id'])).toBe('SELECT Id, Email FROM Contact');
  expect(selectQuery('Lead', ['Id'], 'IsDeleted = true')).toBe('SELECT Id FROM Lead WHERE IsDeleted = true');
  for (const field of ['Id FROM User', "Email' OR Name LIKE '%", 'Id, Email', ''])
    expect(() => selectQuery('Contact', ['Id', field])).toThrow(TypeError);
});

test('a span is half-open, and names only the ends it has', () => {
  const [from, to] = ['2026-11-24T01:00:00.000Z', '2026-11-24T02:00:00.000Z'];
  expect(spanCondition({ field: 'SystemModstamp', from, to })).toBe(
    'SystemModstamp >= 2026-11-24T01:00:00Z AND SystemModstamp < 2026-11-24T02:00:00Z',
  );
  expect(spanCondition({ field: 'CreatedDate', from: null, to })).toBe('CreatedDate < 2026-11-24T02:00:00Z');
  expect(spanCondition({ field: 'CreatedDate', from: null, to: null })).toBe('');
});

test('what lies behind a place has a later stamp, or the same one and a later id', () => {
  expect(behindCondition({ stamp: '2026-11-24T01:00:00.000Z', id: '003000000000001AAA' })).toBe(
    "(SystemModstamp > 2026-11-24T01:00:00Z OR (SystemModstamp = 2026-11-24T01:00:00Z AND Id > '003000000000001AAA'))",
  );
  expect(() => idsCondition('Id', ["003' OR Id != '"])).toThrow(TypeError);
});

test.each([
  ['X__c', 'X__pc'],
  ['ns__Score__c', 'ns__Score__pc'],
  ['Title', 'PersonTitle'],
  ['Email', 'PersonEmail'],
  ['FirstName', 'FirstName'],
  ['LastName', 'LastName'],
  ['Salutation', 'Salutation'],
  ['MiddleName', 'MiddleName'],
  ['Suffix', 'Suffix'],
  ['Phone', 'Phone'],
  ['Fax', 'Fax'],
  ['Description', 'Description'],
  ['MobilePhone', 'PersonMobilePhone'],
  ['HomePhone', 'PersonHomePhone'],
  ['Department', 'PersonDepartment'],
  ['AssistantName', 'PersonAssistantName'],
  ['MailingCity', 'PersonMailingCity'],
  ['OtherPostalCode', 'PersonOtherPostalCode'],
  ['title', 'PersonTitle'],
  ['ReportsToId', null],
  ['AccountId', null],
])("R22 a contact's %s is its person account's %s", (contactField, accountField) => {
  expect(personAccountField(contactField)).toBe(accountField);
});

test('every rule of the error table has a sentence, and what ends a run has a remedy', () => {
  for (const code of Object.keys(errorTable)) {
    const rule = ruleOf(code);
    expect(rule.says, code).not.toBe('');
    if (rule.class === 'throttled' || rule.class === 'budget') expect(rule.retryAfterMs, code).toBeGreaterThan(0);
    if (rule.class === 'stop') expect(rule.remedy, code).toBeDefined();
  }
  for (const code of [...Object.keys(errorTable), 'SOMETHING_NEW']) {
    const { kind, remedy, message } = failureOf(code, 'querying');
    if (kind === 'permanent') expect(remedy, code).toMatch(/^[A-Z].*\.$/s);
    expect(message, code).toMatch(/^Salesforce, querying: .*\.$/);
  }
});

test('R26 a code nobody has heard of is terminal for its row', () => {
  expect(ruleOf('SOMETHING_NEW')).toMatchObject({ class: 'rowTerminal' });
  expect(ruleOf('toString')).toMatchObject({ class: 'rowTerminal' });
});

test('a failure keeps of an error body the code alone', () => {
  const body = JSON.stringify([{ errorCode: 'MALFORMED_QUERY', message: "SELECT Id FROM Contact WHERE Email = 'bob@example.com'" }]);
  const failure = failureFrom(400, body, 'querying');
  expect(failure).toMatchObject({ code: 'MALFORMED_QUERY', kind: 'permanent' });
  expect(`${failure.message}${failure.remedy}${String(failure.cause)}`).not.toContain('bob');
});
