import { expect, test } from 'vitest';
import { decide } from '../../src/ledger/decisions.ts';
import { orgOf } from '../identity/org.ts';
import { inWorld } from '../night/in-world.ts';
import type { World } from '../night/world.ts';
import { rebuild } from '../operator/rebuild.ts';
import { testNamespace } from '../services/namespace.ts';
import { contactId, importUsers, peopleDirectory } from './people.ts';
import { openLinks, waitingRun } from './waiting.ts';

const temporal = await testNamespace();
const gone = 'planted-person';
/** Asks for nothing: what is looked at is what becomes of the data. */
const never = { approval: 'never' } as const;

/** Tables of both schemas in which a text stands anywhere, with how many rows. */
async function standsIn(world: World, text: string): Promise<Readonly<Record<string, number>>> {
  const { rows } = await world.database.query<{ schema: string; name: string }>(
    `select n.nspname as schema, c.relname as name from pg_class c join pg_namespace n on n.oid = c.relnamespace
      where c.relkind = 'r' and n.nspname in ('${world.name}_ledger', '${world.name}_mirror') order by 1, 2`,
  );
  expect(rows.length).toBeGreaterThan(20);
  const found: Record<string, number> = {};
  for (const { schema, name } of rows) {
    const hits = await world.database.query<{ hits: number }>(
      `select count(*) as hits from "${schema}"."${name}" t where position('${text}' in t::text) > 0`,
    );
    if (hits.rows[0]?.hits !== 0) found[name] = hits.rows[0]?.hits ?? 0;
  }
  return found;
}

/** One more user than the directory has, with values that stand nowhere else. */
async function plant(world: World, note = 'planted-note', score = 'planted-no-number'): Promise<void> {
  await importUsers(world, [
    'userId,attribute:sfcrmContactId,attribute:emailAddress,attribute:note,attribute:score,attribute:jobTitle',
    `${gone},${contactId(1)},planted@x.example,${note},${score},planted-title`,
  ]);
}

test('R23 ids and values of a person who is gone are erased from every table, history and intents included; counts stay', async () => {
  const data = peopleDirectory({ count: 4 });
  await inWorld({ data, temporal, overrides: never }, async (world) => {
    await world.store.deletePersons('user', ['u1']);
    await plant(world);
    await world.database.transaction((tx) =>
      decide(tx, { kind: 'block', object: 'contact', crmId: contactId(2), persId: gone, by: 'somebody', note: 'not the same as planted-person' }),
    );
    await world.setLeads(true);
    const first = await world.night();
    await plant(world, 'planted-second-note');
    const second = await world.night();
    const before = await Promise.all([first, second].map(({ run }) => world.files(run)));
    expect(before[0]?.intents).toContain('planted-title');
    expect(before[0]?.intents).toContain('planted-no-number');
    expect(Object.keys(await standsIn(world, 'planted')).length).toBeGreaterThan(5);

    await world.store.deletePersons('user', [gone]);
    await world.setLeads(false);
    const third = await world.night();
    expect(third.status).toBe('success');
    for (const text of [gone, 'planted@x.example', 'planted-note', 'planted-title', 'planted-no-number'])
      expect([text, await standsIn(world, text)]).toEqual([text, {}]);
    // What was written to Salesforce is Salesforce's: it stands in the copy of the record, and nowhere else.
    expect(await standsIn(world, 'planted')).toEqual({ crm_record_contact: 1 });
    expect(await (await orgOf(world)).read('Contact', contactId(1))).toMatchObject({ Note__c: 'planted-second-note' });

    const { rows } = await world.database.query(`select crm_id, pers_id, ended_run, ended_reason from link where ended_run is not null`);
    expect(rows).toEqual([{ crm_id: contactId(1), pers_id: null, ended_run: third.run, ended_reason: 'personGone' }]);
    const after = await Promise.all([first, second].map(({ run }) => world.files(run)));
    expect(after.map(({ report }) => report)).toEqual(before.map(({ report }) => report));
    expect(after.map(({ intents }) => intents.split('\n').length)).toEqual(before.map(({ intents }) => intents.split('\n').length));
  });
});

test('R23 the same user made again later is matched anew, and what was decided of him before does not count', async () => {
  const data = peopleDirectory({ count: 4 });
  await inWorld({ data, temporal, overrides: never }, async (world) => {
    await world.database.transaction((tx) => decide(tx, { kind: 'pin', object: 'contact', crmId: contactId(2), persId: 'u1', by: 'somebody' }));
    await world.night();
    expect(await openLinks(world)).toContain(`${contactId(2)}/u1`);
    await world.store.deletePersons('user', ['u1']);
    await world.night();
    await importUsers(world, ['userId,attribute:sfcrmContactId,attribute:score', `u1,${contactId(1)},77`]);
    const { run, status } = await world.night();
    expect(status).toBe('success');
    const { records } = await world.files(run);
    expect(records).toContain(`Contact,${contactId(1)},linked,u1,id,Id,sfcrmContactId,,0,`);
    expect(records).toContain(`Contact,${contactId(2)},linked,u2,id,Id,sfcrmContactId,kept,0,`);
    const { rows } = await world.database.query(`select made_run from link where pers_id = 'u1'`);
    expect(rows).toEqual([{ made_run: run }]);
  });
});

test('R23 nothing is erased before approval, nor by a run that is rejected or a preview', async () => {
  const data = peopleDirectory({ count: 4 });
  await inWorld({ data, temporal, overrides: { approval: 'guards' } }, async (world) => {
    await plant(world);
    await world.store.deletePersons('user', ['u1']);
    await world.night();
    await world.store.deletePersons('user', [gone]);
    const kept = { link_person: 1 };
    const links = async (): Promise<object> => ({ link_person: (await openLinks(world)).filter((pair) => pair.endsWith(gone)).length });
    expect((await world.night({ kind: 'preview' })).status).toBe('preview');
    expect(await links()).toEqual(kept);
    const waiting = await waitingRun(world);
    expect(await links()).toEqual(kept);
    await waiting.reject();
    expect(await links()).toEqual(kept);
    expect(Object.keys(await standsIn(world, 'planted-title'))).not.toEqual([]);
    await (await waitingRun(world)).approve();
    expect(await standsIn(world, gone)).toEqual({});
    expect(await standsIn(world, 'planted-title')).toEqual({});
  });
});

test('R23 somebody who went while the mirror was lost is found by the ledger', async () => {
  const data = peopleDirectory({ count: 4 });
  await inWorld({ data, temporal, overrides: { approval: 'guards' } }, async (world) => {
    await plant(world);
    await world.store.deletePersons('user', ['u1']);
    await world.night();
    await world.store.deletePersons('user', [gone]);
    await rebuild(world);
    const waiting = await waitingRun(world);
    expect(waiting.tripped).toEqual(['personsGone user: 1 of 4', 'linksEnded contact: 1 of 4']);
    await waiting.approve();
    expect(await standsIn(world, gone)).toEqual({});
  });
});
