import { readFileSync } from 'node:fs';
import path from 'node:path';
import { Command, CommanderError } from 'commander';
import { readEnvironment } from '../config/environment.ts';
import { programRoot } from '../local/places.ts';
import { commands } from './commands.ts';
import type { CommandModule } from './commands.ts';
import { describeError } from './errors.ts';
import { endWith, note, ReaderGone } from './output.ts';

interface Manifest {
  readonly name: string;
  readonly version: string;
}

/** The version in the package.json of the checkout or the package, which is one folder above a compiled program. */
function version(): string {
  for (const folder of [programRoot, path.dirname(programRoot)]) {
    try {
      const { name, version: found } = JSON.parse(readFileSync(path.join(folder, 'package.json'), 'utf8')) as Manifest;
      if (name === 'crm-sync') return found;
    } catch (error) {
      if ((error as NodeJS.ErrnoException).code !== 'ENOENT') throw error;
    }
  }
  return 'unknown';
}

/** The command that the arguments are about: the first word, or the one after `help`. */
function wantedCommand(args: readonly string[]): string | undefined {
  const words = args.filter((arg) => !arg.startsWith('-'));
  return words[0] === 'help' ? words[1] : words[0];
}

async function programFor(args: readonly string[]): Promise<Command> {
  const program = new Command('crm-sync')
    .description('Shares data between Salesforce CRM and a Personalization system every night, both ways, durably, on Temporal.')
    .version(version(), '-V, --version', 'print the version')
    .helpOption('-h, --help', 'show help')
    .showSuggestionAfterError()
    .showHelpAfterError('(--help shows what is allowed)')
    .exitOverride()
    .addHelpText('after', '\nExample:\n  $ crm-sync demo --once --out out\n\nExit codes: 0 done, 1 failed, 2 wrong usage or settings, 3 partial.\n');
  const wanted = wantedCommand(args);
  for (const [name, { summary, load }] of Object.entries(commands)) {
    const command = program
      .command(name)
      .description(`${summary.charAt(0).toUpperCase()}${summary.slice(1)}.`)
      .summary(summary);
    if (name === wanted) {
      const { define }: CommandModule = await load();
      define(command);
    }
  }
  return program;
}

async function main(args: readonly string[]): Promise<number> {
  const debug = Boolean(readEnvironment().variables['CRM_SYNC_DEBUG']);
  try {
    const program = await programFor(args);
    await program.parseAsync([...args], { from: 'user' });
    return Number(process.exitCode ?? 0);
  } catch (error) {
    // Help and version were printed; wrong usage was said.
    if (error instanceof CommanderError) return error.exitCode === 0 ? 0 : 2;
    if (error instanceof ReaderGone) return 0;
    const { lines, exitCode } = describeError(error, debug);
    for (const line of lines) note(line);
    return exitCode;
  }
}

await endWith(await main(process.argv.slice(2)));
