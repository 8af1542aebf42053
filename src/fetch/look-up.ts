import type { PoolClient } from 'pg';
import { objectFacts } from '../domain/objects.ts';
import type { ObjectType } from '../domain/objects.ts';
import type { OpenRun } from '../ledger/runs.ts';
import { absorbRecords, nameFollowers } from '../mirror/absorb-records.ts';
import { crmColumns } from '../mirror/field-set.ts';
import { forgetFresh, forgetNamed, forgetRecords, knownDeleted, namedIds, nameForLookUp } from '../mirror/look-up.ts';
import { loadRead } from '../mirror/reads.ts';
import { copyPage, createStage, dropStage, stageTable } from '../mirror/stage.ts';
import { idsCondition, selectQuery } from '../salesforce/soql.ts';
import { scalarText } from '../salesforce/values.ts';
import type { FetchDependencies } from './dependencies.ts';
import { csvOf } from './rows.ts';
import { fitsAddress, isExpiredPlace, isReshape, mostTries, rowsMissing } from './spans.ts';

/** A master that was merged meanwhile names its own: so many steps of a chain are followed in one night. */
const mostRounds = 10;
const mostIdsOfQuery = 400;

/**
 * Reads what no window brings: records that the log of deletions or the recycle bin put in doubt, masters of merges, contacts that leads became, contacts of merged accounts. What the org
 * returns no more leaves the mirror (R26). In the caller's transaction: what was looked up is named no longer once it commits.
 */
export async function lookUpNamed(
  deps: FetchDependencies,
  tx: PoolClient,
  run: OpenRun,
  object: ObjectType,
  signal: AbortSignal,
): Promise<{ readonly records: number; readonly gone: number }> {
  const read = await loadRead(tx, run.runNo, object);
  if (read === null || read.state !== 'taken') return { records: 0, gone: 0 };
  await forgetFresh(tx, run.runNo, object);
  if (read.mode === 'window') await nameBin(deps, tx, object);
  const sum = { records: 0, gone: 0 };
  const since = read.windowFrom ?? read.coveredTo;
  const asked = new Set<string>();
  for (let round = 0; round < mostRounds; round += 1) {
    const named = (await namedIds(tx, object)).filter(({ id, namedBy }) => !asked.has(`${namedBy} ${id}`));
    if (named.length === 0) break;
    for (const { id, namedBy } of named) asked.add(`${namedBy} ${id}`);
    const records = named.flatMap(({ id, namedBy }) => (namedBy === 'account' ? [] : [id]));
    const accounts = named.flatMap(({ id, namedBy }) => (namedBy === 'account' ? [id] : []));
    const found = await readNamed(deps, tx, run, object, { records: [...new Set(records)], accounts }, since, signal);
    sum.records += found.records;
    sum.gone += found.gone;
  }
  await forgetNamed(tx, object);
  return sum;
}

interface Named {
  readonly records: readonly string[];
  readonly accounts: readonly string[];
}

async function readNamed(
  { salesforce }: FetchDependencies,
  tx: PoolClient,
  run: OpenRun,
  object: ObjectType,
  { records, accounts }: Named,
  since: string,
  signal: AbortSignal,
): Promise<{ readonly records: number; readonly gone: number }> {
  const columns = crmColumns(run.shape, object);
  const { crmName } = objectFacts[object];
  const stage = stageTable(run.runNo, object);
  await createStage(tx, stage, columns);
  const returned = new Set<string>();
  let rows = 0;
  const asking = [
    ...questionsOf(crmName, columns, 'Id', records),
    ...(columns.includes('AccountId') ? questionsOf(crmName, columns, 'AccountId', accounts) : []),
  ];
  for (let question = asking.shift(); question !== undefined; question = asking.shift())
    try {
      for (let next: string | null = null, first = true, seen = 0; first || next !== null; first = false) {
        const soql = selectQuery(crmName, columns, idsCondition(question.field, question.ids));
        const page = await salesforce.queryPage(next === null ? { soql } : { locator: next });
        for (const row of page.rows) returned.add(scalarText(row['Id']));
        seen += page.rows.length;
        if (seen > page.total) throw rowsMissing(`a look-up of ${crmName}`, page.total, seen);
        rows += await copyPage(tx, stage, columns, csvOf(run.shape, object, columns, page.rows), signal);
        next = page.next;
      }
    } catch (error) {
      // Rows that were staged come once more: a look-up takes the newest of each.
      asking.unshift(...askedAgain(question, error));
    }
  await absorbRecords(tx, run.shape, object, run.runNo, stage, { kind: 'again' });
  await nameFollowers(tx, object, since);
  await dropStage(tx, stage);
  return {
    records: rows,
    gone: await forgetRecords(
      tx,
      object,
      records.filter((id) => !returned.has(id)),
    ),
  };
}

interface Question {
  readonly field: 'Id' | 'AccountId';
  readonly ids: readonly string[];
  readonly tries: number;
}

function questionsOf(
  crmName: 'Account' | 'Contact' | 'Lead',
  columns: readonly string[],
  field: 'Id' | 'AccountId',
  ids: readonly string[],
): readonly Question[] {
  const fits = (count: number): boolean => fitsAddress(selectQuery(crmName, columns, idsCondition(field, ids.slice(0, count))));
  let size = Math.min(mostIdsOfQuery, Math.max(1, ids.length));
  while (size > 1 && !fits(size)) size = Math.ceil(size / 2);
  const questions: Question[] = [];
  for (let at = 0; at < ids.length; at += size) questions.push({ field, ids: ids.slice(at, at + size), tries: 0 });
  return questions;
}

/** What takes too long is asked in halves, what lost its place once more from its begin, three times at most; for anything else the error stands. */
function askedAgain({ field, ids, tries }: Question, error: unknown): readonly Question[] {
  const half = Math.ceil(ids.length / 2);
  if (isReshape(error) && ids.length > 1) return [ids.slice(0, half), ids.slice(half)].map((part) => ({ field, ids: part, tries: 0 }));
  if (isExpiredPlace(error) && tries + 1 < mostTries) return [{ field, ids, tries: tries + 1 }];
  throw error;
}

/**
 * Names deleted records that the recycle bin no longer has, by age or because somebody emptied it: no log tells of that. One call where the bin is small; of a large one
 * its size is believed. An org that cannot list it in time is asked again tomorrow, and by a full read.
 */
async function nameBin({ salesforce }: FetchDependencies, tx: PoolClient, object: ObjectType): Promise<void> {
  const known = await knownDeleted(tx, object);
  if (known.size === 0) return;
  const bin = new Set<string>();
  try {
    for (let next: string | null = null, first = true; first || next !== null; first = false) {
      const page = await salesforce.queryPage(
        next === null ? { soql: selectQuery(objectFacts[object].crmName, ['Id'], 'IsDeleted = true') } : { locator: next },
      );
      for (const row of page.rows) bin.add(scalarText(row['Id']));
      // Its size is believed; pages that bring nothing new are no list of it.
      if (page.next !== null && (page.total === known.size || bin.size > page.total)) return;
      next = page.next;
    }
  } catch (error) {
    if (isReshape(error) || isExpiredPlace(error)) return;
    throw error;
  }
  await nameForLookUp(
    tx,
    object,
    'bin',
    [...known].filter((id) => !bin.has(id)),
  );
}
