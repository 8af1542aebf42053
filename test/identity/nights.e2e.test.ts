import { expect, test } from 'vitest';
import { decide } from '../../src/ledger/decisions.ts';
import type { DecisionKind } from '../../src/ledger/decisions.ts';
import type { World } from '../night/world.ts';
import { testNamespace } from '../services/namespace.ts';
import { inOrg, nightOf } from './worlds.ts';
import type { NightResult } from './worlds.ts';

const temporal = await testNamespace();
const settings = `
objects:
  contact: { pull: [{ from: Title, to: jobTitle }], push: [{ from: score, to: Score__c }] }
  lead: { pull: [{ from: Title, to: leadTitle }], push: [{ from: score, to: Score__c }] }
`;
const base = { 'crm-sync.yaml': settings, 'schema.json': JSON.stringify({ Contact: { Score__c: 'number' }, Lead: { Score__c: 'number' } }) };

const contact = (at: number): string => `003${String(at).padStart(12, '0')}AAA`;
const lead = (at: number): string => `00Q${String(at).padStart(12, '0')}EAA`;
const csv = (header: string, rows: readonly string[]): string => `${[header, ...rows].join('\n')}\n`;
const users = (rows: readonly string[]): string =>
  csv('userId,attribute:emailAddress,attribute:score,attribute:jobTitle,attribute:leadTitle,attribute:sfcrmContactId', rows);

async function settle(world: World, kind: DecisionKind, object: 'contact' | 'lead', crmId: string, persId: string): Promise<void> {
  await world.database.transaction((tx) => decide(tx, { kind, object, crmId, persId, by: 'test' }));
}

/** R25: a night after which nothing changed writes nothing, and says the same of every record. */
async function expectQuiet(world: World, before: NightResult): Promise<void> {
  const night = await nightOf(world);
  expect(night.intents.split('\n').filter((line) => line !== '')).toHaveLength(1);
  const linked = (rows: NightResult['rows']): string[] =>
    Object.entries(rows).map(([id, row]) => `${id} ${row.replace(/ (kept|drifted|converted)$/, '')}`);
  expect(linked(night.rows)).toEqual(linked(before.rows));
}

test('R20 R25 merged contacts: to a free master, to one that is linked, along a chain, and by an id', async () => {
  const files = {
    ...base,
    'Contact.csv': csv('Id,LastName,Email,Title', [
      ...[1, 2, 3, 4, 5, 6, 7, 8, 9].map((at) => `${contact(at)},Contact ${at},${[2, 6, 7, 9].includes(at) ? '' : `c${at}@x.example`},Title ${at}`),
    ]),
    'user-1.csv': users(['u1,c1@x.example,1,,,', 'u3,c3@x.example,3,,,', 'u4,c4@x.example,4,,,', 'u5,c5@x.example,5,,,', `u8,,8,,,${contact(8)}`]),
  };
  await inOrg(temporal, files, async (world, org) => {
    const first = await nightOf(world);
    expect(Object.values(first.rows).filter((row) => row.startsWith('linked'))).toHaveLength(5);
    await org.merge('Contact', contact(2), [contact(1)]);
    await org.merge('Contact', contact(4), [contact(3)]);
    await org.change('Contact', contact(4), { Title: 'New' });
    await org.merge('Contact', contact(6), [contact(5)]);
    await org.merge('Contact', contact(7), [contact(6)]);
    await org.merge('Contact', contact(9), [contact(8)]);
    const second = await nightOf(world);
    expect(second.rows).toEqual({
      ...Object.fromEntries([1, 3, 5, 6, 8].map((at) => [contact(at), 'ineligible deleted'])),
      [contact(2)]: expect.stringMatching(/^linked email u1 (kept|drifted)$/),
      [contact(4)]: 'ambiguous link u3;u4',
      [contact(7)]: expect.stringMatching(/^linked email u5 (kept|drifted)$/),
      [contact(9)]: 'linked id u8 kept',
    });
    expect(second.sent).toEqual([
      'user u1 jobTitle Title 1 -> Title 2',
      'user u5 jobTitle Title 5 -> Title 7',
      'user u8 jobTitle Title 8 -> Title 9',
      `Contact ${contact(2)} Score__c  -> 1`,
      `Contact ${contact(7)} Score__c  -> 5`,
      `Contact ${contact(9)} Score__c  -> 8`,
    ]);
    await expectQuiet(world, second);

    await settle(world, 'pin', 'contact', contact(4), 'u3');
    const third = await nightOf(world);
    expect(third.rows[contact(4)]).toBe('linked pin u3');
    expect(third.sent).toEqual(['user u3 jobTitle Title 3 -> New', `Contact ${contact(4)} Score__c 4 -> 3`]);
    await expectQuiet(world, third);
  });
});

test('R21 R25 deleted contacts: undeleted, taken meanwhile, gone for good, and made anew', async () => {
  const files = {
    ...base,
    'Contact.csv': csv(
      'Id,LastName,Email,Title',
      [1, 2, 3].map((at) => `${contact(at)},Contact ${at},c${at}@x.example,Title ${at}`),
    ),
    'user-1.csv': users(['u1,c1@x.example,1,,,', 'u2,c2@x.example,2,,,', 'u3,c3@x.example,3,,,']),
  };
  await inOrg(temporal, files, async (world, org) => {
    await nightOf(world);
    for (const at of [1, 2, 3]) await org.remove('Contact', contact(at));
    const taker = await org.create('Contact', { LastName: 'Taker', Email: 'c2@x.example', Title: 'Taker' });
    const second = await nightOf(world);
    expect(second.rows).toEqual({ ...Object.fromEntries([1, 2, 3].map((at) => [contact(at), 'ineligible deleted'])), [taker]: 'linked email u2' });
    expect(second.sent).toEqual(['user u2 jobTitle Title 2 -> Taker', `Contact ${taker} Score__c  -> 2`]);
    expect((await world.database.query('select ended_reason, count(*) as links from link where ended_run is not null group by 1')).rows).toEqual([
      { ended_reason: 'deleted', links: 3 },
    ]);

    await org.undelete(contact(1));
    await org.change('Contact', contact(1), { Email: 'elsewhere@x.example', Title: 'Back' });
    await org.undelete(contact(2));
    await org.purge(contact(3));
    const anew = await org.create('Contact', { LastName: 'Contact 3', Email: 'c3@x.example', Title: 'Anew' });
    const third = await nightOf(world);
    expect(third.rows).toMatchObject({
      [contact(1)]: 'linked email u1 drifted',
      [contact(2)]: 'unmatched',
      [taker]: 'linked email u2 kept',
      [anew]: 'linked email u3',
    });
    expect(third.sent).toEqual(['user u1 jobTitle Title 1 -> Back', 'user u3 jobTitle Title 3 -> Anew', `Contact ${anew} Score__c  -> 3`]);
    await expect(org.undelete(contact(3))).rejects.toThrow(/undelete/);
    await expectQuiet(world, third);
  });
});

test('R19 R17 R25 converted leads: to a new contact, one that is linked to nobody, one that is linked to another, and one that is deleted', async () => {
  const files = {
    ...base,
    'Account.csv': 'Id,Name\n001000000000001AAA,Alpha\n',
    'Contact.csv': csv('Id,LastName,Email,Title,AccountId', [
      `${contact(2)},Contact 2,free@x.example,Title 2,001000000000001AAA`,
      `${contact(3)},Contact 3,taken@x.example,Title 3,001000000000001AAA`,
    ]),
    'Lead.csv': csv(
      'Id,LastName,Company,Email,Title',
      [1, 2, 3, 4, 5].map((at) => `${lead(at)},Lead ${at},Co,l${at}@x.example,Lead title ${at}`),
    ),
    'user-1.csv': users([...[1, 2, 3, 4, 5].map((at) => `u${at},l${at}@x.example,${at},,,`), 'u9,taken@x.example,9,,,']),
  };
  await inOrg(temporal, files, async (world, org) => {
    await world.setLeads(true);
    const first = await nightOf(world);
    expect(first.sent.filter((line) => line.includes(' leadTitle '))).toHaveLength(5);
    const into = (at: number) => ({ contactId: contact(at), accountId: '001000000000001AAA' });
    const made = await org.convert(lead(1));
    await org.convert(lead(2), into(2));
    await org.convert(lead(3), into(3));
    const gone = await org.convert(lead(4));
    await org.remove('Contact', gone);
    // A contact of the fifth lead's user.
    const fifth = await org.create('Contact', { LastName: 'Fifth', Email: 'l5@x.example', Title: 'Fifth' });
    const second = await nightOf(world);
    expect(second.rows).toMatchObject({
      [made]: 'linked email u1 converted',
      [contact(2)]: 'linked email u2 converted',
      [contact(3)]: 'ambiguous link u3;u9',
      [gone]: 'ineligible deleted',
      [fifth]: 'linked email u5',
      ...Object.fromEntries([1, 2, 3, 4].map((at) => [lead(at), 'ineligible converted'])),
      [lead(5)]: 'suppressed email u5',
    });
    expect(second.sent.filter((line) => line.startsWith('user'))).toEqual([
      'user u1 jobTitle  -> Lead title 1',
      'user u2 jobTitle  -> Title 2',
      'user u5 jobTitle  -> Fifth',
    ]);
    expect(second.sent.filter((line) => line.startsWith('Lead'))).toEqual([]);
    // The conversion took the score that was pushed to the lead along.
    expect(second.sent.filter((line) => line.startsWith('Contact'))).toEqual([`Contact ${fifth} Score__c  -> 5`]);
    await expectQuiet(world, second);

    await org.undelete(gone);
    await settle(world, 'pin', 'contact', contact(3), 'u3');
    const third = await nightOf(world);
    expect(third.rows).toMatchObject({
      [made]: 'linked email u1 kept',
      [contact(2)]: 'linked email u2 drifted',
      [contact(3)]: 'linked pin u3',
      [gone]: 'linked email u4 converted',
    });
    expect(third.sent.filter((line) => line.startsWith('user'))).toEqual(['user u3 jobTitle  -> Title 3', 'user u4 jobTitle  -> Lead title 4']);
    await expectQuiet(world, third);
  });
});

test('R22 R19 R25 person accounts both ways: read from the contact row, written to the account, through a night of changes', async () => {
  const files = {
    'crm-sync.yaml': `
objects:
  contact:
    pull: [{ from: Title, to: jobTitle }, { from: Tier__c, to: tier }]
    push: [{ from: score, to: Score__c }, { from: department, to: Department }]
  lead: { pull: [{ from: Title, to: leadTitle }] }
`,
    'schema.json': JSON.stringify({ Contact: { Score__c: 'number', Tier__c: 'text' } }),
    'Account.csv': csv('Id,Name,IsPersonAccount,PersonContactId', [
      `001000000000001AAA,Pat Person,true,${contact(1)}`,
      `001000000000002AAA,Quinn Person,true,${contact(2)}`,
    ]),
    'Contact.csv': csv('Id,FirstName,LastName,AccountId,IsPersonAccount,Email,Title,Tier__c', [
      `${contact(1)},Pat,Person,001000000000001AAA,true,pat@x.example,Baker,gold`,
      `${contact(2)},Quinn,Person,001000000000002AAA,true,quinn@x.example,Smith,`,
    ]),
    'Lead.csv': csv('Id,LastName,Company,Email,Title', [`${lead(1)},Lead,,lead@x.example,Cook`]),
    'user-1.csv': csv('userId,attribute:emailAddress,attribute:score,attribute:department,attribute:jobTitle,attribute:tier,attribute:leadTitle', [
      'u1,pat@x.example,1,Bread,,,',
      'u2,quinn@x.example,2,Iron,,,',
      'u3,lead@x.example,3,Soup,,,',
    ]),
    'account-1.csv': 'accountId,attribute:name\np1,Pat Person\n',
  };
  await inOrg(temporal, files, async (world, org) => {
    await world.setLeads(true);
    const first = await nightOf(world);
    expect(first.rows).toEqual({
      '001000000000001AAA': 'ineligible personAccount',
      '001000000000002AAA': 'ineligible personAccount',
      [contact(1)]: 'linked email u1',
      [contact(2)]: 'linked email u2',
      [lead(1)]: 'linked email u3',
    });
    expect(first.sent).toEqual([
      'user u1 jobTitle  -> Baker',
      'user u1 tier  -> gold',
      'user u2 jobTitle  -> Smith',
      'user u3 leadTitle  -> Cook',
      'Account 001000000000001AAA PersonDepartment  -> Bread',
      'Account 001000000000001AAA Score__pc  -> 1',
      'Account 001000000000002AAA PersonDepartment  -> Iron',
      'Account 001000000000002AAA Score__pc  -> 2',
    ]);
    expect(await org.read('Contact', contact(1))).toMatchObject({ Department: 'Bread', Score__c: 1 });
    await expectQuiet(world, first);

    // By the account, as users of the org do.
    await org.change('Account', '001000000000001AAA', { PersonTitle: 'Master baker', Score__pc: 7 });
    await org.remove('Account', '001000000000002AAA');
    const became = await org.convert(lead(1));
    const second = await nightOf(world);
    const { AccountId: account } = await org.read('Contact', became);
    expect(second.rows).toEqual({
      '001000000000001AAA': 'ineligible personAccount',
      '001000000000002AAA': 'ineligible deleted',
      [String(account)]: 'ineligible personAccount',
      [contact(1)]: 'linked email u1 kept',
      [contact(2)]: 'ineligible deleted',
      [became]: 'linked email u3 converted',
      [lead(1)]: 'ineligible converted',
    });
    expect(second.sent.toSorted()).toEqual(
      [
        'user u1 jobTitle Baker -> Master baker',
        'user u3 jobTitle  -> Cook',
        'Account 001000000000001AAA Score__pc 7 -> 1',
        `Account ${String(account)} PersonDepartment  -> Soup`,
        `Account ${String(account)} Score__pc  -> 3`,
      ].toSorted(),
    );
    await expectQuiet(world, second);

    await org.undelete('001000000000002AAA');
    const third = await nightOf(world);
    expect(third.rows).toMatchObject({ '001000000000002AAA': 'ineligible personAccount', [contact(2)]: 'linked email u2 kept' });
    expect(third.sent).toEqual([]);
  });
});
