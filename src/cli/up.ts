import path from 'node:path';
import type { Command } from 'commander';
import { readEnvironment } from '../config/environment.ts';
import { startStack } from '../local/stack.ts';
import type { PartName } from '../local/stack.ts';
import { addExamples, defaultConfigFile, defaultStateDir } from './options.ts';
import { note, print } from './output.ts';
import { aborted, endingSignal } from './signals.ts';
import { settingsOfStack, writeStackSettings } from './stack-settings.ts';
import type { StackSettings } from './stack-settings.ts';

interface UpOptions {
  readonly config: string;
  readonly state: string;
}

export function define(command: Command): void {
  command
    .option('--config <file>', 'settings', defaultConfigFile)
    .option('--state <dir>', 'where the stack keeps its state; started again on it, it goes on', defaultStateDir)
    .action(up);
  addExamples(command, 'up', 'up --config crm-sync.yaml --state /var/lib/crm-sync');
  command.addHelpText(
    'after',
    '\nStarts what the settings name no address of: PostgreSQL, Temporal (unless TEMPORAL_ADDRESS is set), an empty Salesforce simulator, and a worker.\nStays up until Ctrl-C. `crm-sync schedule apply` makes the nights come.',
  );
}

async function up({ config, state }: UpOptions): Promise<void> {
  const signal = endingSignal();
  const environment = readEnvironment();
  const stateDir = path.resolve(state);
  const source: StackSettings = { settingsFile: path.resolve(config), optional: false, defaults: {}, connections: 'fill', loaded: true };
  const { settings } = settingsOfStack(source, undefined, environment.variables);
  const parts: PartName[] = ['temporal', 'worker'];
  if (settings.ledger.url === undefined || settings.personalization.url === undefined) parts.push('postgres');
  if (settings.salesforce.loginUrl === undefined) {
    note('salesforce.loginUrl is not set: an empty Salesforce simulator takes its place');
    parts.push('simulator');
  }
  try {
    const stack = await startStack({
      stateDir,
      parts,
      environment,
      beforeWorker: () => writeStackSettings(stateDir, source),
      signal,
      onLine: note,
    });
    try {
      const { temporal } = stack.current();
      print(`up: Temporal ${temporal?.address ?? ''}${temporal?.ui === undefined ? '' : `, web UI ${temporal.ui}`}, state ${state}`);
      print(`Try next: crm-sync doctor --state ${state}; crm-sync schedule apply --state ${state}; crm-sync run --preview --wait --state ${state}`);
      await aborted(signal);
    } finally {
      await stack.stop();
    }
  } catch (error) {
    if (!signal.aborted) throw error;
  }
}
