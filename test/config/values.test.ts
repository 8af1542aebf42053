import { describe, expect, test } from 'vitest';
import { errorsOf, load } from './failure.ts';

describe('values', () => {
  test('percentages become shares, durations milliseconds, counts numbers', () => {
    const settings = load(
      'guards: { rejected: 2.5%, personsGone: 0 %, recordsGone: "100%", writesFactor: 1.5 }\nschedule: { jitter: 90s }\ncaps: { pullRecords: "4,500,000", pushRecords: 1_000 }\nlimitWrites: 0',
    );
    expect(settings.guards).toMatchObject({ rejected: 0.025, personsGone: 0, recordsGone: 1, writesFactor: 1.5 });
    expect(settings.schedule.jitterMs).toBe(90_000);
    expect(settings.caps).toEqual({ pullRecords: 4_500_000, pushRecords: 1000 });
    expect(settings.limitWrites).toBe(0);
  });

  test('a call budget is a share or a number of calls', () => {
    expect(load('salesforce: { apiBudget: { perRun: 2000, reserve: 50% } }').salesforce.apiBudget).toEqual({
      perRun: { kind: 'calls', calls: 2000 },
      reserve: { kind: 'share', share: 0.5 },
      whenSpent: 'partial',
    });
    expect(load('salesforce: { apiBudget: { whenSpent: pause } }').salesforce.apiBudget.whenSpent).toBe('pause');
  });

  test.each(['66.0', '"66.0"', '66'])('apiVersion %s is 66.0', (version) => {
    expect(load(`salesforce: { apiVersion: ${version} }`).salesforce.apiVersion).toBe('66.0');
  });

  test('R7 ignoreValues replaces the list, normalised, and takes null as a word', () => {
    expect(load('ignoreValues: [ N/A, null, "  Cafe\u0301 ", 0, "n/a" ]').ignoreValues).toEqual(['n/a', 'null', 'caf\u00E9', '0']);
    expect(load('ignoreValues: []').ignoreValues).toEqual([]);
  });

  test('a match field may name one attribute without brackets', () => {
    const [field] = load('objects: { contact: { matchFields: [{ salesforce: Phone, personalization: phone, ignoreCase: true }] } }').objects.contact
      .matchFields;
    expect(field).toEqual({ salesforce: 'Phone', personalization: ['phone'], ignoreCase: true });
  });

  test('mappings have their defaults', () => {
    const { contact } = load(
      'objects: { contact: { pull: [{ from: Title, to: title }], push: [{ from: score, to: Score__c, rule: fillBlank, onNull: clear }] } }',
    ).objects;
    expect(contact.pull).toEqual([{ from: 'Title', to: 'title', rule: 'crm', onNull: 'keep' }]);
    expect(contact.push).toEqual([{ from: 'score', to: 'Score__c', rule: 'fillBlank', onNull: 'clear' }]);
  });

  test.each([
    ['guards: { rejected: 5 }', 'guards.rejected: "5" is no percentage; allowed: a percentage from 0% to 100%, with the sign'],
    ['guards: { rejected: 101% }', 'is more than 100%'],
    ['guards: { rejected: [5%] }', 'guards.rejected: is a list; allowed: a percentage'],
    ['guards: { writesFactor: 0.5 }', 'is too small'],
    ['caps: { pullRecords: 0 }', 'is too small; allowed: a whole number from 1'],
    ['caps: { pullRecords: 1.5 }', 'is no whole number'],
    ['caps: { pullRecords: -1 }', 'is no whole number'],
    ['caps: { pullRecords: 45,00 }', 'is no'],
    ['schedule: { jitter: 24h }', 'is a day or more'],
    ['schedule: { jitter: 5 }', 'is no duration'],
    ['schedule: { timezone: Europe/Berln }', 'is no IANA time zone'],
    ['schedule: { timezone: "+02:00" }', 'is no IANA time zone'],
    ['schedule: { cron: 0 0 2 * * * }', 'has 6 fields, five are allowed'],
    ['schedule: { cron: "@daily" }', 'has 1 field, five are allowed'],
    ['schedule: { cron: 60 2 * * * }', 'has the minute "60"; allowed are 0 to 59'],
    ['schedule: { cron: 0 2 30 2 * }', 'names a day that none of its months has'],
    ['name: Crm_Sync', 'lower-case letters, digits and hyphens'],
    ['name: pg-one', 'PostgreSQL keeps'],
    ['approval: alway', 'allowed: firstRun, guards, always or never; did you mean always?'],
    ['limitWrites: all', 'allowed: none, or a whole number from 0'],
    ['objects: { lead: { enabled: yes } }', '"yes" is neither true nor false; allowed: true or false'],
    [
      'objects: { contact: { matchFields: Email } }',
      'objects.contact.matchFields: is a single value; allowed: a list of maps with the keys salesforce, personalization, ignoreCase',
    ],
    ['objects: { contact: { matchFields: [Email] } }', 'objects.contact.matchFields[0]: is a single value'],
    ['objects: { contact: { matchFields: [{ salesforce: Phone }] } }', 'matchFields[0].personalization: is missing'],
    ['objects: { contact: { matchFields: [{ salesforce: Phone, personalization: [] }] } }', 'is an empty list'],
    ['objects: { contact: { pull: [{ from: Title, to: t, rule: personalization }] } }', 'allowed: crm or fillBlank'],
    ['objects: { contact: { pull: [{ from: Account.Name, to: t }] } }', 'is no name of a CRM field'],
    ['objects: { contact: { idAttribute: " " } }', 'is empty'],
    ['objects: { contact: [] }', 'objects.contact: is a list; allowed: a map'],
    ['ledger: { url: mysql://a/b }', 'does not begin with postgres:// or postgresql://'],
    ['salesforce: { loginUrl: example.my.salesforce.com }', 'is no address'],
    ['salesforce: { apiVersion: latest }', 'is no version'],
  ])('%s is refused', (text, expected) => {
    const errors = errorsOf(text);
    expect(errors).toHaveLength(1);
    expect(errors[0]).toMatch(/^crm-sync\.yaml:1: /);
    expect(errors[0]).toContain(expected);
  });

  test.each(['*/15 1-4 * * MON-FRI', '0 2 1,15 jan,Feb 7', '5/10 0 * * *', '0   2 29 2 *'])('cron %j is allowed', (cron) => {
    expect(load(`schedule: { cron: "${cron}" }`).schedule.cron).toBe(cron.replaceAll(/\s+/g, ' '));
  });

  test.each([
    'a 2 * * *',
    '0 2 * * 8',
    '0 2 0 * *',
    '0 2 * 13 *',
    '*/0 2 * * *',
    '5-1 2 * * *',
    '0 2 L * *',
    '0 2 ? * *',
    '0 2 * * MON#1',
    '1,,2 2 * * *',
  ])('cron %j is refused', (cron) => {
    expect(errorsOf(`schedule: { cron: "${cron}" }`)).toHaveLength(1);
  });
});
