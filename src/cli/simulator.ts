import type { Command } from 'commander';
import { inheritedEnvironment } from '../config/local.ts';
import { programFile } from '../local/places.ts';
import { addExamples, wholeNumber } from './options.ts';

interface SimulatorOptions {
  readonly port: number;
  readonly data?: string;
  readonly synthetic?: number;
  readonly seed?: number;
  readonly state?: string;
  readonly keepEmailCase?: boolean;
  readonly host?: string;
  readonly faults?: string;
  readonly settings?: string;
  readonly personAccounts?: boolean;
}

export function define(command: Command): void {
  command
    .requiredOption('--port <n>', 'the port; 0 takes a free one', wholeNumber(0, 65_535))
    .option('--data <dir>', 'load Account.csv, Contact.csv, Lead.csv and schema.json of this folder')
    .option('--synthetic <n>', 'make n contacts, n/10 accounts and n/5 leads', wholeNumber(0, 100_000_000))
    .option('--seed <n>', 'the seed of --synthetic (default: 1)', wholeNumber(0, 4_294_967_295))
    .option('--state <dir>', 'keep the org here; started again on it, the org goes on (default: a temporary folder)')
    .option('--keep-email-case', 'do not lower-case e-mail values on loading')
    .option('--host <address>', 'listen there (default: 127.0.0.1, this machine only)')
    .option('--person-accounts', 'the org has person accounts, also when the data does not say so')
    .option('--settings <file>', 'a JSON object of settings of the org')
    .option('--faults <file>', 'a JSON file of faults to answer with')
    .action(become);
  addExamples(command, 'simulator --port 8100 --data sample', 'simulator --port 0 --synthetic 10000 --seed 7');
  command.addHelpText(
    'after',
    '\nWhen it answers it prints one JSON line: url, clientId, clientSecret, username, password, refreshToken, privateKeyFile.',
  );
}

/** Becomes the simulator: no process in between, signals and exit code are its own. */
function become(options: SimulatorOptions): void {
  const text = (name: string, value: string | number | undefined): string[] => (value === undefined ? [] : [`--${name}`, String(value)]);
  const args = [
    programFile('simulator/src/main'),
    ...text('port', options.port),
    ...text('data', options.data),
    ...text('synthetic', options.synthetic),
    ...text('seed', options.seed),
    ...text('state', options.state),
    ...text('host', options.host),
    ...text('settings', options.settings),
    ...text('faults', options.faults),
    ...(options.personAccounts === true ? ['--person-accounts'] : []),
    ...(options.keepEmailCase === true ? ['--keep-email-case'] : []),
  ];
  process.execve?.(process.execPath, [process.execPath, ...args], inheritedEnvironment());
}
