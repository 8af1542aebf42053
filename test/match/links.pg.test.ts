import { text } from 'node:stream/consumers';
import { parse } from 'csv-parse/sync';
import { describe, expect, test } from 'vitest';
import type { ObjectType } from '../../src/domain/objects.ts';
import { decide } from '../../src/ledger/decisions.ts';
import type { DecisionKind } from '../../src/ledger/decisions.ts';
import { commitLinks } from '../../src/ledger/links.ts';
import type { CommittedLinks } from '../../src/ledger/links.ts';
import { recordsCsv } from '../../src/operator/records.ts';
import { sql } from '../../src/postgres/sql.ts';
import { load } from '../config/failure.ts';
import { testDatabaseUrl } from '../services/database.ts';
import { absorbWorld, emptyWorld, matchDatabase, matchWorld, testShape } from './match-fixture.ts';
import type { WorldPerson, WorldRecord } from './match-fixture.ts';
import { id18 } from './reference.ts';

/** Several nights over one ledger: what becomes of links when either side changes, and when somebody decides. */
const database = await matchDatabase(await testDatabaseUrl());
const prefixes = { a: '001', c: '003', l: '00Q' } as const;
const objectOf = { a: 'account', c: 'contact', l: 'lead' } as const satisfies Record<string, ObjectType>;

/** `c1` is contact 003000000000001AAA. */
function idOf(short: string): string {
  const prefix = prefixes[short.charAt(0) as keyof typeof prefixes];
  return id18(prefix + short.slice(1).padStart(12, '0'), prefix) ?? '';
}

type Cells = Readonly<Record<string, string>>;
interface Night {
  /** By short id; `ineligible`, `masterId` (short), `convertedId` (short) and `accountId` (short) say what they say, all else are fields. */
  readonly records: Readonly<Record<string, Cells>>;
  readonly users: Readonly<Record<string, Cells>>;
  readonly accounts?: Readonly<Record<string, Cells>>;
  /** `later`: switched on after contacts were matched. */
  readonly leads?: boolean | 'later';
}

class Nights {
  readonly #settings;
  committed: CommittedLinks = { made: 0, kept: 0, ended: 0 };

  constructor(yaml = '') {
    this.#settings = load(yaml);
  }

  async decide(kind: DecisionKind, crm: string, persId: string): Promise<void> {
    await database.transaction((tx) => decide(tx, { kind, object: objectOf[crm.charAt(0) as 'c'], crmId: idOf(crm), persId, by: 'test' }));
  }

  /** A night: short id -> `outcome subTier person reason`, candidates behind, for all records. */
  async night({ records, users, accounts = {}, leads = false }: Night): Promise<Record<string, string>> {
    const shape = testShape(this.#settings);
    const of = (letter: 'a' | 'c' | 'l'): WorldRecord[] =>
      Object.entries(records)
        .filter(([short]) => short.startsWith(letter))
        .map(([short, { ineligible, masterId, convertedId, accountId, ...values }]) => ({
          id: idOf(short),
          values,
          ...(ineligible === undefined ? {} : { ineligible: ineligible as 'deleted' }),
          ...(masterId === undefined ? {} : { masterId: idOf(masterId) }),
          ...(convertedId === undefined ? {} : { convertedId: idOf(convertedId) }),
          ...(accountId === undefined ? {} : { accountId: idOf(accountId) }),
        }));
    const persons = (cells: Readonly<Record<string, Cells>>): WorldPerson[] =>
      Object.entries(cells).map(([id, { accountId, ...values }]) => ({ id, values, ...(accountId === undefined ? {} : { accountId }) }));
    const runNo = (nextRun += 1);
    await database.transaction(async (tx) => {
      await absorbWorld(
        tx,
        shape,
        {
          ...emptyWorld,
          records: { account: of('a'), contact: of('c'), lead: of('l') },
          persons: { user: persons(users), account: persons(accounts) },
        },
        runNo,
      );
      const last = await tx.query<{ seq: number }>(sql`select coalesce(max(seq), 0) as seq from decision`);
      const ctx = { runNo, run: `run-${runNo}`, shape, decisionSeq: last.rows[0]?.seq ?? 0, leads: leads !== false };
      await matchWorld(tx, ctx, { leadsLater: leads === 'later' });
      this.committed = await commitLinks(tx, ctx);
    });
    const shorts = new Map(Object.keys(records).map((short) => [idOf(short), short]));
    const rows = parse(await text(recordsCsv(database, runNo)), { from_line: 2 });
    return Object.fromEntries(
      rows.map(([, id = '', outcome, person, subTier, , , reason, , candidates]) => [
        shorts.get(id) ?? id,
        [outcome, subTier, person, reason, candidates].filter((cell) => cell !== '').join(' '),
      ]),
    );
  }

  /** Links that ended: `c1 u1 reason`. */
  async ended(): Promise<string[]> {
    const found = await database.query<{ crm_id: string; pers_id: string; ended_reason: string }>(sql`
      select crm_id, pers_id, ended_reason from link where ended_run is not null order by link_no`);
    return found.rows.map(({ crm_id, pers_id, ended_reason }) => `${shortOf(crm_id)} ${pers_id} ${ended_reason}`);
  }

  async open(): Promise<string[]> {
    const found = await database.query<{ crm_id: string; pers_id: string; sub_tier: string }>(sql`
      select crm_id, pers_id, sub_tier from link where ended_run is null order by object, crm_id`);
    return found.rows.map(({ crm_id, pers_id, sub_tier }) => `${shortOf(crm_id)} ${pers_id} ${sub_tier}`);
  }
}

let nextRun = 0;

function shortOf(id: string): string {
  const letter = Object.entries(prefixes).find(([, prefix]) => id.startsWith(prefix))?.[0] ?? '';
  return letter + id.slice(3, 15).replace(/^0+/, '');
}

async function fresh(yaml = ''): Promise<Nights> {
  await database.query('truncate link, decision, crm_record, pers_record, key_state, forgotten');
  return new Nights(yaml);
}

const pair = { records: { c1: { Email: 'a@x' } }, users: { u1: { emailAddress: 'a@x' } } };

describe('R14 links stay', () => {
  test('a link of the night before is kept, by the sub-tier that made it', async () => {
    const nights = await fresh();
    expect(await nights.night(pair)).toEqual({ c1: 'linked email u1' });
    expect(nights.committed).toEqual({ made: 1, kept: 0, ended: 0 });
    expect(await nights.night(pair)).toEqual({ c1: 'linked email u1 kept' });
    expect(nights.committed).toEqual({ made: 0, kept: 1, ended: 0 });
  });

  test('it is drifted when its own sub-tier agrees no longer, and stays', async () => {
    const nights = await fresh();
    await nights.night(pair);
    expect(await nights.night({ records: { c1: { Email: 'b@x' } }, users: pair.users })).toEqual({ c1: 'linked email u1 drifted' });
    expect(await nights.open()).toEqual(['c1 u1 email']);
    expect(await nights.night(pair)).toEqual({ c1: 'linked email u1 kept' });
  });

  test('it is drifted when a higher sub-tier makes one of the two a candidate of another, linked or not', async () => {
    const nights = await fresh();
    const both = { records: { c1: { Email: 'a@x' }, c2: { Email: 'b@x' } }, users: { u1: { emailAddress: 'a@x' }, u2: { emailAddress: 'b@x' } } };
    await nights.night(both);
    const claimed = { ...both, users: { ...both.users, u2: { emailAddress: 'b@x', sfcrmContactId: idOf('c1') } } };
    expect(await nights.night(claimed)).toEqual({ c1: 'linked email u1 drifted', c2: 'linked email u2 drifted' });
    await nights.decide('block', 'c1', 'u2');
    expect(await nights.night(claimed)).toEqual({ c1: 'linked email u1 kept', c2: 'linked email u2 kept' });
  });

  test('it is not drifted when its field is configured no longer', async () => {
    const yaml = 'objects: { contact: { matchFields: [{ salesforce: Phone, personalization: [phone] }] } }';
    const nights = await fresh(yaml);
    expect(await nights.night({ records: { c1: { Phone: '1' } }, users: { u1: { phone: '1' } } })).toEqual({ c1: 'linked field u1' });
    const later = { records: { c1: { Phone: '1' } }, users: { u1: { phone: '2' } } };
    expect(await nights.night(later)).toEqual({ c1: 'linked field u1 drifted' });
    expect(await new Nights().night(later)).toEqual({ c1: 'linked field u1 kept' });
  });
});

describe('R13 people decide', () => {
  const two = { records: { c1: { Email: 'a@x' } }, users: { u1: { emailAddress: 'a@x' }, u2: { emailAddress: 'a@x' } } };

  test('a pin settles what was ambiguous and is kept; unpin leaves the link', async () => {
    const nights = await fresh();
    expect(await nights.night(two)).toEqual({ c1: 'ambiguous email u1;u2' });
    await nights.decide('pin', 'c1', 'u2');
    expect(await nights.night(two)).toEqual({ c1: 'linked pin u2' });
    expect(await nights.night(two)).toEqual({ c1: 'linked pin u2 kept' });
    await nights.decide('unpin', 'c1', 'u2');
    expect(await nights.night(two)).toEqual({ c1: 'linked pin u2 kept' });
  });

  test('a block settles it too, ends a link, and unblock takes it back', async () => {
    const nights = await fresh();
    await nights.decide('block', 'c1', 'u1');
    expect(await nights.night(two)).toEqual({ c1: 'linked email u2' });
    await nights.decide('block', 'c1', 'u2');
    expect(await nights.night(two)).toEqual({ c1: 'unmatched' });
    expect(await nights.ended()).toEqual(['c1 u2 blocked']);
    await nights.decide('unblock', 'c1', 'u1');
    expect(await nights.night(two)).toEqual({ c1: 'linked email u1' });
  });

  test('unlink ends the link and blocks the pair, a pinned one as well', async () => {
    const nights = await fresh();
    await nights.night(pair);
    await nights.decide('pin', 'c1', 'u1');
    expect(await nights.night(pair)).toEqual({ c1: 'linked pin u1 kept' });
    expect(await nights.open()).toEqual(['c1 u1 pin']);
    await nights.decide('unlink', 'c1', 'u1');
    expect(await nights.night(pair)).toEqual({ c1: 'unmatched' });
    expect(await nights.ended()).toEqual(['c1 u1 unlinked']);
  });

  test('a pin goes before the links and the block of both', async () => {
    const nights = await fresh();
    const four = { records: { c1: { Email: 'a@x' }, c2: { Email: 'b@x' } }, users: { u1: { emailAddress: 'a@x' }, u2: { emailAddress: 'b@x' } } };
    await nights.night(four);
    await nights.decide('block', 'c1', 'u2');
    await nights.decide('pin', 'c1', 'u2');
    expect(await nights.night(four)).toEqual({ c1: 'linked pin u2', c2: 'unmatched' });
    expect(await nights.ended()).toEqual(['c1 u1 pinnedElsewhere', 'c2 u2 pinnedElsewhere']);
  });

  test('a pin of a deleted or unknown record, or of nobody, rests', async () => {
    const nights = await fresh();
    await nights.decide('pin', 'c1', 'u1');
    await nights.decide('pin', 'c9', 'u9');
    const world = { records: { c1: { ineligible: 'deleted' }, c2: { Email: 'a@x' } }, users: { u1: { emailAddress: 'a@x' } } };
    expect(await nights.night(world)).toEqual({ c1: 'ineligible deleted', c2: 'linked email u1' });
    expect(await nights.night({ ...world, records: { c1: {}, c2: { Email: 'a@x' } } })).toEqual({ c1: 'linked pin u1', c2: 'unmatched' });
  });

  test('pins are one to one: a second is refused, the same one again changes nothing', async () => {
    const nights = await fresh();
    await nights.decide('pin', 'c1', 'u1');
    await nights.decide('pin', 'c1', 'u1');
    await expect(nights.decide('pin', 'c1', 'u2')).rejects.toMatchObject({ code: 'PIN_TAKEN', exitCode: 2 });
    await expect(nights.decide('pin', 'c2', 'u1')).rejects.toMatchObject({ code: 'PIN_TAKEN' });
    // Leads have pins of their own.
    await nights.decide('pin', 'l1', 'u1');
    await nights.decide('unpin', 'c1', 'u1');
    await nights.decide('pin', 'c1', 'u2');
    const decisions = await database.query(sql`select from decision`);
    expect(decisions.rowCount).toBe(4);
  });

  test('there must be something to end', async () => {
    const nights = await fresh();
    await expect(nights.decide('unpin', 'c1', 'u1')).rejects.toMatchObject({ code: 'NOT_PINNED' });
    await expect(nights.decide('unblock', 'c1', 'u1')).rejects.toMatchObject({ code: 'NOT_BLOCKED' });
    await expect(nights.decide('unlink', 'c1', 'u1')).rejects.toMatchObject({ code: 'NOT_LINKED' });
  });
});

describe('R17 contacts first', () => {
  const lead = { records: { l1: { Email: 'a@x' } }, users: { u1: { emailAddress: 'a@x' } }, leads: true };

  test("a lead's link ends when its user is linked to a contact", async () => {
    const nights = await fresh();
    expect(await nights.night(lead)).toEqual({ l1: 'linked email u1' });
    expect(await nights.night({ ...lead, records: { ...lead.records, c1: { Email: 'a@x' } } })).toEqual({
      c1: 'linked email u1',
      l1: 'suppressed email u1',
    });
    expect(await nights.ended()).toEqual(['l1 u1 movedToContact']);
  });

  test('it rests while he is only stopped, and is back when he is not', async () => {
    const nights = await fresh();
    await nights.night(lead);
    const stopped = { ...lead, records: { ...lead.records, c1: { Email: 'a@x' }, c2: { Email: 'a@x' } } };
    expect(await nights.night(stopped)).toEqual({ c1: 'ambiguous email u1', c2: 'ambiguous email u1', l1: 'suppressed link u1' });
    expect(await nights.open()).toEqual(['l1 u1 email']);
    expect(await nights.night(lead)).toEqual({ l1: 'linked email u1 kept' });
    expect(nights.committed).toEqual({ made: 0, kept: 1, ended: 0 });
  });

  test('a contact goes before the pin of a lead', async () => {
    const nights = await fresh();
    await nights.decide('pin', 'l1', 'u1');
    expect(await nights.night({ ...lead, records: { ...lead.records, c1: { Email: 'a@x' } } })).toEqual({
      c1: 'linked email u1',
      l1: 'suppressed pin u1',
    });
    expect(await nights.night(lead)).toEqual({ l1: 'linked pin u1' });
  });

  test('R16 with leads off their links rest', async () => {
    const nights = await fresh();
    await nights.night(lead);
    expect(await nights.night({ ...lead, leads: false })).toEqual({});
    expect(await nights.open()).toEqual(['l1 u1 email']);
  });
});

describe('records and persons that go', () => {
  test('R21 a deleted record frees its person, and has the link back when it is undeleted and both are free', async () => {
    const nights = await fresh();
    await nights.night(pair);
    const deleted = { records: { c1: { Email: 'a@x', ineligible: 'deleted' } }, users: pair.users };
    expect(await nights.night(deleted)).toEqual({ c1: 'ineligible deleted' });
    expect(await nights.ended()).toEqual(['c1 u1 deleted']);
    expect(await nights.night({ records: { c1: {} }, users: pair.users })).toEqual({ c1: 'linked email u1 drifted' });
    expect(nights.committed).toEqual({ made: 0, kept: 1, ended: 0 });
  });

  test('R21 an undeleted record whose person was taken meanwhile is matched anew, for good', async () => {
    const nights = await fresh();
    await nights.night(pair);
    const taken = { records: { c1: { ineligible: 'deleted' }, c2: { Email: 'a@x' } }, users: pair.users };
    expect(await nights.night(taken)).toMatchObject({ c2: 'linked email u1' });
    expect(await nights.night({ ...taken, records: { c1: {}, c2: { Email: 'a@x' } } })).toEqual({ c1: 'unmatched', c2: 'linked email u1 kept' });
    expect(await nights.night({ ...taken, records: { c1: {}, c2: { ineligible: 'deleted' } } })).toEqual({
      c1: 'unmatched',
      c2: 'ineligible deleted',
    });
  });

  test('R20 a merged record hands its link to the master, along the chain', async () => {
    const nights = await fresh();
    await nights.night(pair);
    const merged = {
      records: { c1: { ineligible: 'deleted', masterId: 'c2' }, c2: { ineligible: 'deleted', masterId: 'c3' }, c3: {} },
      users: pair.users,
    };
    expect(await nights.night(merged)).toEqual({ c1: 'ineligible deleted', c2: 'ineligible deleted', c3: 'linked email u1 drifted' });
    expect(await nights.ended()).toEqual(['c1 u1 merged']);
    expect(await nights.open()).toEqual(['c3 u1 email']);
  });

  test('R20 a master that is linked to another person is ambiguous, both links rest until somebody pins one', async () => {
    const nights = await fresh();
    const before = { records: { c1: { Email: 'a@x' }, c2: { Email: 'b@x' } }, users: { u1: { emailAddress: 'a@x' }, u2: { emailAddress: 'b@x' } } };
    await nights.night(before);
    const merged = { ...before, records: { c1: { ineligible: 'deleted', masterId: 'c2' }, c2: { Email: 'b@x' } } };
    expect(await nights.night(merged)).toEqual({ c1: 'ineligible deleted', c2: 'ambiguous link u1;u2' });
    expect(await nights.open()).toEqual(['c1 u1 email', 'c2 u2 email']);
    await nights.decide('pin', 'c2', 'u1');
    expect(await nights.night(merged)).toEqual({ c1: 'ineligible deleted', c2: 'linked pin u1' });
    expect(await nights.open()).toEqual(['c2 u1 pin']);
    expect(await nights.ended()).toEqual(['c1 u1 merged', 'c2 u2 pinnedElsewhere']);
  });

  test('R19 the link of a converted lead goes on as that of its contact', async () => {
    const nights = await fresh();
    const lead = { records: { l1: { Email: 'a@x' } }, users: { u1: { emailAddress: 'a@x' } }, leads: true };
    await nights.night(lead);
    const converted = { ...lead, records: { l1: { ineligible: 'converted', convertedId: 'c1' }, c1: { Email: 'a@x' } } };
    expect(await nights.night(converted)).toEqual({ c1: 'linked email u1 converted', l1: 'ineligible converted' });
    expect(await nights.ended()).toEqual(['l1 u1 converted']);
    expect(await nights.night(converted)).toEqual({ c1: 'linked email u1 kept', l1: 'ineligible converted' });
  });

  test('R19 contacts matched before leads were switched on take the link over in the next run', async () => {
    const nights = await fresh();
    const lead = { records: { l1: { Email: 'a@x' } }, users: { u1: { emailAddress: 'a@x' } }, leads: true };
    await nights.night(lead);
    const converted = { ...lead, records: { l1: { ineligible: 'converted', convertedId: 'c1' }, c1: {} } };
    expect(await nights.night({ ...converted, leads: 'later' })).toEqual({ c1: 'unmatched', l1: 'ineligible converted' });
    expect(await nights.open()).toEqual(['l1 u1 email']);
    expect(await nights.night(converted)).toEqual({ c1: 'linked email u1 converted', l1: 'ineligible converted' });
  });

  test('R22 an account that became a person account is out of the account match, and its link ends', async () => {
    const nights = await fresh();
    const world = { records: { a1: { Name: 'Acme' } }, users: {}, accounts: { p1: { name: 'Acme' } } };
    expect(await nights.night(world)).toEqual({ a1: 'linked name p1' });
    expect(await nights.night({ ...world, records: { a1: { Name: 'Acme', ineligible: 'personAccount' } } })).toEqual({
      a1: 'ineligible personAccount',
    });
    expect(await nights.ended()).toEqual(['a1 p1 ineligible']);
  });

  test('R23 a person that is gone is unlinked', async () => {
    const nights = await fresh();
    await nights.night(pair);
    expect(await nights.night({ ...pair, users: {} })).toEqual({ c1: 'unmatched' });
    expect(await nights.ended()).toEqual(['c1 u1 personGone']);
  });
});

test('R6 keys follow what changes, comes and goes: nights that change a little match like nights that begin anew', async () => {
  const nights = await fresh();
  await nights.night({ records: { c1: { Email: 'a@x' }, c2: { Email: 'b@x' } }, users: { u1: { emailAddress: 'c@x' }, 'd@x': {} } });
  expect(await nights.night({ records: { c1: { Email: 'c@x' }, c3: { Email: 'd@x' } }, users: { u1: { emailAddress: 'c@x' }, 'd@x': {} } })).toEqual({
    c1: 'linked email u1',
    c3: 'linked email d@x',
  });
  // c2 was forgotten: nothing of it is left to match with.
  expect(await nights.night({ records: { c1: { Email: 'c@x' } }, users: { u1: { emailAddress: 'c@x' }, u4: { emailAddress: 'b@x' } } })).toEqual({
    c1: 'linked email u1 kept',
  });
  const keys = await database.query<{ keys: number }>(sql`
    select (select count(*) from crm_key k where object = 'contact' and not exists (select from crm_record r where r.rec = k.rec))
         + (select count(*) from pers_key k where object = 'contact' and not exists (select from pers_record r where r.rec = k.rec)) as keys`);
  expect(keys.rows).toEqual([{ keys: 0 }]);
});

describe('R15 accounts by their contacts', () => {
  const yaml = 'objects: { account: { accountFromContacts: true } }';
  const world = (votes: readonly string[]): Night => ({
    records: {
      a1: {},
      a2: {},
      a3: { ineligible: 'deleted' },
      ...Object.fromEntries(votes.map((account, at) => [`c${at + 1}`, { Email: `${at}@x`, ...(account === '' ? {} : { accountId: account }) }])),
    },
    users: Object.fromEntries(votes.map((_, at) => [`u${at}`, { emailAddress: `${at}@x`, accountId: 'p1' }])),
    accounts: { p1: {}, p2: {} },
  });

  test('those that vote must agree; blank, unknown and ineligible ones do not vote', async () => {
    const nights = await fresh(yaml);
    expect(await nights.night(world(['a1', 'a1', '', 'a3', 'a9']))).toMatchObject({ a1: 'linked contacts p1', a2: 'unmatched' });
    expect(await nights.night(world(['a2']))).toMatchObject({ a1: 'linked contacts p1 kept' });
  });

  test('two votes for different accounts are none', async () => {
    const nights = await fresh(yaml);
    expect(await nights.night(world(['a1', 'a2']))).toMatchObject({ a1: 'unmatched', a2: 'unmatched' });
  });

  test('an account that two claim is ambiguous, unless one of them is blocked', async () => {
    const nights = await fresh(yaml);
    const claimed = world(['a1', 'a1']);
    const both = { ...claimed, users: { ...claimed.users, u1: { emailAddress: '1@x', accountId: ' p2 ' } } };
    expect(await nights.night(both)).toMatchObject({ a1: 'ambiguous contacts p1;p2' });
    await nights.decide('block', 'a1', 'p2');
    expect(await nights.night(both)).toMatchObject({ a1: 'linked contacts p1' });
  });
});
