import type { Command } from 'commander';
import { usageFailure } from '../domain/failure.ts';
import { runInProgress } from '../ledger/between-runs.ts';
import { decide, decisionKinds } from '../ledger/decisions.ts';
import type { Decision, DecisionKind } from '../ledger/decisions.ts';
import { reviewCsv } from '../operator/review-list.ts';
import { requireKnown, requireRecord, restsBecause } from '../operator/review-pair.ts';
import type { NamedRecord } from '../operator/review-pair.ts';
import { connect } from './connections.ts';
import { addListOptions, showCsv } from './lists.ts';
import type { ListOptions } from './lists.ts';
import { operatorName } from './operator-name.ts';
import { addExamples, addPlaceOptions } from './options.ts';
import type { PlaceOptions } from './options.ts';
import { note, print, printJson } from './output.ts';

interface DecideOptions extends PlaceOptions {
  readonly note?: string;
  readonly json?: boolean;
}

const summaries = {
  pin: 'link the two from the next run on, before everything else',
  unpin: 'end a pin; the link that came of it stays',
  block: 'never link the two; a link between them ends',
  unblock: 'let the two be candidates again',
  unlink: 'end the link of the two and block them',
} as const satisfies Record<DecisionKind, string>;

const examplePair = '003000000000001AAA u-1017';

export function define(command: Command): void {
  const list = command
    .command('list')
    .summary('list what waits for a decision, and the decisions that count')
    .description(
      'Lists the records that the last run could not settle, with their candidates, pins that rest, pins in force, and blocked pairs.\n' +
        'Kinds: ambiguous and conflicting records (sub-tier link: several links met at one record), restingPin, pin, block.',
    );
  addListOptions(list);
  addPlaceOptions(list).action(showReview);
  addExamples(list, 'review list', 'review list --csv > review.csv');
  for (const kind of decisionKinds) {
    const sub = command
      .command(kind)
      .summary(summaries[kind])
      .description(
        `${summaries[kind].charAt(0).toUpperCase()}${summaries[kind].slice(1)}. The object follows from the id's prefix: 001 account, 003 contact, 00Q lead.`,
      )
      .argument('<salesforceId>', 'id of the record, 15 or 18 characters')
      .argument('<personId>', 'id of the Personalization user, or of the account for an account; put -- before one that begins with a hyphen')
      .option('--note <text>', 'why, for those who read it later')
      .option('--json', 'one JSON document');
    addPlaceOptions(sub).action((id: string, person: string, options: DecideOptions) => decidePair(kind, id, person, options));
    addExamples(sub, `review ${kind} ${examplePair}${kind === 'pin' ? ' --note "asked Ann"' : ''}`);
  }
  addExamples(command, 'review list', `review pin ${examplePair} --note "asked Ann"`, `review unlink ${examplePair}`);
}

async function showReview(options: ListOptions): Promise<void> {
  await using sync = await connect(options);
  const shown = ['kind', 'object', 'salesforceId', 'personalizationId', 'subTier', 'decision', 'reason', 'candidates'];
  await showCsv(await reviewCsv(await sync.ledger()), shown, options, 'to review, and decided');
}

async function decidePair(kind: DecisionKind, id: string, persId: string, options: DecideOptions): Promise<void> {
  const record = requireRecord(id);
  if (persId.trim() === '') throw usageFailure('the id of the person is blank');
  await using sync = await connect(options);
  const database = await sync.ledger();
  await requireKnown(database, kind, record, persId);
  const decision = await database.transaction((tx) =>
    decide(tx, { kind, ...record, persId, by: operatorName(), ...(options.note === undefined ? {} : { note: options.note }) }),
  );
  const open = await runInProgress(database);
  if (options.json === true) {
    const { object, crmId } = record;
    printJson({ kind, object, salesforceId: crmId, personalizationId: persId, ...decision, runInProgress: open?.run ?? null });
    return;
  }
  print(saidOf(kind, record, persId, decision));
  if (kind === 'pin') {
    const rests = await restsBecause(database, record);
    if (rests !== null) note(`the pin rests for now: the ${record.object} is ${rests === 'recordUnknown' ? 'not in the org' : rests}`);
  }
  if (open !== undefined && decision.changed)
    note(
      kind === 'block' || kind === 'unlink'
        ? `run ${open.run} is in progress: what it has not written of the two yet it will not write`
        : `run ${open.run} is in progress and does not see this any more: it counts from the next run on`,
    );
}

function saidOf(kind: DecisionKind, { object, crmId }: NamedRecord, persId: string, { changed, linkEnded }: Decision): string {
  const pair = `${object} ${crmId} and ${persId}`;
  const ended = linkEnded ? '; their link has ended, what was written stays' : '';
  if (!changed) return `nothing to do: that was decided before on ${pair}${ended}`;
  const said = {
    pin: `pinned: ${pair}; the next run links them`,
    unpin: `the pin of ${pair} has ended; a link between them stays`,
    block: `blocked: ${pair}${ended}`,
    unblock: `no longer blocked: ${pair}; the next run may match them`,
    unlink: `unlinked and blocked: ${pair}${ended}`,
  } as const satisfies Record<DecisionKind, string>;
  return said[kind];
}
