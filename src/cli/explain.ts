import type { Command } from 'commander';
import { renderExplanation } from '../operator/explain-text.ts';
import { explain } from '../operator/explain.ts';
import { connect } from './connections.ts';
import { addExamples, addPlaceOptions, wholeNumber } from './options.ts';
import type { PlaceOptions } from './options.ts';
import { print, printJson } from './output.ts';

interface ExplainOptions extends PlaceOptions {
  readonly json?: boolean;
  readonly runs: number;
}

export function define(command: Command): void {
  command
    .description(
      'Tells everything known of one record or person: what became of it in the last runs and why, who has a value in common with it, every link it ever had, decisions, its values with the run that wrote each, and its writes.',
    )
    .argument('<id>', 'a Salesforce id (15 or 18 characters), or the id of a Personalization user or account')
    .option('--runs <n>', 'outcomes and writes of the newest n runs', wholeNumber(1, 1_000), 3)
    .option('--json', 'one JSON document');
  addPlaceOptions(command).action(explainId);
  addExamples(command, 'explain 003000000000001AAA', 'explain u-1017 --json', 'explain 00Q000000000001 --runs 30');
}

async function explainId(id: string, options: ExplainOptions): Promise<void> {
  await using sync = await connect(options);
  const explanation = await explain(await sync.ledger(), id, options.runs);
  if (options.json === true) printJson(explanation);
  else print(renderExplanation(explanation));
}
