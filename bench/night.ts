/** One synthetic org through three nights, measured beside the floor of the same machine: `node bench/night.ts --contacts 100000`. See README.md. */
import { cpus, loadavg, tmpdir, totalmem } from 'node:os';
import { mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises';
import path from 'node:path';
import { parseArgs } from 'node:util';
import { bundleWorkflowCode } from '@temporalio/worker';
import { connect } from '../src/cli/connections.ts';
import { loadProfiles } from '../src/cli/demo-data.ts';
import { writeStackSettings } from '../src/cli/stack-settings.ts';
import { readEnvironment } from '../src/config/environment.ts';
import { startStack } from '../src/local/stack.ts';
import type { Stack } from '../src/local/stack.ts';
import { writePersonalizationFor } from '../sample/personalizationFor.ts';
import { measureFloor, total } from './floor.ts';
import type { Floor } from './floor.ts';
import { measureNight } from './measured-night.ts';
import type { MeasuredNight } from './measured-night.ts';
import { count, ratio, renderTable, seconds } from './table.ts';

const { values } = parseArgs({
  options: {
    contacts: { type: 'string', default: '100000' },
    seed: { type: 'string', default: '1' },
    nights: { type: 'string', default: '3' },
    activities: { type: 'boolean', default: false },
    help: { type: 'boolean', default: false },
  },
});
const [contacts, seed, nights] = [Number(values.contacts), Number(values.seed), Number(values.nights)];

const say = (text: string): void => void process.stdout.write(`${text}\n`);

if (values.help || ![contacts, seed, nights].every((each) => Number.isSafeInteger(each) && each >= 0) || contacts < 1) {
  process.stderr.write('usage: node bench/night.ts [--contacts N] [--seed S] [--nights N] [--activities]\n');
  process.exitCode = values.help ? 0 : 2;
}

async function bench(): Promise<void> {
  const stateDir = await mkdtemp(path.join(tmpdir(), 'crm-sync-bench-'));
  try {
    const stack = await bringUp(stateDir);
    try {
      await using sync = await connect({ state: stateDir });
      const [processor] = cpus();
      say(`${count(contacts)} contacts, ${count(contacts)} users, ${count(contacts / 10)} accounts of each side; seed ${seed}`);
      say(
        `${cpus().length} x ${processor?.model ?? 'unknown processor'}, ${Math.round(totalmem() / 2 ** 30)} GiB; Node ${process.version}; load average ${(loadavg()[0] ?? 0).toFixed(1)} before the first night\n`,
      );
      const measured: MeasuredNight[] = [];
      for (let night = 1; night <= nights; night += 1) {
        const found = await measureNight(sync, stack.current());
        measured.push(found);
        sayNight(night, found);
      }
      const floor = await measureFloor(stack.current().mirror?.url ?? '', contacts, seed);
      sayFloor(floor, measured);
    } finally {
      await stack.stop();
    }
  } finally {
    await rm(stateDir, { recursive: true, force: true });
  }
}

async function bringUp(stateDir: string): Promise<Stack> {
  const data = path.join(stateDir, 'data');
  await mkdir(data);
  await writePersonalizationFor({ contacts, seed, leads: false }, data);
  // The shape of production: a worker that loads a bundle made before.
  const bundle = path.join(stateDir, 'workflow-bundle.js');
  const { code } = await bundleWorkflowCode({ workflowsPath: path.join(import.meta.dirname, '../workflows/index.ts'), logger: quiet });
  await writeFile(bundle, code);
  process.env['CRM_SYNC_WORKFLOW_BUNDLE'] = bundle;
  const settings = {
    settingsFile: path.join(data, 'crm-sync.yaml'),
    optional: false,
    defaults: { approval: 'never' },
    connections: 'stack',
    loaded: false,
  } as const;
  const begun = performance.now();
  const stack = await startStack({
    stateDir,
    parts: ['postgres', 'temporal', 'simulator', 'worker'],
    environment: readEnvironment(),
    synthetic: { contacts, seed },
    beforeWorker: async (file) => {
      await writeStackSettings(stateDir, settings);
      await loadProfiles(file, data, false);
      await writeStackSettings(stateDir, { ...settings, loaded: true });
    },
    onLine: (line) => void process.stderr.write(`${line}\n`),
  });
  process.stderr.write(`stack and data after ${seconds((performance.now() - begun) / 1000)} s\n`);
  return stack;
}

const silent = (): void => undefined;
const quiet = { log: silent, trace: silent, debug: silent, info: silent, warn: silent, error: silent };

function sayNight(night: number, { report, processor, workerPeakMegabytes, historyEvents, activities, ...measured }: MeasuredNight): void {
  const rows = report.steps.map(({ step, object, records, ms }) => [
    `${step} ${object}`,
    count(records),
    seconds(ms / 1000),
    ms === 0 ? '-' : count((records * 1000) / ms),
  ]);
  say(`Night ${night}: ${seconds(measured.seconds)} s, ${seconds(processor.simulator)} s of them the simulator's processor time`);
  say(renderTable(['step', 'records', 'seconds', 'records/s'], rows));
  const { personalization, salesforce } = report.intents;
  const writes = (side: typeof salesforce): string =>
    Object.entries(side)
      .map(([outcome, intents]) => `${count(intents)} ${outcome}`)
      .join(', ');
  say(`intents: Personalization ${writes(personalization)}; Salesforce ${writes(salesforce)}`);
  say(
    `API calls ${count(report.apiCalls.used)}; worker's peak memory ${count(workerPeakMegabytes)} MB; history events ${count(historyEvents.all)} in all, ${count(historyEvents.longest)} in the longest workflow`,
  );
  say(
    `processor seconds: ${Object.entries(processor)
      .map(([name, taken]) => `${name} ${seconds(taken)}`)
      .join(', ')}`,
  );
  if (values.activities)
    say(
      renderTable(
        ['activity', 'parts', 'records', 'seconds'],
        activities.map(({ step, object, parts, records, seconds: taken }) => [`${step} ${object}`, count(parts), count(records), seconds(taken)]),
      ),
    );
  say('');
}

function sayFloor(floor: Floor, measured: readonly MeasuredNight[]): void {
  const rows = [
    [
      'copy of both sides',
      seconds(floor.copy),
      ...measured.map((night) => `fetch ${seconds(night.stepSeconds.fetch)} = ${ratio(night.stepSeconds.fetch, floor.copy)}`),
    ],
    [
      'one hash join',
      seconds(floor.join),
      ...measured.map((night) => `match ${seconds(night.stepSeconds.match)} = ${ratio(night.stepSeconds.match, floor.join)}`),
    ],
    [
      'one update',
      seconds(floor.update),
      ...measured.map((night) => `plan and apply ${seconds(planAndApply(night))} = ${ratio(planAndApply(night), floor.update)}`),
    ],
    ['all', seconds(total(floor)), ...measured.map((night) => `night ${seconds(night.seconds)} = ${ratio(night.seconds, total(floor))}`)],
    [
      'without the simulator',
      seconds(total(floor)),
      ...measured.map((night) => `night ${seconds(withoutSimulator(night))} = ${ratio(withoutSimulator(night), total(floor))}`),
    ],
  ];
  say(`The floor on the same server: ${count(contacts)} rows of either side, ${count(floor.merged)} merged rows updated`);
  say(renderTable(['floor', 'seconds', ...measured.map((_, at) => `night ${at + 1}`)], rows));
}

const planAndApply = (night: MeasuredNight): number => night.stepSeconds.plan + night.stepSeconds.apply;
const withoutSimulator = (night: MeasuredNight): number => night.seconds - night.processor.simulator;

if (process.exitCode === undefined && !values.help) await bench();
