import path from 'node:path';
import { expect, test } from 'vitest';
import { valuesOfDirectory } from '../../chaos/held-values.ts';
import { KeptTexts } from '../../chaos/kept-texts.ts';
import { testNamespace } from '../services/namespace.ts';
import { inWorld } from './in-world.ts';
import type { World } from './world.ts';

const sample = path.join(import.meta.dirname, '../../sample');
const largestPayloadBytes = 2_048;
const mostEvents = 1_000;

/** What the Temporal server knows of a world: histories, the list with search attributes and memos, current details. */
async function everythingKnown(world: World): Promise<KeptTexts> {
  const kept = new KeptTexts();
  await kept.addServer(world.client, `TaskQueue = '${world.name}'`);
  const handle = world.client.workflow.getHandle(`${world.name}-run`);
  await kept.add(await handle.query('__temporal_workflow_metadata'), 'the current details');
  await kept.add(await handle.query('progress'), 'the progress');
  return kept;
}

const withoutStacks = (text: string): string => text.replaceAll(/^\s+at .*$/gm, '');

test('no value of either side is in a history, the list, the details or the log of a night, nor is a payload or a history large', async () => {
  const { values } = valuesOfDirectory(sample);
  expect(values.size).toBeGreaterThan(10_000);
  const lines: string[] = [];
  await inWorld({ data: sample, temporal: await testNamespace(), onLog: (line) => lines.push(line) }, async (world) => {
    await world.setLeads(true);
    const { run } = await world.night();
    const { report } = await world.files(run);
    expect(report.intents.salesforce.rejected).toBeGreaterThan(0);
    // What the database says when something is wrong may hold what was to be stored.
    await world.database.query(`create function spill() returns trigger language plpgsql as $$ begin
      raise exception 'no room for %', (select string_agg(field_values::text, ' ') from (select field_values from crm_record limit 50) as few); end $$`);
    await world.database.query(
      `create trigger spill before insert on step_ledger for each row when (new.step = 'match.finish') execute function spill()`,
    );
    const failing = await world.start({ kind: 'preview' });
    await expect(failing.result()).rejects.toThrow();
    expect(lines).not.toEqual([]);
    const kept = await everythingKnown(world);
    await kept.add(withoutStacks(lines.join('\n')), 'the log');
    expect([...kept.texts.keys()].join('\n')).toContain('match contact: email');
    expect(kept.placesOf(values)).toEqual([]);
    // The search finds what is there.
    await kept.add({ data: Buffer.from(JSON.stringify([...values][0])), metadata: {} }, 'a payload');
    expect(kept.placesOf(values)).toContain('a payload');
    expect(kept.largestPayload.bytes).toBeLessThanOrEqual(largestPayloadBytes);
    expect(kept.largestWorkflow.events).toBeLessThanOrEqual(mostEvents);
  });
});
