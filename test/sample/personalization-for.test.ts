import { parse } from 'csv-parse/sync';
import { describe, expect, test } from 'vitest';
import { syntheticContact, syntheticLead } from '../../simulator/src/synthetic.ts';
import { accountFeed, syntheticExpectation, userFeed, userKind } from '../../sample/personalizationFor.ts';

const side = { contacts: 2000, seed: 3, leads: true };
const users: Record<string, string>[] = parse([...userFeed(side)].join(''), { columns: (header: string[]) => header.map((name) => name.replace('attribute:', '')) });

describe('the Personalization side of a synthetic org', () => {
  test('has its shares: 20 % by id, 23 % by loyalty number, 15 % by e-mail address, 2 % ambiguous', () => {
    const { contact } = syntheticExpectation(side);
    expect(contact.linkedBy).toEqual({ id: 400, field: 460, email: 300, name: 0 });
    expect(contact.outcomes).toMatchObject({ linked: 1160, ambiguous: 40, ineligible: 40, unmatched: 760 });
    expect(contact.nearMisses).toBe(20);
  });

  test('a plain look-up of keys finds what it says', () => {
    const contacts = Array.from({ length: side.contacts }, (_, n) => syntheticContact(side.seed, n + 1, side.contacts)).filter((row) => row['IsDeleted'] !== 'true');
    const count = (field: string, attribute: string, same: (record: string, person: string) => boolean): number => {
      const persons = users.map((row) => row[attribute] ?? '').filter((value) => value !== '');
      const known = new Map<string, number>();
      for (const row of contacts) known.set((row[field] ?? '').toLowerCase(), (known.get((row[field] ?? '').toLowerCase()) ?? 0) + 1);
      return persons.filter((value) => known.get(value.toLowerCase()) === 1 && same(value.toLowerCase(), value)).length;
    };
    const { contact } = syntheticExpectation(side);
    const ids = new Set(contacts.map((row) => row['Id']?.slice(0, 15)));
    expect(users.filter((row) => ids.has(row['sfcrmContactId']?.slice(0, 15)))).toHaveLength(contact.linkedBy.id);
    expect(count('Loyalty_Number__c', 'loyaltyNumber', () => true)).toBe(contact.linkedBy.field);
    expect(count('Email', 'emailAddress', (lower, value) => lower === value)).toBe(contact.linkedBy.email);
    expect(count('Email', 'emailAddress', (lower, value) => lower !== value)).toBe(contact.nearMisses);
  });

  test('R17 a lead with the address of a contact is suppressed, for its user is linked to that contact by e-mail', () => {
    const kinds = Array.from({ length: 400 }, (_, n) => n + 1).filter((i) => i % 100 === 19).map((i) => userKind(i * 5, side.contacts));
    expect(kinds).toEqual(['email', 'email', 'email', 'email']);
    expect(syntheticLead(side.seed, 19, side.contacts)['Email']).toBe(syntheticContact(side.seed, 95, side.contacts)['Email']);
    expect(syntheticExpectation(side).lead.outcomes).toMatchObject({ suppressed: 4, ineligible: 8 });
  });

  test('one user a contact, and one account for ten', () => {
    expect(users).toHaveLength(2000 + 400);
    expect(new Set(users.map((row) => row['userId'])).size).toBe(2400);
    expect([...accountFeed(side)].join('').trimEnd().split('\n')).toHaveLength(201);
  });

  test('comes in chunks, the same for the same seed', () => {
    expect([...userFeed(side)].length).toBeGreaterThan(2);
    expect([...userFeed(side)].join('')).toBe([...userFeed(side)].join(''));
  });
});
