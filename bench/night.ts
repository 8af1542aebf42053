/** One synthetic org of each size through one night or several, measured beside the floor of the same machine: `node bench/night.ts`. See README.md. */
import { cpus, loadavg, tmpdir, totalmem } from 'node:os';
import { mkdtemp, rm } from 'node:fs/promises';
import path from 'node:path';
import { parseArgs } from 'node:util';
import { connect } from '../src/cli/connections.ts';
import { bringUp } from './bring-up.ts';
import { measureFloor, total } from './floor.ts';
import type { Floor } from './floor.ts';
import { measureNight } from './measured-night.ts';
import type { MeasuredNight } from './measured-night.ts';
import { count, ratio, renderTable, seconds } from './table.ts';

const { values } = parseArgs({
  options: {
    contacts: { type: 'string', default: '10000,100000' },
    seed: { type: 'string', default: '1' },
    nights: { type: 'string', default: '1' },
    activities: { type: 'boolean', default: false },
    help: { type: 'boolean', default: false },
  },
});
const sizes = values.contacts.split(',').map(Number);
const [seed, nights] = [Number(values.seed), Number(values.nights)];

const say = (text: string): void => void process.stdout.write(`${text}\n`);

if (
  values.help ||
  ![...sizes, seed, nights].every((each) => Number.isSafeInteger(each) && each >= 0) ||
  sizes.some((contacts) => contacts < 1) ||
  nights < 1
) {
  process.stderr.write('usage: node bench/night.ts [--contacts N[,N...]] [--seed S] [--nights N] [--activities]\n');
  process.exitCode = values.help ? 0 : 2;
}

interface Measured {
  readonly contacts: number;
  readonly nights: readonly MeasuredNight[];
}

async function bench(): Promise<void> {
  const [processor] = cpus();
  say(
    `${cpus().length} x ${processor?.model ?? 'unknown processor'}, ${Math.round(totalmem() / 2 ** 30)} GiB; Node ${process.version}; load average ${(loadavg()[0] ?? 0).toFixed(1)}\n`,
  );
  const all: Measured[] = [];
  for (const contacts of sizes) all.push(await benchOf(contacts));
  say(
    renderTable(
      ['first night', 'seconds', "worker's peak MB", 'API calls', 'history events'],
      all.flatMap(({ contacts, nights: [first] }) =>
        first === undefined
          ? []
          : [
              [
                `${count(contacts)} contacts`,
                seconds(first.seconds),
                count(first.workerPeakMegabytes),
                count(first.report.apiCalls.used),
                count(first.historyEvents.all),
              ],
            ],
      ),
    ),
  );
}

async function benchOf(contacts: number): Promise<Measured> {
  const stateDir = await mkdtemp(path.join(tmpdir(), 'crm-sync-bench-'));
  try {
    const stack = await bringUp(stateDir, { contacts, seed });
    try {
      await using sync = await connect({ state: stateDir });
      say(`${count(contacts)} contacts, ${count(contacts)} users, ${count(contacts / 10)} accounts of each side; seed ${seed}\n`);
      const measured: MeasuredNight[] = [];
      for (let night = 1; night <= nights; night += 1) {
        const found = await measureNight(sync, stack.current());
        measured.push(found);
        sayNight(night, found);
      }
      sayFloor(contacts, await measureFloor(stack.current().mirror?.url ?? '', contacts, seed), measured);
      return { contacts, nights: measured };
    } finally {
      await stack.stop();
    }
  } finally {
    await rm(stateDir, { recursive: true, force: true });
  }
}

function sayNight(
  night: number,
  { report, processor, workerPeakMegabytes, historyEvents, largestPayloadBytes, activities, ...measured }: MeasuredNight,
): void {
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
    `API calls ${count(report.apiCalls.used)}; worker's peak memory ${count(workerPeakMegabytes)} MB; history events ${count(historyEvents.all)} in all, ${count(historyEvents.longest)} in the longest workflow, the largest payload ${count(largestPayloadBytes)} bytes`,
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

function sayFloor(contacts: number, floor: Floor, measured: readonly MeasuredNight[]): void {
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
  say(`${renderTable(['floor', 'seconds', ...measured.map((_, at) => `night ${at + 1}`)], rows)}\n`);
}

const planAndApply = (night: MeasuredNight): number => night.stepSeconds.plan + night.stepSeconds.apply;
const withoutSimulator = (night: MeasuredNight): number => night.seconds - night.processor.simulator;

if (process.exitCode === undefined && !values.help) await bench();
