import { writeFile } from 'node:fs/promises';
import type { Command } from 'commander';
import { renderSettingsHelp } from '../config/listing.ts';
import { renderTemplate } from '../config/template.ts';
import { Failure, usageFailure } from '../domain/failure.ts';
import { addExamples, defaultConfigFile } from './options.ts';
import { print } from './output.ts';

interface InitOptions {
  readonly config: string;
  readonly force?: boolean;
  readonly stdout?: boolean;
}

export function define(command: Command): void {
  command
    .option('--config <file>', 'the file to write', defaultConfigFile)
    .option('--force', 'replace a file that is there')
    .option('--stdout', 'print it instead')
    .action(init);
  addExamples(command, 'init', 'init --config nights.yaml');
  command.addHelpText('after', () => `\n${renderSettingsHelp()}`);
}

async function init({ config, force, stdout }: InitOptions): Promise<void> {
  if (stdout === true) {
    print(renderTemplate().trimEnd());
    return;
  }
  try {
    await writeFile(config, renderTemplate(), { flag: force === true ? 'w' : 'wx', mode: 0o600 });
  } catch (error) {
    const { code } = error as NodeJS.ErrnoException;
    if (code === 'EEXIST') throw usageFailure(`${config} is there already`, 'Name another file with --config, or replace it with --force.');
    throw new Failure(`${config} cannot be written (${code ?? 'no cause given'})`, {
      kind: 'permanent',
      code: 'INIT',
      remedy: 'Check the path, its permissions and the space on its disk.',
      cause: error,
    });
  }
  print(`${config} is written: every setting with its default. Fill in the connections, then check it with \`crm-sync doctor\`.`);
}
