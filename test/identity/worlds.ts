import { mkdtempSync, writeFileSync } from 'node:fs';
import { rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { parse } from 'csv-parse/sync';
import { inWorld } from '../night/in-world.ts';
import type { NightFiles, World } from '../night/world.ts';
import type { TestNamespace } from '../services/namespace.ts';
import { orgOf } from './org.ts';
import type { Org } from './org.ts';

/** A world of these files, with its org; every history is replayed at its end. */
export async function inOrg(
  temporal: TestNamespace,
  files: Readonly<Record<string, string>>,
  body: (world: World, org: Org) => Promise<void>,
): Promise<void> {
  const data = mkdtempSync(path.join(tmpdir(), 'crm-sync-identity-'));
  for (const [name, content] of Object.entries(files)) writeFileSync(path.join(data, name), content);
  try {
    await inWorld({ data, temporal }, async (world) => {
      const org = await orgOf(world);
      const start: World['start'] = async (request) => {
        await org.overtaken();
        return world.start(request);
      };
      await body({ ...world, start, night: async (request) => (await start(request)).result() }, org);
    });
  } finally {
    await rm(data, { recursive: true });
  }
}

export interface NightResult extends NightFiles {
  /** Salesforce id -> `outcome subTier person reason`, candidates behind; blank cells left out. */
  readonly rows: Readonly<Record<string, string>>;
  /** What was sent: `object id field before -> after`. */
  readonly sent: readonly string[];
}

/** One night, which must be a success. */
export async function nightOf(world: World): Promise<NightResult> {
  const { run, status } = await world.night();
  if (status !== 'success') throw new Error(`the night ended as ${status}`);
  return readNight(await world.files(run));
}

export function readNight(files: NightFiles): NightResult {
  const records: string[][] = parse(files.records, { from_line: 2 });
  const intents: string[][] = parse(files.intents, { from_line: 2 });
  return {
    ...files,
    rows: Object.fromEntries(
      records.map(([, id = '', outcome, person, subTier, , , reason, , candidates]) => [
        id,
        [outcome, subTier, person, reason, candidates].filter((cell) => cell !== '').join(' '),
      ]),
    ),
    sent: intents
      .filter((intent) => intent[7] === 'applied')
      .map(([, object, id, field, before, after]) => `${object} ${id} ${field} ${before} -> ${after}`),
  };
}
