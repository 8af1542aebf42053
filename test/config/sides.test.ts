import { describe, expect, test } from 'vitest';
import type { FieldFacts } from '../../src/domain/fields.ts';
import { readSettings } from '../../src/config/load.ts';
import { checkAgainstSides, resolveSettings } from '../../src/config/sides.ts';
import type { SidesFacts } from '../../src/config/sides.ts';
import { failureOf } from './failure.ts';

const field = (name: string, rest: Partial<FieldFacts> = {}): FieldFacts => ({
  name,
  type: 'string',
  length: 255,
  precision: 0,
  scale: 0,
  updateable: true,
  calculated: false,
  nillable: true,
  restrictedPicklist: false,
  ...rest,
});

const common = [
  field('Id', { type: 'id', updateable: false }),
  field('Phone', { type: 'phone' }),
  field('Title'),
  field('MailingAddress', { type: 'address', updateable: false }),
  field('Age__c', { type: 'double', calculated: true, updateable: false }),
  field('Name', { updateable: false }),
  field('Place__c', { type: 'location' }),
  field('Photo__c', { type: 'base64' }),
];
const attribute = (name: string) => ({ name, type: 'text' });
const facts: SidesFacts = {
  describes: { account: [...common, field('Industry')], contact: common, lead: [...common, field('Company')] },
  userAttributes: [attribute('phone'), attribute('jobTitle'), attribute('score')],
  accountAttributes: [attribute('industry')],
};

const problems = (text: string, given: SidesFacts = facts) => {
  const { settings, positions } = readSettings({ text, env: {} });
  return checkAgainstSides(settings, given, positions).map(({ line, key, message }) => `${line}: ${key}: ${message}`);
};
const contact = (body: string): string => `objects:\n  contact:\n    ${body}\n`;

describe('settings against org and store', () => {
  test('the defaults need nothing of either side but the objects', () => {
    expect(problems('', { ...facts, userAttributes: [], accountAttributes: [] })).toEqual([]);
  });

  test('an unknown field is told with line, key and the nearest spelling', () => {
    expect(problems(contact('matchFields: [{ salesforce: Fone, personalization: phone }]'))[0]).toMatch(
      /^3: objects\.contact\.matchFields\[0\]\.salesforce: Contact has no field Fone, .*did you mean Phone\?$/,
    );
    expect(problems(contact('pull: [{ from: Titel, to: jobTitle }]'))[0]).toContain('did you mean Title?');
    expect(problems(contact('push: [{ from: score, to: Titel }]'))[0]).toContain('did you mean Title?');
  });

  test('an unknown attribute is told with line, key, what there is and the nearest spelling', () => {
    expect(problems(contact('matchFields:\n      - salesforce: Phone\n        personalization:\n          - phone\n          - fone'))[0]).toMatch(
      /^7: objects\.contact\.matchFields\[0\]\.personalization\[1\]: the store's users have no attribute fone; allowed: accountId, jobTitle, phone, score, userId; did you mean phone\?$/,
    );
    expect(problems(contact('matchFields: [{ salesforce: Phone, personalization: fone }]'))[0]).toContain('.personalization: ');
    expect(problems(contact('pull: [{ from: Title, to: jobtitle }]'))[0]).toContain('did you mean jobTitle?');
    expect(problems(contact('push: [{ from: scor, to: Title }]'))[0]).toContain('did you mean score?');
  });

  test('attributes of users are none of accounts', () => {
    expect(problems('objects: { account: { pull: [{ from: Industry, to: jobTitle }] } }')).toHaveLength(1);
    expect(problems('objects: { account: { matchFields: [{ salesforce: Industry, personalization: userId }] } }')).toHaveLength(1);
    expect(problems('objects: { account: { matchFields: [{ salesforce: Industry, personalization: [industry, accountId] }] } }')).toEqual([]);
  });

  test('userId and accountId always exist; a default id attribute need not, a configured one must', () => {
    expect(problems(contact('matchFields: [{ salesforce: Phone, personalization: [userId, accountId] }]'))).toEqual([]);
    expect(problems(contact('idAttribute: sfcrmContactId'))).toEqual([]);
    expect(problems(contact('idAttribute: phoen'))[0]).toMatch(/^3: objects\.contact\.idAttribute: .*did you mean phone\?/);
  });

  test('R24 what cannot be written is refused as a push target', () => {
    expect(problems(contact('push: [{ from: score, to: Age__c }]'))[0]).toContain('is calculated');
    expect(problems(contact('push: [{ from: score, to: Name }]'))[0]).toContain('cannot be updated');
    expect(problems(contact('push: [{ from: score, to: MailingAddress }]'))[0]).toContain('its parts');
  });

  test.each(['MailingAddress', 'Place__c', 'Photo__c'])('R6 %s cannot be compared or pulled', (name) => {
    expect(problems(contact(`matchFields: [{ salesforce: ${name}, personalization: phone }]`))[0]).toContain('cannot be compared');
    expect(problems(contact(`pull: [{ from: ${name}, to: jobTitle }]`))[0]).toContain('cannot be read as one value');
  });

  test('R16 lead settings are checked while leads are off, unless the org has no leads', () => {
    const text = 'objects: { lead: { push: [{ from: score, to: Titel }] } }';
    const { lead: _lead, ...withoutLead } = facts.describes;
    expect(problems(text)).toHaveLength(1);
    expect(problems(text, { ...facts, describes: withoutLead })).toEqual([]);
    expect(problems('objects: { lead: { enabled: true } }', { ...facts, describes: withoutLead })[0]).toContain('does not show Lead');
    const { contact: _contact, ...withoutContact } = facts.describes;
    expect(problems('', { ...facts, describes: withoutContact })[0]).toContain('does not show Contact');
  });

  test('resolved settings have the spelling of the org and are otherwise the same', () => {
    const spelled = (phone: string, title: string): string =>
      `objects: { contact: { matchFields: [{ salesforce: ${phone}, personalization: phone }], pull: [{ from: ${title}, to: jobTitle }] }, lead: { enabled: true, push: [{ from: score, to: ${title} }] }, account: { accountFromContacts: true } }`;
    expect(resolveSettings(readSettings({ text: spelled('PHONE', 'tITLE'), env: {} }), facts)).toEqual(
      readSettings({ text: spelled('Phone', 'Title'), env: {} }).settings,
    );
  });

  test('resolving fails with all problems, file and line, and exit code 2', () => {
    const failure = failureOf(() =>
      resolveSettings(readSettings({ text: contact('push: [{ from: scor, to: Titel }]'), file: 'x.yaml', env: {} }), facts),
    );
    expect(failure.exitCode).toBe(2);
    expect(failure.message.split('\n')).toHaveLength(3);
    expect(failure.message).toContain('x.yaml:3: objects.contact.push[0].to');
  });
});
