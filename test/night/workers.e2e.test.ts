import { mkdtempSync, writeFileSync } from 'node:fs';
import { rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { afterAll, expect, test } from 'vitest';
import { testNamespace } from '../services/namespace.ts';
import { inWorld } from './in-world.ts';
import { settingsText, startWorkerProcess } from './worker-process.ts';
import type { World } from './world.ts';

const temporal = await testNamespace();
const data = mkdtempSync(path.join(tmpdir(), 'crm-sync-workers-'));
const config = mkdtempSync(path.join(tmpdir(), 'crm-sync-workers-'));
afterAll(() => Promise.all([data, config].map((folder) => rm(folder, { recursive: true }))));

/** Enough for several parts of the store and for a Bulk job. */
const pairs = 21_000;
const workers = 4;

/** Contacts and users who share an address; a value goes each way. */
function writePairs(): void {
  const numbers = Array.from({ length: pairs }, (_, at) => at + 1);
  writeFileSync(
    path.join(data, 'Contact.csv'),
    `LastName,Email,Title,Score__c\n${numbers.map((n) => `Contact ${n},c${n}@example.com,Title ${n},`).join('\n')}\n`,
  );
  writeFileSync(
    path.join(data, 'user-1.csv'),
    `userId,attribute:emailAddress,attribute:title,attribute:score\n${numbers.map((n) => `u${n},c${n}@example.com,,${n}`).join('\n')}\n`,
  );
  writeFileSync(
    path.join(data, 'crm-sync.yaml'),
    'objects:\n  contact:\n    pull: [{ from: Title, to: title }]\n    push: [{ from: score, to: Score__c }]\n',
  );
}

/** Processes that worked on activities of the run, its children included. */
async function identitiesOf({ client, started }: World, run: string): Promise<ReadonlySet<string>> {
  const identities = new Set<string>();
  for (const workflowId of [started[0]?.workflowId ?? '', `${run}/fetch/contact`]) {
    const { events } = await client.workflow.getHandle(workflowId).fetchHistory();
    for (const event of events ?? []) {
      const identity = event.activityTaskStartedEventAttributes?.identity;
      if (typeof identity === 'string') identities.add(identity);
    }
  }
  return identities;
}

test('four workers share one run, and each record and each person is written once', async () => {
  writePairs();
  await inWorld({ data, temporal, withoutWorker: true }, async (world) => {
    writeFileSync(path.join(config, 'crm-sync.yaml'), settingsText(world, data));
    const running = await Promise.all(Array.from({ length: workers }, () => startWorkerProcess(world, config)));
    const { run, status } = await world.night();
    expect(status).toBe('success');
    const { report } = await world.files(run);
    expect(report.objects.contact.outcomes.linked).toBe(pairs);
    expect(report.intents.salesforce.applied + report.intents.personalization.applied).toBe(2 * pairs);
    const updates = async (min: number): Promise<readonly unknown[]> =>
      (await (await fetch(`${world.simulator.url}/__simulator/updates?object=Contact&min=${min}`)).json()) as [];
    expect(await updates(1)).toHaveLength(pairs);
    expect(await updates(2)).toEqual([]);
    const batches = await world.database.query<{ persons: number }>(
      'select sum(jsonb_array_length(results::jsonb))::integer as persons from personalization.crm_sync_batch',
    );
    expect(batches.rows).toEqual([{ persons: pairs }]);
    expect((await identitiesOf(world, run)).size).toBeGreaterThan(1);
    await Promise.all(running.map((worker) => worker.end('SIGTERM')));
  });
});
