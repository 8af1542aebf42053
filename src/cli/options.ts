import type { Command } from 'commander';
import { InvalidArgumentError } from 'commander';

/** Where a command finds its sync. */
export interface PlaceOptions {
  readonly state?: string;
  readonly config?: string;
}

/** Where the embedded stack keeps its state unless told otherwise. */
export const defaultStateDir = '.crm-sync';
export const defaultConfigFile = 'crm-sync.yaml';

export function addPlaceOptions(command: Command): Command {
  return command
    .option('--state <dir>', `the state directory of the stack to talk to (default: ${defaultStateDir} if a stack runs there)`)
    .option('--config <file>', `settings with the connections, if no stack is meant (default: ${defaultConfigFile})`);
}

export function addExamples(command: Command, ...examples: readonly string[]): Command {
  const lines = examples.map((example) => `  $ crm-sync ${example}`);
  return command.addHelpText('after', `\nExample${examples.length > 1 ? 's' : ''}:\n${lines.join('\n')}`);
}

/** Of an option that takes a whole number. */
export function wholeNumber(from: number, to: number): (text: string) => number {
  return (text) => {
    const value = Number(text);
    if (!/^\d+$/.test(text) || value < from || value > to) throw new InvalidArgumentError(`A whole number from ${from} to ${to} is needed.`);
    return value;
  };
}
