import fc from 'fast-check';
import { expect, test } from 'vitest';
import { salesforceId } from '../../src/salesforce/ids.ts';
import { behindCondition, idsCondition, selectQuery, spanCondition } from '../../src/salesforce/soql.ts';

/** Texts that mean something in SOQL, among others. */
const hostile = fc.oneof(
  fc.string(),
  fc.string({ unit: 'binary' }),
  fc.constantFrom(
    "'",
    "' OR Name != '",
    '\\',
    'Id FROM User',
    'Id, (SELECT Id FROM Cases)',
    '2026-11-24T00:00:00Z OR Id != null',
    "003000000000001'",
    '\n',
    'A__c\n',
  ),
  fc.stringMatching(/^[A-Za-z0-9_' .]{1,18}$/),
);
const fieldList = /^SELECT [A-Za-z][A-Za-z0-9_]*(, [A-Za-z][A-Za-z0-9_]*)* FROM Contact$/;
const stamp = String.raw`\d{4}-\d\d-\d\dT\d\d:\d\d:\d\dZ`;

/** The query, or null where it was refused. */
function unlessRefused(body: () => string): string | null {
  try {
    return body();
  } catch (error) {
    expect(error).toSatisfy((thrown) => thrown instanceof TypeError || thrown instanceof RangeError);
    return null;
  }
}

test('whatever is given as a name, an id or an instant, a query has the form that it should have, or there is none', () => {
  fc.assert(
    fc.property(fc.array(hostile, { minLength: 1, maxLength: 4 }), fc.constantFrom('Id', 'AccountId'), (texts, field) => {
      const [text = ''] = texts;
      const select = unlessRefused(() => selectQuery('Contact', texts));
      if (select !== null) expect(select).toMatch(fieldList);
      const ids = unlessRefused(() => idsCondition(field, texts));
      if (ids !== null) expect(ids).toMatch(/^(Id|AccountId) IN \('[A-Za-z0-9]{15,18}'(,'[A-Za-z0-9]{15,18}')*\)$/);
      const span = unlessRefused(() => spanCondition({ field: 'SystemModstamp', from: text, to: text }));
      if (span !== null)
        expect(span).toMatch(new RegExp(`^SystemModstamp >= \\+?\\S*${stamp.slice(6)} AND SystemModstamp < \\+?\\S*${stamp.slice(6)}$`));
      const behind = unlessRefused(() => behindCondition({ stamp: '2026-11-24T00:00:00.000Z', id: text }));
      if (behind !== null)
        expect(behind).toMatch(new RegExp(`^\\(SystemModstamp > ${stamp} OR \\(SystemModstamp = ${stamp} AND Id > '[A-Za-z0-9]{15,18}'\\)\\)$`));
      const id = salesforceId(text);
      if (id !== null) expect(id).toMatch(/^[A-Za-z0-9]{18}$/);
    }),
    { numRuns: 2_000 },
  );
});
