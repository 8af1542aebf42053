import { text } from 'node:stream/consumers';
import { parse } from 'csv-parse/sync';
import type { PoolClient } from 'pg';
import type { Settings } from '../../src/config/settings.ts';
import { objectFacts, objectTypes } from '../../src/domain/objects.ts';
import type { ObjectType } from '../../src/domain/objects.ts';
import { commitLinks } from '../../src/ledger/links.ts';
import type { MatchContext } from '../../src/mirror/match/context.ts';
import { dropRunPartitions } from '../../src/mirror/match/partitions.ts';
import { checkSums, matchCounts } from '../../src/operator/match-counts.ts';
import { recordsCsv } from '../../src/operator/records.ts';
import type { Database } from '../../src/postgres/database.ts';
import { sql } from '../../src/postgres/sql.ts';
import { loadWorld, matchWorld, testShape } from './match-fixture.ts';
import type { MatchOptions, World } from './match-fixture.ts';
import { codePoints } from './ids.ts';
import { reference } from './reference.ts';
import type { Expected, ExpectedLink, ExpectedRecord, Mutations } from './expected.ts';

/** What a match found, one text a line: whoever compares two of these sees what differs. */
export interface Answer {
  readonly records: readonly string[];
  readonly persons: readonly string[];
  readonly links: readonly string[];
  /** Of all worlds together. */
  readonly nearMisses: Readonly<Partial<Record<ObjectType, number>>>;
  readonly malformedIds: Readonly<Partial<Record<ObjectType, number>>>;
}

const escaped = (id: string): string => id.replaceAll('\\', '\\\\').replaceAll(';', '\\;');

function recordLine(object: ObjectType, id: string, expected: ExpectedRecord): string {
  const { outcome, personId = '', subTier = '', field, attribute, reason = '', candidates = [] } = expected;
  const cells = [objectFacts[object].crmName, id, outcome, personId, subTier, field ?? '', attribute ?? '', reason, candidates.length];
  return JSON.stringify([...cells.map(String), candidates.slice(0, 50).map(escaped).join(';')]);
}

const linkLine = ({ object, crmId, persId, subTier }: Pick<ExpectedLink, 'object' | 'crmId' | 'persId' | 'subTier'>): string =>
  JSON.stringify([object, crmId, persId, subTier]);

/** The answer of the rules, world by world. */
export function expectedAnswer(settings: Settings, worlds: readonly World[], leads: boolean, mutations: Mutations = {}): Answer {
  return answerOf(
    worlds,
    worlds.map((world) => reference(settings, world, leads, mutations)),
    leads,
  );
}

export function answerOf(worlds: readonly World[], each: readonly Partial<Record<ObjectType, Expected>>[], leads: boolean): Answer {
  const of = <T>(object: ObjectType, from: (expected: Expected) => readonly T[]): T[] =>
    each.flatMap((expected) => (expected[object] === undefined ? [] : from(expected[object])));
  const sum = (object: ObjectType, from: (expected: Expected) => number): number =>
    of(object, (expected) => [from(expected)]).reduce((a, b) => a + b, 0);
  const objects = objectTypes.filter((object) => object !== 'lead' || leads);
  const untouched = leads ? [] : worlds.flatMap(({ links }) => links.filter(({ object }) => object === 'lead'));
  return {
    records: objects.flatMap((object) => of(object, ({ records }) => [...records].map(([id, record]) => recordLine(object, id, record)))).toSorted(),
    persons: objects
      .flatMap((object) => of(object, ({ persons }) => [...persons].map(([id, became]) => JSON.stringify([object, id, became]))))
      .toSorted(),
    links: [...objects.flatMap((object) => of(object, ({ links }) => links)), ...untouched].map(linkLine).toSorted(),
    nearMisses: Object.fromEntries(objects.map((object) => [object, sum(object, ({ nearMisses }) => nearMisses)])),
    malformedIds: Object.fromEntries(objects.map((object) => [object, sum(object, ({ malformedIds }) => malformedIds)])),
  };
}

/**
 * The answer of the matcher, of all worlds in one run, read from what a person gets: records.csv, the report's counts, the ledger. The order of records.csv and
 * the sums are checked on the way, and that a repeat of `commitLinks` changes nothing.
 */
export async function matchedAnswer(
  database: Database,
  settings: Settings,
  world: World,
  ctx: Pick<MatchContext, 'runNo' | 'leads'>,
  options: MatchOptions = {},
): Promise<Answer> {
  const shape = testShape(settings);
  const { runNo, leads } = ctx;
  const full = await database.transaction(async (tx) => {
    const decisionSeq = await loadWorld(tx, shape, world, runNo);
    const run: MatchContext = {
      runNo,
      leads,
      run: `run-${runNo}`,
      shape,
      decisionSeq,
      ...(options.listedPairs === undefined ? {} : { listedPairs: options.listedPairs }),
    };
    await matchWorld(tx, run, options);
    return run;
  });
  const links = await database.transaction(async (tx) => {
    const first = await commitLinks(tx, full);
    const once = await openLinks(tx);
    const second = await commitLinks(tx, full);
    if (JSON.stringify([first, once]) !== JSON.stringify([second, await openLinks(tx)])) throw new Error('commitLinks did something the second time');
    return once;
  });
  return readAnswer(database, ctx, links);
}

/** What a run found and which links are open, `links`; its tables are dropped. */
export async function readAnswer(
  database: Database,
  { runNo, leads }: Pick<MatchContext, 'runNo' | 'leads'>,
  links: readonly string[],
): Promise<Answer> {
  const rows = parse(await text(recordsCsv(database, runNo)), { from_line: 2 });
  const keys = rows.map(([object = '', id = '']) => `${object} ${id}`);
  if (keys.some((key, at) => at > 0 && codePoints(keys[at - 1] ?? '', key) >= 0)) throw new Error('records.csv is not sorted by object and id');
  const persons = await database.query<{ object: string; pers_id: string; outcome: string }>(sql`
    select o.object, p.pers_id, o.outcome from pers_outcome o join pers_record p on p.rec = o.rec and p.kind = case o.object when 'account' then 'account' else 'user' end
     where o.run_no = ${runNo}`);
  const objects = objectTypes.filter((object) => object !== 'lead' || leads);
  const counts = await Promise.all(objects.map(async (object) => [object, await matchCounts(database, runNo, object)] as const));
  for (const [object, report] of counts) checkSums(object, report);
  await dropRunPartitions(database, runNo);
  return {
    records: rows.map((row) => JSON.stringify(row)).toSorted(),
    persons: persons.rows.map(({ object, pers_id, outcome }) => JSON.stringify([object, pers_id, outcome])).toSorted(),
    links,
    nearMisses: Object.fromEntries(counts.map(([object, { nearMisses }]) => [object, nearMisses])),
    malformedIds: Object.fromEntries(counts.map(([object, { malformedIds }]) => [object, malformedIds])),
  };
}

export async function openLinks(tx: PoolClient): Promise<string[]> {
  const found = await tx.query<ExpectedLink>(sql`
    select object, crm_id as "crmId", pers_id as "persId", sub_tier as "subTier" from link where ended_run is null`);
  return found.rows.map(linkLine).toSorted();
}
