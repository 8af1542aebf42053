import { mkdtempSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { expect, test } from 'vitest';
import { tokenOf } from '../../simulator/test/token.ts';
import { atStep, holdAt } from '../night/hold.ts';
import { inWorld } from '../night/in-world.ts';
import type { World } from '../night/world.ts';
import { importFeeds } from '../../src/personalization/feeds.ts';
import { testNamespace } from '../services/namespace.ts';

const temporal = await testNamespace();
const data = path.join(import.meta.dirname, '../night/small');

async function set({ simulator }: World, change: object): Promise<void> {
  const answer = await fetch(`${simulator.url}/__simulator/settings`, { method: 'POST', body: JSON.stringify(change) });
  if (!answer.ok) throw new Error(await answer.text());
}

async function change({ simulator }: World, object: string, id: string, values: object): Promise<void> {
  const answer = await fetch(`${simulator.url}/services/data/v66.0/sobjects/${object}/${id}`, {
    method: 'PATCH',
    headers: { authorization: `Bearer ${await tokenOf(simulator)}`, 'content-type': 'application/json' },
    body: JSON.stringify(values),
  });
  if (!answer.ok) throw new Error(await answer.text());
}

/** Outcome and reason of each record of an object: `linked kept`. */
function outcomes(records: string, object: string): Readonly<Record<string, string>> {
  const rows = records
    .trim()
    .split('\n')
    .slice(1)
    .map((line) => line.split(','));
  return Object.fromEntries(rows.filter(([of]) => of === object).map((row) => [row[1] ?? '', `${row[2]} ${row[7]}`.trim()]));
}

test('R27 an object that cannot be read is not matched: its links stand and are written, nobody else is considered, the others are', async () => {
  await inWorld({ data, temporal }, async (world) => {
    const first = await world.night();
    const before = outcomes((await world.files(first.run)).records, 'Contact');
    const linked = Object.keys(before).filter((id) => before[id]?.startsWith('linked'));
    expect(linked.length).toBeGreaterThan(0);
    const watermarks = async () =>
      (
        await world.database.query<{ source: string; watermark: string }>(
          `select source, watermark from read_state where watermark is not null order by source`,
        )
      ).rows;
    const [accountBefore, contactBefore] = await watermarks();
    // A value changes in the store, a record in the org; and contacts lose a field's permission once the run is open.
    const feed = path.join(mkdtempSync(path.join(tmpdir(), 'crm-sync-feed-')), 'user-2.csv');
    writeFileSync(feed, 'userId,attribute:score\nu1,777\n');
    await importFeeds(world.store, [feed], () => undefined);
    await set(world, { advanceSeconds: 3600 });
    const hold = await holdAt(world, atStep('fetch.open', 'contact'));
    const { run, result } = await world.start();
    await hold.reached();
    await set(world, { hiddenFields: ['Contact.Title'] });
    await change(world, 'Contact', linked[0] ?? '', { LastName: 'Renamed' });
    await hold.release();
    expect((await result()).status).toBe('partial');
    const { records, intents, report } = await world.files(run);
    expect(intents).toMatch(/^salesforce,Contact,003000000000001AAA,Score__c,10,777,personalization,applied,/m);
    expect(report.incomplete).toEqual([{ object: 'contact', code: 'INVALID_FIELD' }]);
    const during = outcomes(records, 'Contact');
    for (const [id, outcome] of Object.entries(before)) {
      const expected = outcome.startsWith('linked') ? 'linked kept' : outcome.startsWith('ineligible') ? outcome : 'unmatched notReconsidered';
      expect([id, during[id]]).toEqual([id, expected]);
    }
    expect(report.objects.account.outcomes.linked).toBeGreaterThan(0);
    expect((await world.database.query(`select from link where object = 'contact' and ended_run is null`)).rowCount).toBe(linked.length);
    const [accountNow, contactNow] = await watermarks();
    expect(contactNow).toEqual(contactBefore);
    expect(accountNow).not.toEqual(accountBefore);
    await set(world, { hiddenFields: [], advanceSeconds: 3600 });
    const next = await world.night();
    expect(next.status).toBe('success');
    expect(Object.keys(outcomes((await world.files(next.run)).records, 'Contact')).length).toBe(Object.keys(before).length);
  });
});

test('R27 a run that the pull cap stops is partial, leads wait for contacts, and the nights after it come to what one night would have', async () => {
  await inWorld({ data, temporal, overrides: { 'caps.pullRecords': 5, 'objects.lead.enabled': true } }, async (world) => {
    const seen: string[] = [];
    let contactsRead = false;
    for (let night = 0; night < 10; night += 1) {
      const { run, status } = await world.night();
      const { report } = await world.files(run);
      const read = report.steps.filter(({ step, read: way }) => step === 'fetch' && way !== undefined).reduce((sum, { records }) => sum + records, 0);
      expect(read).toBeLessThanOrEqual(5);
      seen.push(status);
      for (const { object, code } of report.incomplete) expect([object, code]).toEqual([object, 'PULL_CAP']);
      contactsRead ||= report.incomplete.every(({ object }) => object !== 'contact');
      if (!contactsRead) {
        expect(report.objects.contact.outcomes.linked).toBe(0);
        expect(report.objects.lead.outcomes.linked).toBe(0);
      }
      if (report.incomplete.length === 0) break;
      await set(world, { advanceSeconds: 86_400 });
    }
    expect(seen.slice(0, -1)).toEqual(seen.slice(0, -1).map(() => 'partial'));
    expect(seen.at(-1)).toBe('success');
    expect(seen.length).toBeGreaterThan(2);
    const records = (await world.files((await world.night()).run)).records;
    await inWorld({ data, temporal, overrides: { 'objects.lead.enabled': true } }, async (undisturbed) => {
      await undisturbed.night();
      const whole = await undisturbed.files((await undisturbed.night()).run);
      expect(records).toBe(whole.records);
    });
  });
});

test('if nothing can be read the run fails, and says why', async () => {
  await inWorld({ data, temporal }, async (world) => {
    const hold = await holdAt(world, atStep('fetch.open', 'contact'));
    const { run, result } = await world.start();
    await hold.reached();
    await set(world, { hiddenFields: ['Contact.Title', 'Account.Industry'] });
    await hold.release();
    await expect(result()).rejects.toThrow();
    expect((await world.files(run)).report).toMatchObject({ status: 'failed', error: 'INVALID_FIELD' });
  });
});
