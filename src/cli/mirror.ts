import type { Command } from 'commander';
import { schemaNames } from '../config/settings.ts';
import { forgetRuns, rebuildMirror } from '../mirror/rebuild.ts';
import { betweenRuns } from './between-runs.ts';
import { connect } from './connections.ts';
import { addExamples, addPlaceOptions } from './options.ts';
import type { PlaceOptions } from './options.ts';
import { note, print, printJson } from './output.ts';

interface RebuildOptions extends PlaceOptions {
  readonly json?: boolean;
}

export function define(command: Command): void {
  const rebuild = command
    .command('rebuild')
    .summary('drop the mirror; the next run reads everything anew')
    .description(
      'Drops the copy of both sides and makes an empty one. Links, pins, blocks, what was written, runs and reports stay: they are in the ledger. Records, intents and rejects of\n' +
        'earlier runs are gone; `crm-sync report RUN --out DIR` saves them beforehand. Refused while a run is in progress.',
    )
    .option('--json', 'one JSON document');
  addPlaceOptions(rebuild).action(rebuildTheMirror);
  addExamples(rebuild, 'mirror rebuild');
  addExamples(command, 'mirror rebuild');
}

async function rebuildTheMirror(options: RebuildOptions): Promise<void> {
  await using sync = await connect(options);
  const database = await sync.ledger();
  const { mirror } = schemaNames(sync.name);
  const runs = await betweenRuns(sync, 'mirror rebuild', async (tx) => {
    const forgotten = await forgetRuns(database, mirror);
    await rebuildMirror(tx, mirror);
    return forgotten;
  });
  if (options.json === true) printJson({ schema: mirror, runsForgotten: runs });
  else {
    print(`the mirror ${mirror} is empty; the next run reads both sides in full`);
    note('links, pins, blocks, runs and reports are as they were');
  }
}
