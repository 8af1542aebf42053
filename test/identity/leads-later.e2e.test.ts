import { expect, test } from 'vitest';
import { atClose, atStep, holdAt } from '../night/hold.ts';
import type { Place } from '../night/hold.ts';
import type { World } from '../night/world.ts';
import { testNamespace } from '../services/namespace.ts';
import type { Org } from './org.ts';
import { inOrg, nightOf, readNight } from './worlds.ts';
import type { NightResult } from './worlds.ts';

const temporal = await testNamespace();
const settings = `
objects:
  account: { accountFromContacts: true }
  contact: { pull: [{ from: Title, to: jobTitle }], push: [{ from: score, to: Score__c }] }
  lead: { pull: [{ from: Status, to: leadStatus }] }
`;
const schema = JSON.stringify({ Contact: { Score__c: 'number' } });
const account = '001000000000001AAA';
const [c1, c2] = ['003000000000001AAA', '003000000000002AAA'] as const;
const [l1, l2, l3] = ['00Q000000000001EAA', '00Q000000000002EAA', '00Q000000000003EAA'] as const;

const followed = {
  'crm-sync.yaml': settings,
  'schema.json': schema,
  'Account.csv': `Id,Name\n${account},Alpha\n`,
  'Contact.csv': `Id,LastName,Email,Title,AccountId\n${c1},One,other@x.example,Boss,${account}\n${c2},Two,two@x.example,Clerk,\n`,
  'Lead.csv': `Id,LastName,Company,Status,Email\n${l1},One,Co,Open,one@x.example\n${l2},Three,Co,Open,three@x.example\n${l3},Two,Co,Open,four@x.example\n`,
  'user-1.csv':
    'userId,attribute:emailAddress,attribute:accountId,attribute:score,attribute:jobTitle,attribute:leadStatus,attribute:sfcrmLeadId\n' +
    'u1,one@x.example,p1,10,,,\nu2,two@x.example,,20,,,\nu3,three@x.example,,30,,,\n',
  'account-1.csv': 'accountId,attribute:name\np1,Beta\n',
};

/** A night with leads, one of which is then converted to a contact of another address: only its link leads there. Leads are off when the night under test begins. */
async function prepare(world: World, org: Org): Promise<void> {
  await world.setLeads(true);
  const first = await nightOf(world);
  expect(first.rows).toMatchObject({ [c1]: 'unmatched', [l1]: 'linked email u1', [l2]: 'linked email u3', [account]: 'unmatched' });
  await org.convert(l1, { contactId: c1, accountId: account });
  await org.change('Contact', c2, { Title: 'Head' });
  await world.setLeads(false);
}

async function later(world: World, place: Place): Promise<NightResult> {
  const hold = await holdAt(world, place);
  const { run, result } = await world.start();
  await hold.reached();
  await world.client.workflow.getHandle(world.name).signal('enableLeads');
  const leads = async (): Promise<boolean> =>
    ((await world.client.workflow.getHandle(`${world.name}-run`).query('progress')) as { leads: boolean }).leads;
  await expect.poll(leads, { timeout: 30_000, interval: 30 }).toBe(true);
  await hold.release();
  expect(await result()).toEqual({ run, status: 'success' });
  return readNight(await world.files(run));
}

let begunWithLeads: NightResult;

test('R19 R15 the night to compare with: the link went to the contact, and the account goes with it', async () => {
  await inOrg(temporal, followed, async (world, org) => {
    await prepare(world, org);
    await world.setLeads(true);
    begunWithLeads = await nightOf(world);
    expect(begunWithLeads.rows).toEqual({
      [account]: 'linked contacts p1',
      [c1]: 'linked email u1 converted',
      [c2]: 'linked email u2 kept',
      [l1]: 'ineligible converted',
      [l2]: 'linked email u3 kept',
      [l3]: 'unmatched',
    });
    expect(begunWithLeads.sent).toEqual(['user u1 jobTitle  -> Boss', 'user u2 jobTitle Clerk -> Head', `Contact ${c1} Score__c  -> 10`]);
  });
});

test.each<[string, Place]>([
  ['when the links are committed', atStep('apply.links')],
  ['while users are written', atStep('apply.store', 'contact')],
  ['while the run is closed', atClose],
])(
  'R16 R19 leads that come on %s: contacts and accounts are matched again, and the result is that of a run begun with leads on',
  async (_, place) => {
    await inOrg(temporal, followed, async (world, org) => {
      await prepare(world, org);
      const night = await later(world, place);
      expect(night.records).toBe(begunWithLeads.records);
      expect(night.intents).toBe(begunWithLeads.intents);
      expect(night.report.objects).toEqual(begunWithLeads.report.objects);
      expect(night.report.intents).toEqual(begunWithLeads.report.intents);
      const quiet = await nightOf(world);
      expect(quiet.sent).toEqual([]);
      expect(quiet.rows).toEqual({ ...begunWithLeads.rows, [account]: 'linked contacts p1 kept', [c1]: 'linked email u1 drifted' });
    });
  },
);

const misled = {
  'crm-sync.yaml': settings,
  'schema.json': schema,
  'Contact.csv': `Id,LastName,Email,Title\n${c1},One,one@x.example,Boss\n${c2},Two,two@x.example,Clerk\n`,
  'Lead.csv': `Id,LastName,Company,Status,Email,IsConverted,ConvertedContactId\n${l1},One,Co,Done,,true,${c1}\n`,
  'user-1.csv':
    'userId,attribute:emailAddress,attribute:score,attribute:jobTitle,attribute:leadStatus,attribute:sfcrmLeadId\n' +
    `u1,one@x.example,10,,,\nu2,two@x.example,20,,,${l1}\n`,
};

test('R16 R19 what was written before leads came on stays, the links are those of a run begun with leads on', async () => {
  let wanted: NightResult | undefined;
  await inOrg(temporal, misled, async (world) => {
    await world.setLeads(true);
    wanted = await nightOf(world);
    expect(wanted.rows).toEqual({ [c1]: 'linked converted u2', [c2]: 'unmatched', [l1]: 'ineligible converted' });
  });
  await inOrg(temporal, misled, async (world, org) => {
    const night = await later(world, atClose);
    expect(night.records).toBe(wanted?.records);
    expect(night.report.objects).toEqual(wanted?.report.objects);
    expect(night.sent).toEqual([
      'user u1 jobTitle  -> Boss',
      'user u2 jobTitle  -> Clerk',
      'user u2 jobTitle Clerk -> Boss',
      `Contact ${c1} Score__c  -> 10`,
      `Contact ${c1} Score__c 10 -> 20`,
      `Contact ${c2} Score__c  -> 20`,
    ]);
    expect(await org.read('Contact', c1)).toMatchObject({ Score__c: 20 });
    expect((await nightOf(world)).sent).toEqual([]);
  });
});

test('R16 leads that go off again while contacts are matched again leave what was linked without them', async () => {
  await inOrg(temporal, misled, async (world) => {
    const place = await holdAt(world, atClose);
    const { run, result } = await world.start();
    await place.reached();
    const again = await holdAt(world, atStep('match.finish', 'lead'));
    await world.setLeads(true);
    await place.release();
    await again.reached();
    await world.setLeads(false);
    await again.release();
    expect(await result()).toEqual({ run, status: 'success' });
    const night = readNight(await world.files(run));
    expect(night.rows).toEqual({ [c1]: 'linked email u1', [c2]: 'linked email u2' });
    expect(night.sent).toHaveLength(4);
    expect((await nightOf(world)).rows).toEqual({ [c1]: 'linked email u1 kept', [c2]: 'linked email u2 kept' });
  });
});
