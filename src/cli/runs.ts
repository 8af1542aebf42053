import Table from 'cli-table3';
import type { Command } from 'commander';
import { outcomes } from '../domain/report.ts';
import { listRuns } from '../operator/runs.ts';
import type { RunSummary } from '../operator/runs.ts';
import { connect } from './connections.ts';
import { addExamples, addPlaceOptions, wholeNumber } from './options.ts';
import type { PlaceOptions } from './options.ts';
import { count, note, print, printJson } from './output.ts';

interface RunsOptions extends PlaceOptions {
  readonly limit: number;
  readonly json?: boolean;
  readonly csv?: boolean;
}

export function define(command: Command): void {
  command.option('--limit <n>', 'the newest n', wholeNumber(1, 100_000), 20).option('--json', 'one JSON document').option('--csv', 'CSV');
  addPlaceOptions(command).action(runs);
  addExamples(command, 'runs', 'runs --json --limit 100');
}

const columns = ['run', 'kind', 'status', 'startedAt', 'finishedAt', 'leads', 'records', 'linked', 'applied', 'rejected'] as const;

function rowOf({ run, kind, status, startedAt, finishedAt, leads, report }: RunSummary): Readonly<Record<(typeof columns)[number], string>> {
  const objects = report === null ? [] : Object.values(report.objects);
  const sides = report === null ? [] : Object.values(report.intents);
  const sum = (values: readonly number[]): string => (report === null ? '' : String(values.reduce((all, value) => all + value, 0)));
  return {
    run,
    kind,
    status,
    startedAt,
    finishedAt: finishedAt ?? '',
    leads: leads ? 'on' : 'off',
    records: sum(objects.flatMap((object) => outcomes.map((outcome) => object.outcomes[outcome]))),
    linked: sum(objects.map((object) => object.outcomes.linked)),
    applied: sum(sides.map((side) => side.applied)),
    rejected: sum(sides.map((side) => side.rejected)),
  };
}

async function runs(options: RunsOptions): Promise<void> {
  await using sync = await connect(options);
  const found = await listRuns(await sync.ledger(), options.limit);
  if (options.json === true) {
    printJson(found);
    return;
  }
  const rows = found.map(rowOf);
  if (options.csv === true) {
    // Keys, counts and times: nothing that needs quotes.
    print([columns.join(','), ...rows.map((row) => columns.map((column) => row[column]).join(','))].join('\n'));
    return;
  }
  if (rows.length === 0) note('no run yet');
  else {
    const table = new Table({ head: [...columns], style: { head: [], border: [], compact: true } });
    const shown = (text: string): string => (/^\d+$/.test(text) ? count(Number(text)) : text);
    table.push(...rows.map((row) => columns.map((column) => shown(row[column]))));
    print(table.toString());
  }
}
