import type { Command } from 'commander';
import { exportFeeds } from '../personalization/feed-export.ts';
import { importFeeds } from '../personalization/feeds.ts';
import type { ImportedFile } from '../personalization/feeds.ts';
import { connect } from './connections.ts';
import { addExamples, addPlaceOptions } from './options.ts';
import type { PlaceOptions } from './options.ts';
import { count, note, print, printJson } from './output.ts';

interface JsonOption extends PlaceOptions {
  readonly json?: boolean;
}

export function define(command: Command): void {
  const into = command
    .command('import')
    .summary('load user and account feeds (CSV)')
    .argument('<file...>', 'feeds; loaded in the order of their names');
  addPlaceOptions(into.description('Loads user and account feeds (CSV) into the profile store; a later row wins.'))
    .option('--json', 'one JSON document')
    .action(importFiles);
  addExamples(into, 'personalization import user-1.csv account-1.csv');

  const out = command.command('export').summary('write user-export.csv and account-export.csv').argument('<dir>', 'folder; made if it is missing');
  addPlaceOptions(out.description('Writes user-export.csv and account-export.csv, in the form that import reads.'))
    .option('--json', 'one JSON document')
    .action(exportTo);
  addExamples(out, 'personalization export backup');

  const remove = command.command('delete').summary('delete users').argument('<user...>', 'user ids');
  addPlaceOptions(remove.description('Deletes users with all their values from the profile store.'))
    .option('--json', 'one JSON document')
    .action(deleteUsers);
  addExamples(remove, 'personalization delete u-1017');
  addExamples(command, 'personalization import user-1.csv', 'personalization export backup');
}

async function importFiles(files: readonly string[], options: JsonOption): Promise<void> {
  await using sync = await connect(options);
  const imported = await importFeeds(await sync.store(), files, ({ file, line, problem }) => note(`${file}:${line}: ${problem}; skipped`));
  if (options.json === true) printJson(imported);
  else for (const each of imported) print(importLine(each));
}

/** `user-1.csv: 1,200 users (1,200 new, 0 changed), 2 rows skipped` */
export function importLine({ file, kind, rows, skipped, created, updated }: ImportedFile): string {
  const bad = skipped === 0 ? '' : `, ${count(skipped)} rows skipped`;
  return `${file}: ${count(rows)} rows of ${kind}s (${count(created)} new, ${count(updated)} changed)${bad}`;
}

async function exportTo(directory: string, options: JsonOption): Promise<void> {
  await using sync = await connect(options);
  const exported = await exportFeeds(await sync.store(), directory);
  if (options.json === true) printJson(exported);
  else for (const { file, kind, rows } of exported) print(`${file}: ${count(rows)} ${kind}s`);
}

async function deleteUsers(users: readonly string[], options: JsonOption): Promise<void> {
  await using sync = await connect(options);
  const asked = new Set(users).size;
  const deleted = await (await sync.store()).deletePersons('user', users);
  if (options.json === true) printJson({ asked, deleted });
  else print(`${count(deleted)} of ${count(asked)} users deleted${deleted < asked ? '; the others are not in the store' : ''}`);
}
