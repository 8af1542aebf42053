import type { Command } from 'commander';
import { connect } from './connections.ts';
import { examine } from './doctor-checks.ts';
import type { Finding } from './doctor-checks.ts';
import { addExamples, addPlaceOptions } from './options.ts';
import type { PlaceOptions } from './options.ts';
import { print, printJson } from './output.ts';

interface DoctorOptions extends PlaceOptions {
  readonly json?: boolean;
}

export function define(command: Command): void {
  addPlaceOptions(command.option('--json', 'one JSON document')).action(doctor);
  addExamples(command, 'doctor', 'doctor --config crm-sync.yaml --json');
  command.addHelpText(
    'after',
    '\nReads only. Exit codes: 0 fit for a night (warnings included), 1 something cannot be reached or is not allowed, 2 the settings are wrong.',
  );
}

async function doctor(options: DoctorOptions): Promise<void> {
  await using sync = await connect(options);
  const findings: Finding[] = [];
  for await (const finding of examine(sync, Date.now())) {
    findings.push(finding);
    if (options.json !== true) printFinding(finding);
  }
  const failed = findings.filter(({ result }) => result === 'fail');
  if (options.json === true) printJson({ fit: failed.length === 0, findings: findings.map(({ exitCode: _exitCode, ...finding }) => finding) });
  process.exitCode = failed.length === 0 ? 0 : Math.max(...failed.map(({ exitCode }) => exitCode));
}

function printFinding({ check, result, message, remedy }: Finding): void {
  const [first = '', ...more] = message.split('\n');
  print(`${result.padEnd(4)}  ${check}: ${first}`);
  for (const line of more) print(`      ${line}`);
  if (remedy !== undefined) print(`      ${remedy}`);
}
