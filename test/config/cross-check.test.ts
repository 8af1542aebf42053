import { describe, expect, test } from 'vitest';
import { nearest } from '../../src/config/nearest.ts';
import { settingsWarnings } from '../../src/config/warnings.ts';
import { errorsOf, load } from './failure.ts';

const objects = (...lines: string[]): string => ['objects:', ...lines.map((line) => `  ${line}`)].join('\n');

describe('rules between settings', () => {
  test('R10 one CRM field in two entries is refused, whatever its case', () => {
    const errors = errorsOf(
      objects('contact:', '  matchFields:', '    - { salesforce: Phone, personalization: a }', '    - { salesforce: phone, personalization: b }'),
    );
    expect(errors).toEqual([
      'crm-sync.yaml:5: objects.contact.matchFields[1].salesforce: phone stands in two entries (objects.contact.matchFields[0].salesforce, line 4); allowed: one entry with all its attributes (R10)',
    ]);
  });

  test('R10 the same field in two objects is allowed', () => {
    load(
      objects(
        'contact: { matchFields: [{ salesforce: Phone, personalization: a }] }',
        'lead: { matchFields: [{ salesforce: Phone, personalization: a }] }',
      ),
    );
  });

  test('Id as a match field is refused and points to idAttribute, Email and Name are allowed', () => {
    expect(errorsOf(objects('lead: { matchFields: [{ salesforce: ID, personalization: a }] }'))[0]).toContain('objects.lead.idAttribute');
    load(objects('contact: { matchFields: [{ salesforce: Email, personalization: mail }, { salesforce: Name, personalization: name }] }'));
  });

  test('R24 two mappings with one target are refused', () => {
    expect(errorsOf(objects('contact: { pull: [{ from: A, to: x }, { from: B, to: x }] }'))[0]).toContain('the attribute x is a target twice');
    expect(errorsOf(objects('contact: { push: [{ from: a, to: X__c }, { from: b, to: x__C }] }'))[0]).toContain(
      'the CRM field x__C is a target twice',
    );
    expect(errorsOf(objects('account: { pull: [{ from: A, to: x }, { from: B, to: x }] }'))[0]).toContain('R24');
  });

  test('R24 a target that is source of another mapping is refused on either side', () => {
    expect(errorsOf(objects('contact: { pull: [{ from: A, to: x }], push: [{ from: x, to: B }] }'))).toHaveLength(1);
    expect(errorsOf(objects('contact: { pull: [{ from: A, to: x }], push: [{ from: y, to: a }] }'))).toHaveLength(1);
    expect(errorsOf(objects('contact: { pull: [{ from: A, to: x }] }', 'lead: { push: [{ from: x, to: B }] }'))).toHaveLength(1);
    expect(errorsOf(objects('account: { pull: [{ from: A, to: x }], push: [{ from: x, to: B }] }'))).toHaveLength(1);
  });

  test('R18 one attribute as pull target of contact and lead is refused', () => {
    const [error] = errorsOf(objects('contact: { pull: [{ from: A, to: x }] }', 'lead: { pull: [{ from: A, to: x }] }'));
    expect(error).toMatch(/^crm-sync\.yaml:3: objects\.lead\.pull\[0\]\.to: .*line 2.*R18/);
  });

  test('users and accounts, contact and lead have fields and attributes of their own', () => {
    load(
      objects(
        'account: { pull: [{ from: A, to: x }], push: [{ from: y, to: B }] }',
        'contact: { pull: [{ from: A, to: x }], push: [{ from: y, to: B }] }',
        'lead: { push: [{ from: y, to: A }] }',
      ),
    );
    load(objects('contact: { pull: [{ from: A, to: x }, { from: A, to: X }], push: [{ from: y, to: B }, { from: y, to: C }] }'));
  });

  test('ids are no targets', () => {
    expect(errorsOf(objects('contact: { push: [{ from: x, to: id }] }'))[0]).toContain('Id cannot be written');
    expect(errorsOf(objects('contact: { pull: [{ from: A, to: userId }] }'))[0]).toContain('userId is the id itself');
    expect(errorsOf(objects('account: { pull: [{ from: A, to: accountId }] }'))[0]).toContain('accountId is the id itself');
    load(objects('contact: { pull: [{ from: AccountId, to: accountId }] }', 'lead: { pull: [{ from: Id, to: sfcrmLeadId }] }'));
  });

  test('an entry that is wrong does not shift the keys of those after it', () => {
    const errors = errorsOf(objects('contact:', '  pull:', '    - { from: A }', '    - { from: A, to: x }', '    - { from: B, to: x }'));
    expect(errors.map((error) => error.split(': ')[1])).toEqual(['objects.contact.pull[0].to', 'objects.contact.pull[2].to']);
    expect(errors[1]).toMatch(/^crm-sync\.yaml:6: .*pull\[1\]\.to, line 5/);
  });
});

describe('warnings', () => {
  const november = Date.UTC(2026, 10, 24);
  const warnings = (text: string) => settingsWarnings(load(text), november);

  test('the defaults have none', () => {
    expect(warnings('')).toEqual([]);
  });

  test('R11 onlyDesignatedMatchFields without a match field has no effect', () => {
    expect(warnings('objects: { lead: { onlyDesignatedMatchFields: true } }')).toEqual([expect.stringContaining('R11')]);
    expect(warnings('objects: { lead: { onlyDesignatedMatchFields: true, matchFields: [{ salesforce: Phone, personalization: p }] } }')).toEqual([]);
  });

  test('an hour that a clock skips or shows twice is told with its date', () => {
    const found = warnings('schedule: { timezone: Europe/Berlin, cron: "30 2 * * *" }');
    expect(found).toHaveLength(2);
    expect(found[0]).toContain('on 2027-03-28 the time 02:30 does not exist');
    expect(found[1]).toContain('on 2027-10-31 the time 02:30 comes twice');
  });

  test.each([
    '{ timezone: Europe/Berlin, cron: "30 4 * * *" }',
    '{ timezone: Europe/Berlin, cron: "30 2 * * MON" }',
    '{ timezone: Asia/Kolkata, cron: "30 2 * * *" }',
  ])('schedule %s keeps clear of it', (schedule) => {
    expect(warnings(`schedule: ${schedule}`)).toEqual([]);
  });

  test('two restricted days, mappings at rest, a name like an id, http and a canary are told', () => {
    expect(warnings('schedule: { cron: 0 2 1 * MON }')[0]).toContain('both restricted');
    expect(warnings('objects: { contact: { directions: { push: false }, push: [{ from: a, to: B }] } }')[0]).toContain('directions.push');
    expect(warnings('name: x-run')[0]).toContain('another sync (x)');
    expect(warnings('salesforce: { loginUrl: "http://example.com" }')[0]).toContain('unencrypted');
    expect(warnings('salesforce: { loginUrl: "http://127.0.0.1:80" }')).toEqual([]);
    expect(warnings('limitWrites: 5')[0]).toContain('canary');
  });
});

describe('the nearest spelling', () => {
  test.each([
    ['matchFeilds', 'matchFields'],
    ['MATCHFIELDS', 'matchFields'],
    ['pul', 'pull'],
    ['emailadress', 'emailAddress'],
    ['xyzzy', undefined],
    ['', undefined],
  ])('of %j is %j', (word, expected) => {
    expect(nearest(word, ['push', 'pull', 'matchFields', 'emailAddress'])).toBe(expected);
  });
});
