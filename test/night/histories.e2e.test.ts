import { readdirSync, readFileSync } from 'node:fs';
import path from 'node:path';
import { parse } from 'csv-parse/sync';
import { expect, test } from 'vitest';
import { testNamespace } from '../services/namespace.ts';
import { inWorld } from './in-world.ts';
import { executionsOf } from './replay.ts';
import type { World } from './world.ts';

const sample = path.join(import.meta.dirname, '../../sample');
const largestPayloadBytes = 2_048;
const mostEvents = 1_000;
/** Shorter ones are found in any text by chance. */
const shortestValue = 6;

/** Every value of the data of both sides, but numbers (any count may be one) and the words of the settings, which histories may hold. */
function valuesOf(directory: string): ReadonlySet<string> {
  const settings = readFileSync(path.join(directory, 'crm-sync.yaml'), 'utf8');
  const values = new Set<string>();
  for (const file of readdirSync(directory).filter((name) => name.endsWith('.csv'))) {
    const rows = parse(readFileSync(path.join(directory, file)), { bom: true, relax_column_count: true, relax_quotes: true }) as string[][];
    for (const value of rows
      .slice(1)
      .flat()
      .map((cell) => cell.trim()))
      if (value.length >= shortestValue && !/^[\d.-]+$/.test(value) && !settings.includes(value)) values.add(value);
  }
  return values;
}

interface Payload {
  readonly data: Uint8Array;
  readonly metadata: object;
}

const isPayload = (value: object): value is Payload => 'data' in value && 'metadata' in value && value.data instanceof Uint8Array;

/** Every text of a message of Temporal, the payloads decoded; `payload` is told the size of each. */
function textsOf(value: unknown, texts: Set<string>, payload: (bytes: number) => void): void {
  if (typeof value === 'string') texts.add(value);
  else if (value instanceof Uint8Array) texts.add(Buffer.from(value).toString());
  else if (typeof value === 'object' && value !== null) {
    if (isPayload(value)) payload(value.data.length);
    for (const each of Object.values(value)) textsOf(each, texts, payload);
  }
}

/** What the Temporal server knows of a world: histories, the list with search attributes and memos, current details. */
async function everythingKnown(
  world: World,
): Promise<{ readonly text: string; readonly events: readonly number[]; readonly largestPayload: number }> {
  const texts = new Set<string>();
  let largestPayload = 0;
  const payload = (bytes: number): void => {
    largestPayload = Math.max(largestPayload, bytes);
  };
  const executions = await executionsOf(world);
  for (const { history } of executions) textsOf(history, texts, payload);
  for await (const { raw } of world.client.workflow.list({ query: `TaskQueue = '${world.name}'` })) textsOf(raw, texts, payload);
  const handle = world.client.workflow.getHandle(`${world.name}-run`);
  textsOf(await handle.query('__temporal_workflow_metadata'), texts, payload);
  textsOf(await handle.query('progress'), texts, payload);
  return { text: [...texts].join('\n'), events: executions.map(({ history }) => history.events?.length ?? 0), largestPayload };
}

const withoutStacks = (text: string): string => text.replaceAll(/^\s+at .*$/gm, '');

test('no value of either side is in a history, the list, the details or the log of a night, nor is a payload or a history large', async () => {
  const values = valuesOf(sample);
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
    const { text, events, largestPayload } = await everythingKnown(world);
    const searched = withoutStacks([text, ...lines].join('\n'));
    expect(searched).toContain('match contact: email');
    expect([...values].filter((value) => searched.includes(value))).toEqual([]);
    expect(largestPayload).toBeLessThanOrEqual(largestPayloadBytes);
    expect(Math.max(...events)).toBeLessThanOrEqual(mostEvents);
  });
});
