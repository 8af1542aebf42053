import { expect, test } from 'vitest';
import type { ObjectType } from '../../src/domain/objects.ts';
import { matchPlan } from '../../src/mirror/match/match-plan.ts';
import { placeOf } from '../../src/mirror/match/drift.ts';
import { load } from '../config/failure.ts';
import { testShape } from './match-fixture.ts';

const yaml = (rest = ''): string => `objects:
  contact:
    ${rest}
    matchFields:
      - { salesforce: Loyalty__c, personalization: [loyalty, userId] }
      - { salesforce: Phone, personalization: [accountId, absent], ignoreCase: true }
`;

function planned(text: string, object: ObjectType, leads = false): string[] {
  return matchPlan(testShape(load(text)), object, leads).subTiers.map(
    ({ name, fields }) =>
      `${name}: ${fields.map((field) => `${field.number} ${field.name} ${field.attributes.map((a) => a.name).join('+')}`).join(', ')}`,
  );
}

test('R9 the sub-tiers go from the id to the name', () => {
  expect(planned('', 'contact')).toEqual(['id: 0 Id sfcrmContactId', 'email: 2 Email emailAddress+userId', 'name: 3 Name name']);
  expect(planned('', 'lead')).toEqual(['id: 0 Id sfcrmLeadId', 'email: 2 Email emailAddress+userId', 'name: 3 Name name']);
});

test('R12 accounts are not matched by e-mail', () => {
  expect(planned('', 'account')).toEqual(['id: 0 Id sfcrmAccountId', 'name: 3 Name name']);
});

test('R19 only contacts, and only with leads on, have the sub-tier of converted leads', () => {
  expect(planned('', 'contact', true)[1]).toBe('converted: 1 Id sfcrmLeadId');
  expect(planned('', 'lead', true)).toHaveLength(3);
  expect(planned('', 'account', true)).toHaveLength(2);
});

test('R10 match fields are one sub-tier, or one each if they are ordered', () => {
  expect(planned(yaml(), 'contact').slice(1, -2)).toEqual(['field: 10 Loyalty__c loyalty+userId, 11 Phone accountId+absent']);
  expect(planned(yaml('matchFieldOrder: ordered'), 'contact').slice(1, -2)).toEqual([
    'field: 10 Loyalty__c loyalty+userId',
    'field: 11 Phone accountId+absent',
  ]);
});

test('R11 only designated match fields switch tier 3 off, where there are any', () => {
  expect(planned(yaml('onlyDesignatedMatchFields: true'), 'contact')).toHaveLength(2);
  expect(planned('objects: { contact: { onlyDesignatedMatchFields: true } }', 'contact')).toHaveLength(3);
  expect(planned(yaml('onlyDesignatedMatchFields: true'), 'lead')).toHaveLength(3);
});

test('R10 `userId` and `accountId` name the ids themselves; an attribute that the store lacks has no value', () => {
  const { fields } = matchPlan(testShape(load(yaml())), 'contact', false);
  const sources = fields.filter(({ number }) => number >= 10).flatMap(({ attributes }) => attributes.map(({ source }) => source.from));
  expect(sources).toEqual(['values', 'personId', 'accountId', 'nowhere']);
});

test('R14 a link stands where its sub-tier stands today', () => {
  const any = matchPlan(testShape(load(yaml())), 'contact', true);
  expect(placeOf(any, 'field', 'Phone')).toEqual({ rank: 2, own: 2 });
  expect(placeOf(any, 'pin', null)).toEqual({ rank: 0, own: null });
  expect(placeOf(any, 'contacts', null)).toEqual({ rank: 5, own: null });
  // A field that is configured no longer: what is higher is what was.
  expect(placeOf(any, 'field', 'Fax')).toEqual({ rank: 2, own: null });
  const ordered = matchPlan(testShape(load(yaml('matchFieldOrder: ordered'))), 'contact', false);
  expect(placeOf(ordered, 'field', 'Phone')).toEqual({ rank: 2, own: 2 });
});
