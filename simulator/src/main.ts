import { readFileSync } from 'node:fs';
import { parseArgs } from 'node:util';
import { isObject } from './body.ts';
import { StartError } from './errors.ts';
import { settingNames } from './settings.ts';
import type { Settings } from './settings.ts';
import { startSimulator } from './simulator.ts';

const help = `Usage: node simulator/src/main.ts --port N [--data DIR] [--synthetic N --seed S] [--state DIR] [--keep-email-case] [--person-accounts] [--settings FILE] [--faults FILE] [--host ADDRESS]

A Salesforce org over HTTP on this machine. When it answers it prints one JSON line: url and credentials.

  --port N            the port; 0 takes a free one
  --data DIR          loads Account.csv, Contact.csv, Lead.csv and schema.json of DIR
  --synthetic N       makes N contacts, N/10 accounts and N/5 leads
  --seed S            the seed of --synthetic, a whole number (default 1)
  --state DIR         keeps the org in DIR; started again on it, the org goes on (default: a temporary directory)
  --keep-email-case   does not lower-case e-mail values
  --person-accounts   the org has person accounts (also when the data says so)
  --settings FILE     a JSON object of settings, as POST /__simulator/settings takes them
  --faults FILE       the faults to answer with, as PUT /__simulator/faults takes them
  --host ADDRESS      listens there (default 127.0.0.1: this machine only)

Example: node simulator/src/main.ts --port 8100 --synthetic 10000 --seed 7
`;

function wholeNumber(name: string, text: string, max: number): number {
  const number = Number(text);
  if (!/^\d+$/.test(text) || number > max) throw new StartError(`--${name} takes a whole number from 0 to ${max}, not '${text}'`, 2);
  return number;
}

function readArguments(args: readonly string[]) {
  try {
    return parseArgs({
      args: [...args],
      options: {
        port: { type: 'string' },
        host: { type: 'string' },
        data: { type: 'string' },
        state: { type: 'string' },
        synthetic: { type: 'string' },
        seed: { type: 'string' },
        faults: { type: 'string' },
        'keep-email-case': { type: 'boolean' },
        'person-accounts': { type: 'boolean' },
        settings: { type: 'string' },
        help: { type: 'boolean', short: 'h' },
      },
    }).values;
  } catch (error) {
    throw new StartError(`${error instanceof Error ? error.message : String(error)}; see --help`, 2);
  }
}

/** @throws {StartError} no such file, or no JSON */
function readJsonFile(option: string, file: string): unknown {
  try {
    return JSON.parse(readFileSync(file, 'utf8'));
  } catch (error) {
    throw new StartError(`--${option} ${file} cannot be read: ${error instanceof Error ? error.message : String(error)}`, 2);
  }
}

/** The settings of a file; the simulator checks them. @throws {StartError} no such file, no JSON object, an unknown setting */
function readSettingsFile(file: string): Partial<Settings> {
  const json = readJsonFile('settings', file);
  if (!isObject(json)) throw new StartError(`--settings ${file}: an object like {"commitDelaySeconds": 5} is expected`, 2);
  const unknown = Object.keys(json).find((name) => !(settingNames as readonly string[]).includes(name));
  if (unknown !== undefined) throw new StartError(`--settings ${file}: there is no setting ${unknown}; there are ${settingNames.join(', ')}`, 2);
  return json as Partial<Settings>;
}

async function main(): Promise<void> {
  const given = readArguments(process.argv.slice(2));
  if (given.help === true) {
    process.stdout.write(help);
    return;
  }
  if (given.port === undefined) throw new StartError('--port is missing; give a port, or 0 for a free one', 2);
  if (given.data === undefined && given.synthetic === undefined && given.state === undefined)
    throw new StartError('no data: give --data DIR, --synthetic N, or --state DIR of an earlier start', 2);
  if (given.seed !== undefined && given.synthetic === undefined) throw new StartError('--seed belongs to --synthetic N; give both', 2);
  const simulator = await startSimulator({
    ...(given.settings === undefined ? {} : readSettingsFile(given.settings)),
    port: wholeNumber('port', given.port, 65_535),
    ...(given.host === undefined ? {} : { host: given.host }),
    ...(given.data === undefined ? {} : { dataDirectory: given.data }),
    ...(given.state === undefined ? {} : { stateDirectory: given.state }),
    ...(given.synthetic === undefined
      ? {}
      : {
          synthetic: {
            contacts: wholeNumber('synthetic', given.synthetic, 100_000_000),
            seed: wholeNumber('seed', given.seed ?? '1', 4_294_967_295),
          },
        }),
    ...(given.faults === undefined ? {} : { faults: readJsonFile('faults', given.faults) }),
    ...(given['keep-email-case'] === true ? { keepEmailCase: true } : {}),
    ...(given['person-accounts'] === true ? { personAccounts: true } : {}),
    warn: (line) => process.stderr.write(`${line}\n`),
  });
  const stop = (): void => {
    void simulator.stop().then(() => process.exit(0));
  };
  process.once('SIGTERM', stop);
  process.once('SIGINT', stop);
  const { clientId, clientSecret, username, password, refreshToken, privateKeyFile } = simulator.credentials;
  process.stdout.write(`${JSON.stringify({ url: simulator.url, clientId, clientSecret, username, password, refreshToken, privateKeyFile })}\n`);
}

main().catch((error: unknown) => {
  const isKnown = error instanceof StartError;
  process.stderr.write(`simulator: ${isKnown ? error.message : error instanceof Error ? error.stack : String(error)}\n`);
  process.exit(isKnown ? error.exitCode : 1);
});
