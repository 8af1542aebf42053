/** One synthetic org through four nights, the first, the second, a quiet one, and one after 5 % of both sides changed: `node bench/nights.ts`. See README.md. */
import { cpus, loadavg, tmpdir, totalmem } from 'node:os';
import { mkdtemp, rm } from 'node:fs/promises';
import path from 'node:path';
import { parseArgs } from 'node:util';
import { connect } from '../src/cli/connections.ts';
import { steps } from '../src/domain/progress.ts';
import { bringUp } from './bring-up.ts';
import { editShare, letAnHourPass } from './edits.ts';
import { measureNight } from './measured-night.ts';
import type { MeasuredNight } from './measured-night.ts';
import { count, renderTable, seconds } from './table.ts';

const { values } = parseArgs({
  options: {
    contacts: { type: 'string', default: '100000' },
    seed: { type: 'string', default: '1' },
    share: { type: 'string', default: '0.05' },
    keys: { type: 'boolean', default: false },
    activities: { type: 'boolean', default: false },
    help: { type: 'boolean', default: false },
  },
});
const [contacts, seed, share] = [Number(values.contacts), Number(values.seed), Number(values.share)];

const say = (text: string): void => void process.stdout.write(`${text}\n`);

if (values.help || ![contacts, seed].every((each) => Number.isSafeInteger(each) && each >= 1) || !(share > 0 && share <= 1)) {
  process.stderr.write('usage: node bench/nights.ts [--contacts N] [--seed S] [--share 0.05] [--keys] [--activities]\n');
  process.exitCode = values.help ? 0 : 2;
}

interface NamedNight {
  readonly name: string;
  readonly night: MeasuredNight;
}

async function bench(): Promise<void> {
  const stateDir = await mkdtemp(path.join(tmpdir(), 'crm-sync-bench-'));
  try {
    const stack = await bringUp(stateDir, { contacts, seed });
    try {
      await using sync = await connect({ state: stateDir });
      const [processor] = cpus();
      say(
        `${count(contacts)} contacts, ${count(contacts)} users, ${count(contacts / 10)} accounts of each side; seed ${seed}; an hour of the org's clock between the nights`,
      );
      say(
        `${cpus().length} x ${processor?.model ?? 'unknown processor'}, ${Math.round(totalmem() / 2 ** 30)} GiB; Node ${process.version}; load average ${(loadavg()[0] ?? 0).toFixed(1)} before the first night\n`,
      );
      const nights: NamedNight[] = [];
      const run = async (name: string): Promise<void> => {
        const night = await measureNight(sync, stack.current());
        nights.push({ name, night });
        if (values.activities) sayActivities(name, night);
        await letAnHourPass(stack.current());
      };
      await run('first');
      await run('second');
      await run('third, quiet');
      const edited = await editShare(stack.current(), contacts, share, values.keys);
      // A window leaves out the second that is not over yet: what was changed in it would wait for the night after.
      await letAnHourPass(stack.current());
      await run(`fourth, ${share * 100} % changed${values.keys ? ', keys too' : ''}`);
      say(`changed before the fourth: ${count(edited.contacts)} contacts, ${count(edited.users)} users\n`);
      sayNights(nights);
    } finally {
      await stack.stop();
    }
  } finally {
    await rm(stateDir, { recursive: true, force: true });
  }
}

function sayNights(nights: readonly NamedNight[]): void {
  const first = nights[0]?.night;
  const rowsRead = ({ activities }: MeasuredNight, objects: readonly string[]): number =>
    activities.filter(({ step, object }) => step === 'fetch.page' && objects.includes(object)).reduce((sum, { records }) => sum + records, 0);
  say(
    renderTable(
      [
        'night',
        'seconds',
        'of the first',
        'rows of Salesforce',
        'rows of Personalization',
        'intents',
        'API calls',
        ...steps.map((step) => `${step} s`),
      ],
      nights.map(({ name, night }) => [
        name,
        seconds(night.seconds),
        first === undefined ? '-' : `${((night.seconds / first.seconds) * 100).toFixed(1)} %`,
        count(rowsRead(night, ['account', 'contact', 'lead'])),
        count(rowsRead(night, ['users', 'accounts'])),
        count(Object.values(night.report.intents).reduce((sum, side) => sum + Object.values(side).reduce((all, intents) => all + intents, 0), 0)),
        count(night.report.apiCalls.used),
        ...steps.map((step) => seconds(night.stepSeconds[step])),
      ]),
    ),
  );
}

function sayActivities(name: string, { activities }: MeasuredNight): void {
  say(`${name}:`);
  say(
    renderTable(
      ['activity', 'parts', 'records', 'seconds'],
      activities.map(({ step, object, parts, records, seconds: taken }) => [`${step} ${object}`, count(parts), count(records), seconds(taken)]),
    ),
  );
  say('');
}

if (process.exitCode === undefined && !values.help) await bench();
