import { describe, expect, test } from 'vitest';
import { explain } from '../../src/operator/explain.ts';
import { renderExplanation } from '../../src/operator/explain-text.ts';
import { sql } from '../../src/postgres/sql.ts';
import { testDatabaseUrl } from '../services/database.ts';
import { matchDatabase } from '../match/match-fixture.ts';
import { idOf } from '../match/nights.ts';
import { operatorNights } from './operator-nights.ts';

const database = await matchDatabase(await testDatabaseUrl());

async function said(id: string, runs = 3): Promise<string> {
  return renderExplanation(await explain(database, id, runs));
}

const [c1, c2, l1] = [idOf('c1'), idOf('c2'), idOf('l1')];

describe('explain', () => {
  test('R13 tells of an ambiguous record its candidates and by which field each of them is one', async () => {
    const { night } = await operatorNights(database);
    const run = await night({
      records: { c1: { Email: 'a@x', Name: 'Ann' } },
      users: { u1: { emailAddress: 'a@x' }, u2: { emailAddress: 'a@x', name: 'Ann' } },
    });
    const text = await said(c1.slice(0, 15));
    expect(text).toContain(`Contact ${c1} in Salesforce`);
    expect(text).toContain(`run ${run} (success): ambiguous in sub-tier email, 2 candidates`);
    expect(text).toContain('  candidate u1 (Email = emailAddress)\n  candidate u2 (Email = emailAddress)');
    expect(text).toContain('Links\n  none, ever');
    expect(text).toContain('Email: a@x\n  Name: Ann\n  blank: Loyalty__c, Phone');
    expect(await said('u1')).toContain(`run ${run} (success): stopped, candidate of ${c1}`);
  });

  test('tells every link it ever had, and every decision, oldest first', async () => {
    const { night, nights } = await operatorNights(database);
    const world = { records: { c1: { Email: 'a@x' } }, users: { u1: { emailAddress: 'a@x' }, u2: {} } };
    const first = await night(world);
    await nights.decide('unlink', 'c1', 'u1');
    await nights.decide('pin', 'c1', 'u2');
    const second = await night(world);
    const { found } = await explain(database, c1, 3);
    expect(found).toMatchObject([
      {
        side: 'salesforce',
        object: 'contact',
        outcomes: [
          { run: second, outcome: 'linked', personalizationId: 'u2', subTier: 'pin' },
          { run: first, outcome: 'linked', personalizationId: 'u1', subTier: 'email' },
        ],
        links: [
          {
            personalizationId: 'u1',
            subTier: 'email',
            field: 'Email',
            attribute: 'emailAddress',
            madeRun: first,
            endedRun: 'by test',
            endedReason: 'unlinked',
          },
          { personalizationId: 'u2', subTier: 'pin', madeRun: second, endedRun: null },
        ],
        decisions: [
          { kind: 'unlink', personalizationId: 'u1', counts: true, by: 'test' },
          { kind: 'pin', personalizationId: 'u2', counts: true },
        ],
        lookalikes: [{ id: 'u1', field: 'Email', blocked: true, outcome: 'unmatched' }],
      },
    ]);
    expect((await explain(database, 'u1', 1)).found).toMatchObject([
      {
        side: 'personalization',
        kind: 'user',
        links: [{ salesforceId: c1, endedReason: 'unlinked' }],
        objects: [{ object: 'contact', outcomes: [{ run: second, outcome: 'unmatched' }] }],
      },
    ]);
  });

  test('R6 tells of an unmatched record its near misses, and who has its value but is linked with another', async () => {
    const { night } = await operatorNights(database);
    await night({
      records: { c1: { Email: 'Ann@X' }, c2: { Email: 'b@x', Name: 'Bob' }, c3: { Name: 'Bob' } },
      users: { u1: { emailAddress: 'ann@x' }, u2: { emailAddress: 'b@x', name: 'Bob' } },
    });
    expect(await said(c1)).toContain('u1: Email = emailAddress, but for case or white space: no match (R6); unmatched');
    expect(await said(idOf('c3'))).toContain(`u2: Name = name; linked with ${c2} by email`);
  });

  test('R17 tells of a suppressed lead by which contact its user is held', async () => {
    const { night } = await operatorNights(database);
    await night({ records: { c1: { Email: 'a@x' }, l1: { Email: 'a@x' } }, users: { u1: { emailAddress: 'a@x' } }, leads: true });
    const text = await said(l1);
    expect(text).toContain('suppressed in sub-tier email, 1 candidate');
    expect(text).toContain(`candidate u1 (Email = emailAddress); held by contact ${c1}, linked by email`);
    expect(await said('u1')).toMatch(/among leads\n {2}run \S+ \(success\): held, candidate of 00Q/);
  });

  test('tells of each value the run that wrote it, what the org made of it, and what was refused or put off', async () => {
    const { night } = await operatorNights(database);
    const run = await night({ records: { c1: { Email: 'a@x', Phone: '1' } }, users: { u1: { emailAddress: 'a@x' } } });
    await database.query(sql`
      insert into written (side, object, rec_id, field, sent, seen, seen_known, run) values ('salesforce', 'Contact', ${c1}, 'Phone', 'One', '1', true, ${run})`);
    await database.query(sql`
      insert into intent_field (run_no, side, object, mapping, field, target_type, scale, rule)
      select run_no, i.side, 'contact', i.mapping, i.field, 'text', 0, i.rule
        from run cross join (values ('salesforce', 1, 'Loyalty__c', 'personalization'), ('personalization', 1, 'phone', 'crm'), ('personalization', 2, 'card', 'crm')) i (side, mapping, field, rule)
       where run = ${run}`);
    await database.query(sql`
      insert into intent_set (run_no, side, object, target_object, target_id, mappings, before, after, outcome, code, reason, part, crm, pers)
      select o.run_no, i.side, 'contact', i.target_object, i.target_id, array[i.mapping], '{}', i.after, i.outcome, i.code, i.reason, 0, o.rec, o.pers
        from crm_outcome o join run r on r.run_no = o.run_no and r.run = ${run}
       cross join (values ('salesforce', 'Contact', ${c1}, 1, array['x'], 'rejected', 'STRING_TOO_LONG', 'too long'),
         ('personalization', 'user', 'u1', 1, array['1'], 'applied', null, null), ('personalization', 'user', 'u1', 2, array[null, '2'], 'deferred', null, 'changedMeanwhile'))
         i (side, target_object, target_id, mapping, after, outcome, code, reason)`);
    const record = await said(c1);
    expect(record).toMatch(new RegExp(`Phone: 1 \\(One written [-0-9]{10} [0-9:]{5} by run ${run}; the org made it 1\\)`));
    expect(record).toContain(`run ${run}: Contact ${c1} Loyalty__c: blank -> x [personalization]: rejected (STRING_TOO_LONG, too long)`);
    expect(record).toContain(`run ${run}: user u1 card: blank -> 2 [crm]: deferred (changedMeanwhile)`);
    expect(await said('u1')).toMatch(new RegExp(`phone: blank \\(1 written .* by run ${run}\\)`));
  });

  test('one id may name a record and a person; what nobody knows is an error', async () => {
    const { night } = await operatorNights(database);
    await night({ records: { c1: {} }, users: { [c1]: {}, '003': {} } });
    expect((await explain(database, c1, 1)).found.map(({ side }) => side)).toEqual(['salesforce', 'personalization']);
    expect((await explain(database, '003', 1)).found).toHaveLength(1);
    for (const id of ['nobody', c2]) await expect(explain(database, id, 1)).rejects.toMatchObject({ code: 'ID_UNKNOWN', exitCode: 1 });
  });

  test('what is gone from both sides is known by its links', async () => {
    const { night } = await operatorNights(database);
    await night({ records: { c1: { Email: 'a@x' }, c2: {} }, users: { u1: { emailAddress: 'a@x' } } });
    await night({ records: { c2: {} }, users: { u1: { emailAddress: 'a@x' } } });
    const text = await said(c1);
    expect(text).toContain('the org does not return it any more');
    expect(text).toMatch(/u1: email \(Email = emailAddress\), made .*, ended .* in run run-\d+: deleted/);
  });

  test('control characters of values are shown, not sent to the terminal', async () => {
    const { night } = await operatorNights(database);
    await night({ records: { c1: { Name: 'A\u001B[31mB' } }, users: { u1: {} } });
    expect(await said(c1)).toContain('Name: "A\\u001b[31mB"');
  });
});
