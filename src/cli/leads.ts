import type { Command } from 'commander';
import { connect } from './connections.ts';
import { readLeads, switchLeads } from './lead-switch.ts';
import { addExamples, addPlaceOptions } from './options.ts';
import type { PlaceOptions } from './options.ts';
import { print, printJson } from './output.ts';

interface LeadOptions extends PlaceOptions {
  readonly json?: boolean;
}

export function define(command: Command): void {
  const verbs = [
    ['on', 'leads take part, in a run in progress and in later ones', true],
    ['off', 'leads take no part any more', false],
    ['status', 'show the switch', undefined],
  ] as const;
  for (const [verb, summary, enabled] of verbs) {
    const sub = command
      .command(verb)
      .summary(summary)
      .description(`${summary.charAt(0).toUpperCase()}${summary.slice(1)}.`);
    addPlaceOptions(sub.option('--json', 'one JSON document')).action((options: LeadOptions) => leads(enabled, options));
    addExamples(sub, `leads ${verb}`);
  }
  addExamples(command, 'leads on', 'leads status --json');
}

async function leads(enabled: boolean | undefined, options: LeadOptions): Promise<void> {
  await using sync = await connect(options);
  const client = await sync.client();
  const state = enabled === undefined ? await readLeads(client, sync.name) : await switchLeads(client, sync.name, enabled);
  if (options.json === true) printJson({ enabled: state.enabled, revision: state.revision });
  else print(`leads are ${state.enabled ? 'on' : 'off'}`);
}
