import Table from 'cli-table3';
import type { Command } from 'commander';
import { exportLinks } from '../operator/links-export.ts';
import { importLinks } from '../operator/links-import.ts';
import { endLinksMeant, linksMeant, meantFilter } from '../operator/links-reset.ts';
import type { LinkFilter, LinkGroup } from '../operator/links-reset.ts';
import { betweenRuns } from './between-runs.ts';
import { connect } from './connections.ts';
import { operatorName } from './operator-name.ts';
import { addExamples, addPlaceOptions } from './options.ts';
import type { PlaceOptions } from './options.ts';
import { count, note, print, printJson } from './output.ts';

interface JsonOption extends PlaceOptions {
  readonly json?: boolean;
}

interface ResetOptions extends JsonOption, LinkFilter {
  readonly preview?: boolean;
}

export function define(command: Command): void {
  const reset = command
    .command('reset')
    .summary('end links in bulk, all or those that one setting made')
    .description(
      'Ends links in bulk, to take back a wrong match setting. Blocks nothing: the next run matches the records anew. Without --sub-tier, --field and --run all links end.\n' +
        'Values that were written stay. Refused while a run is in progress.',
    )
    .option('--sub-tier <t>', 'only links made by this sub-tier: pin, id, converted, field, email, name, contacts')
    .option('--field <f>', 'only links made by this CRM field')
    .option('--run <r>', 'only links made by this run; the beginning of its key will do')
    .option('--preview', 'count them, end none')
    .option('--json', 'one JSON document');
  addPlaceOptions(reset).action(resetLinks);
  addExamples(reset, 'links reset --sub-tier name --preview', 'links reset --field Phone', 'links reset --run 20260930T020000Z');

  const save = command.command('export').summary('save links, their history and all decisions to a file');
  addPlaceOptions(
    save
      .description(
        'Saves links, their history, pins and blocks to a file, one JSON document a line, and what the org made of values that it changes on saving, so that they are not sent again after\n' +
          'a restore. The file holds personal data.',
      )
      .argument('<file>', 'the file; an older one is replaced'),
  )
    .option('--json', 'one JSON document')
    .action(exportTo);
  addExamples(save, 'links export links.jsonl');

  const restore = command.command('import').summary('restore links and decisions from such a file');
  addPlaceOptions(
    restore
      .description(
        'Restores links, their history, pins and blocks from a file of `links export`, all or nothing. What is there already stays; what contradicts it is listed and refused,\n' +
          'and so is a file of another org or store. Refused while a run is in progress.',
      )
      .argument('<file>', 'a file of `links export`'),
  )
    .option('--json', 'one JSON document')
    .action(importFrom);
  addExamples(restore, 'links import links.jsonl');
  addExamples(command, 'links reset --sub-tier name --preview', 'links export links.jsonl', 'links import links.jsonl');
}

async function resetLinks(options: ResetOptions): Promise<void> {
  await using sync = await connect(options);
  const database = await sync.ledger();
  const filter = await meantFilter(database, options);
  if (options.preview === true) {
    const groups = await linksMeant(database, filter);
    if (options.json === true) printJson({ preview: true, ended: 0, groups });
    else if (groups.length === 0) print('no link is meant');
    else print(`${tableOf(groups)}\n${said(groups)} would end`);
    return;
  }
  const { groups, ended } = await betweenRuns(sync, 'links reset', async (tx) => ({
    groups: await linksMeant(tx, filter),
    ended: await endLinksMeant(tx, filter, operatorName()),
  }));
  if (options.json === true) printJson({ preview: false, ended, groups });
  else if (ended === 0) print('no link is meant: none has ended');
  else {
    print(`${tableOf(groups)}\n${said(groups)} ended`);
    note('the next run matches these records anew; what was written stays');
  }
}

function said(groups: readonly LinkGroup[]): string {
  const links = groups.reduce((sum, group) => sum + group.links, 0);
  return `${count(links)} ${links === 1 ? 'link' : 'links'}`;
}

function tableOf(groups: readonly LinkGroup[]): string {
  const table = new Table({ head: ['object', 'sub-tier', 'CRM field', 'attribute', 'links'], style: { head: [], border: [], compact: true } });
  table.push(
    ...groups.map(({ object, subTier, field, attribute, links }) => [
      object,
      subTier,
      field ?? '',
      attribute ?? '',
      { content: count(links), hAlign: 'right' as const },
    ]),
  );
  return table.toString();
}

async function exportTo(file: string, options: JsonOption): Promise<void> {
  await using sync = await connect(options);
  const exported = await exportLinks(await sync.ledger(), file);
  if (options.json === true) printJson({ file, ...exported });
  else
    print(
      `${file}: ${count(exported.open)} links, ${count(exported.links - exported.open)} that have ended, ${count(exported.decisions)} decisions, ${count(exported.written)} values that the org changed on saving`,
    );
}

async function importFrom(file: string, options: JsonOption): Promise<void> {
  await using sync = await connect(options);
  const imported = await betweenRuns(sync, 'links import', (tx) => importLinks(tx, file));
  if (options.json === true) printJson({ file, ...imported });
  else
    print(
      `${file}: ${count(imported.links)} links restored, ${count(imported.known)} were there already; ${count(imported.ended)} ended ones and ${count(imported.decisions)} decisions added`,
    );
}
