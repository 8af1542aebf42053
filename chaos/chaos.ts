/** Kills, faults and lost answers by seeds, each compared with an undisturbed run: `npm run chaos -- --seeds N --minutes M [--from SEED] [--lanes L] [--keep DIR]`. See docs/reliability.md. */
import { mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { parseArgs } from 'node:util';
import { bundleWorkflowCode } from '@temporalio/worker';
import { startBase } from './base.ts';
import type { Base } from './base.ts';
import { drawScenario } from './scenario.ts';
import { disturbed, Found, undisturbed } from './seed.ts';

const { values } = parseArgs({
  options: {
    seeds: { type: 'string', default: '20' },
    minutes: { type: 'string', default: '60' },
    from: { type: 'string', default: '1' },
    lanes: { type: 'string', default: '2' },
    keep: { type: 'string' },
  },
});
const [seeds, minutes, from, lanes] = [values.seeds, values.minutes, values.from, values.lanes].map(Number) as [number, number, number, number];
const print = (line: string): void => void process.stdout.write(`${line}\n`);

/** Everything lies in it; it stays if something was found, or if it was asked for. */
const folder = values.keep === undefined ? await mkdtemp(path.join(tmpdir(), 'crm-sync-chaos-')) : path.resolve(values.keep);
await mkdir(folder, { recursive: true });
const keep = values.keep !== undefined;
const bundle = path.join(folder, 'workflow-bundle.js');
const silent = (): void => undefined;
const quiet = { log: silent, trace: silent, debug: silent, info: silent, warn: silent, error: silent };
await writeFile(bundle, (await bundleWorkflowCode({ workflowsPath: path.join(import.meta.dirname, '../workflows/index.ts'), logger: quiet })).code);
process.env['CRM_SYNC_WORKFLOW_BUNDLE'] = bundle;
// Workers and orgs are started by the hundred: what Node made of their source is kept for the next one.
process.env['NODE_COMPILE_CACHE'] = path.join(folder, 'compiled');

const total = { seeds: 0, faults: 0, kills: 0, lost: 0, doubled: 0, equal: 0 };
const begunMs = performance.now();
let next = from;
let failed = false;

async function lane(calm: Base, base: Base): Promise<void> {
  while (!failed && next < from + seeds && performance.now() - begunMs < minutes * 60_000) {
    const seed = next++;
    const lines: string[] = [];
    const onLine = (line: string): void => void lines.push(line);
    const begun = performance.now();
    const place = path.join(folder, `seed-${seed}`);
    const scenario = drawScenario(seed);
    const wanted = undisturbed(scenario, calm, place);
    wanted.catch(() => undefined);
    const head = `seed ${seed}: ${scenario.plain} plain pairs${scenario.bulk ? ', by Bulk' : ''}`;
    try {
      const { faults, kills } = await disturbed(scenario, base, place, wanted, keep, onLine);
      total.seeds += 1;
      total.faults += faults;
      total.kills += kills;
      total.equal += 1;
      print([`${head}: ${faults} faults, ${kills} kills, equal (${((performance.now() - begun) / 1000).toFixed(1)} s)`, ...lines].join('\n'));
      if (!keep) await rm(place, { recursive: true, force: true });
    } catch (error) {
      await wanted.catch(() => undefined);
      failed = true;
      total.seeds += 1;
      if (error instanceof Found && error.difference.kind !== 'different') total[error.difference.kind] += 1;
      const drawn = JSON.stringify(scenario.nights, undefined, 1);
      await writeFile(path.join(place, 'drawn.json'), drawn).catch(() => undefined);
      const says =
        error instanceof Found
          ? [`${error.difference.kind}: ${error.message}`, ...error.difference.lines.map((line) => `    ${line}`)]
          : [String(error instanceof Error ? error.stack : error)];
      print(
        [
          `${head}: NOT EQUAL`,
          ...lines,
          ...says,
          `  kept: ${place} (state, data, drawn.json); again: npm run chaos -- --seeds 1 --from ${seed}`,
        ].join('\n'),
      );
    }
  }
}

const bases: Base[] = [];
try {
  // One after the other: each takes ports that are free when it looks.
  for (const name of ['calm', ...Array.from({ length: lanes }, (_, at) => `lane-${at + 1}`)])
    bases.push(await startBase(path.join(folder, name), () => undefined));
  const [calm, ...storms] = bases;
  if (calm !== undefined) await Promise.all(storms.map((base) => lane(calm, base)));
} finally {
  await Promise.all(bases.map((base) => base.stop()));
}
print(`${total.seeds} seeds: ${total.faults} faults, ${total.kills} kills, ${total.lost} lost, ${total.doubled} doubled, ${total.equal} equal`);
if (failed) process.exitCode = 1;
else if (!keep) await rm(folder, { recursive: true, force: true });
