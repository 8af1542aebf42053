import { Failure } from '../domain/failure.ts';
import { objectFacts } from '../domain/objects.ts';
import type { ObjectType } from '../domain/objects.ts';
import { linkingSubTiers, outcomes } from '../domain/report.ts';
import type { LinkingSubTier, ObjectReport, Outcome } from '../domain/report.ts';
import type { Queryable } from '../postgres/database.ts';
import { sql } from '../postgres/sql.ts';

interface OutcomeCount {
  readonly outcome: Outcome;
  readonly sub_tier: string | null;
  readonly reason: string | null;
  readonly records: number;
}

/** What became of the records and persons of one object in a run; all zero if the object's match has not ended. */
export async function matchCounts(database: Queryable, runNo: number, object: ObjectType): Promise<ObjectReport> {
  const finished = await database.query<{ counts: Readonly<Record<'records' | 'nearMisses' | 'malformedIds' | 'persons', number>> }>(sql`
    select counts from match_count where run_no = ${runNo} and object = ${object} and counts is not null`);
  const ended = finished.rows[0]?.counts;
  const found =
    ended === undefined
      ? { rows: [] }
      : await database.query<OutcomeCount>(sql`
          select outcome, sub_tier, reason, count(*) as records from crm_outcome where run_no = ${runNo} and object = ${object} group by outcome, sub_tier, reason`);
  const people =
    ended === undefined
      ? { rows: [] }
      : await database.query<{ outcome: 'linked' | 'stopped' | 'held'; persons: number }>(sql`
          select outcome, count(*) as persons from pers_outcome where run_no = ${runNo} and object = ${object} group by outcome`);
  const sum = (wanted: (row: OutcomeCount) => boolean): number => found.rows.reduce((total, row) => total + (wanted(row) ? row.records : 0), 0);
  const persons = (outcome: string): number => people.rows.find((row) => row.outcome === outcome)?.persons ?? 0;
  const [linked, stopped, held] = [persons('linked'), persons('stopped'), persons('held')];
  const all = ended?.persons ?? 0;
  return {
    fetched: { salesforce: ended?.records ?? 0, personalization: all },
    outcomes: Object.fromEntries(outcomes.map((outcome) => [outcome, sum((row) => row.outcome === outcome)])) as Record<Outcome, number>,
    linkedBy: Object.fromEntries(
      linkingSubTiers.map((subTier) => [subTier, sum((row) => row.outcome === 'linked' && row.sub_tier === subTier)]),
    ) as Record<LinkingSubTier, number>,
    kept: sum((row) => row.outcome === 'linked' && row.reason !== null),
    drifted: sum((row) => row.outcome === 'linked' && row.reason === 'drifted'),
    nearMisses: ended?.nearMisses ?? 0,
    malformedIds: ended?.malformedIds ?? 0,
    persons: { linked, stopped, held, unmatched: all - linked - stopped - held },
  };
}

const total = (counts: Readonly<Record<string, number>>): number => Object.values(counts).reduce((sum, count) => sum + count, 0);

/** R26: throws `SUMS` unless every record has one outcome, every link one sub-tier, and as many persons as records are linked. */
export function checkSums(object: ObjectType, report: ObjectReport): void {
  const { fetched, outcomes: became, linkedBy, persons } = report;
  const sums: readonly (readonly [what: string, found: number, expected: number])[] = [
    [`outcomes of ${objectFacts[object].crmName} records`, total(became), fetched.salesforce],
    [`links of ${objectFacts[object].crmName} records by sub-tier`, total(linkedBy), became.linked],
    [`persons of the ${object} match`, total(persons), fetched.personalization],
    [`linked persons of the ${object} match`, persons.linked, became.linked],
  ];
  for (const [what, found, expected] of sums) if (found !== expected) throw sumsFailure(`${what}: ${found} instead of ${expected}`);
  const odd: readonly (readonly [what: string, holds: boolean])[] = [
    [`more kept than linked ${object} records`, report.kept <= became.linked],
    [`more drifted than kept ${object} links`, report.drifted <= report.kept],
    [`more near misses than unmatched ${object} records`, report.nearMisses <= fetched.salesforce],
    [`a negative number of unmatched persons of the ${object} match`, persons.unmatched >= 0],
  ];
  for (const [what, holds] of odd) if (!holds) throw sumsFailure(what);
}

function sumsFailure(what: string): Failure {
  return new Failure(`the sums of this run do not add up: ${what} (R26)`, {
    kind: 'permanent',
    code: 'SUMS',
    remedy: 'this is a fault of the program: keep the ledger and report it; the run has not been counted as done',
  });
}
