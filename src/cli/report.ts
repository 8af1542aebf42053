import type { Command } from 'commander';
import { Failure } from '../domain/failure.ts';
import { renderReport } from '../operator/report.ts';
import { writeRunFiles } from '../operator/run-files.ts';
import { findRun } from '../operator/runs.ts';
import { connect } from './connections.ts';
import { addExamples, addPlaceOptions } from './options.ts';
import type { PlaceOptions } from './options.ts';
import { note, print, printJson } from './output.ts';

interface ReportOptions extends PlaceOptions {
  readonly out?: string;
  readonly json?: boolean;
}

export function define(command: Command): void {
  command
    .argument('[run]', 'key of a run, or the beginning of one (default: the newest that has ended)')
    .option('--out <dir>', 'write report.json, records.csv, intents.csv and rejects.csv there')
    .option('--json', 'report.json instead of a table');
  addPlaceOptions(command).action(report);
  addExamples(command, 'report', 'report --json', 'report 20260930T020000Z --out out');
}

async function report(named: string | undefined, options: ReportOptions): Promise<void> {
  await using sync = await connect(options);
  const database = await sync.ledger();
  const run = await findRun(database, named);
  if (run.report === null)
    throw new Failure(`run ${run.run} has no report: it is ${run.status}`, {
      kind: 'permanent',
      code: 'REPORT_MISSING',
      remedy:
        run.finishedAt === null
          ? '`crm-sync status` shows how it goes on.'
          : "The run failed before it could write one; Temporal's web UI shows where.",
    });
  if (options.json === true) printJson(run.report);
  else print(renderReport(run.report));
  if (options.out !== undefined) note(`written: ${(await writeRunFiles(database, run, options.out)).join(', ')}`);
}
