import { Failure } from '../domain/failure.ts';
import { objectFacts, objectTypes } from '../domain/objects.ts';
import type { ObjectType, PersonKind } from '../domain/objects.ts';
import type { RunShape } from '../mirror/run-shape.ts';
import type { Database } from '../postgres/database.ts';
import { sql } from '../postgres/sql.ts';
import { decisionsOn, linksOf, writesAbout, writtenTo } from './explain-history.ts';
import type { ExplainedDecision, ExplainedLink, ExplainedWrite, Subject, Written } from './explain-history.ts';
import { lookalikes, matchedRuns, outcomesOf, personOutcomesOf } from './explain-match.ts';
import type { ExplainedOutcome, ExplainedPersonOutcome, Lookalike, MatchedRun } from './explain-match.ts';
import { namedRecord } from './review-pair.ts';

export interface ExplainedValue {
  readonly field: string;
  readonly value: string | null;
  /** Null: the sync never wrote it, or does not remember. */
  readonly written: Written | null;
}

interface Explained {
  readonly id: string;
  readonly links: readonly ExplainedLink[];
  readonly decisions: readonly ExplainedDecision[];
  /** As the mirror has them. */
  readonly values: readonly ExplainedValue[];
  readonly writes: readonly ExplainedWrite[];
}

export interface ExplainedRecord extends Explained {
  readonly side: 'salesforce';
  readonly object: ObjectType;
  /** Null: the mirror does not hold it. */
  readonly mirror: {
    readonly ineligible: string | null;
    readonly masterId: string | null;
    readonly convertedContactId: string | null;
    readonly accountId: string | null;
    readonly personAccount: boolean;
    readonly systemModstamp: string | null;
    /** The run that last saw it change. */
    readonly changedRun: string | null;
  } | null;
  readonly outcomes: readonly ExplainedOutcome[];
  readonly lookalikes: readonly Lookalike[];
  /** Of a suppressed lead: the persons that are held, and the contacts that hold them (R17). */
  readonly heldBy: readonly { readonly personalizationId: string; readonly contactId: string | null; readonly subTier: string | null }[];
}

export interface ExplainedPerson extends Explained {
  readonly side: 'personalization';
  readonly kind: PersonKind;
  readonly mirror: { readonly accountId: string | null; readonly changedRun: string | null } | null;
  /** One list for each object that it may be linked with. */
  readonly objects: readonly {
    readonly object: ObjectType;
    readonly outcomes: readonly ExplainedPersonOutcome[];
    readonly lookalikes: readonly Lookalike[];
  }[];
}

export interface Explanation {
  readonly id: string;
  /** One id may name a record and persons as well. */
  readonly found: readonly (ExplainedRecord | ExplainedPerson)[];
}

/**
 * Everything that ledger and mirror know of an id, of either side; outcomes and writes of the newest `runs` runs.
 * @throws Failure `ID_UNKNOWN`
 */
export async function explain(database: Database, id: string, runs: number): Promise<Explanation> {
  const record = namedRecord(id);
  const found = [
    record === undefined ? undefined : await explainRecord(database, record.object, record.crmId, runs),
    await explainPerson(database, 'user', id, runs),
    await explainPerson(database, 'account', id, runs),
  ].filter((each) => each !== undefined);
  if (found.length === 0)
    throw new Failure(`neither a record nor a person with the id ${JSON.stringify(id)} is known`, {
      kind: 'permanent',
      code: 'ID_UNKNOWN',
      remedy: 'Ids are compared exactly, case included. What is new is known after the next run; leads are known while they are on.',
    });
  return { id, found };
}

async function explainRecord(database: Database, object: ObjectType, id: string, limit: number): Promise<ExplainedRecord | undefined> {
  const subject: Subject = { side: 'salesforce', object, id };
  const [links, decisions] = [await linksOf(database, subject), await decisionsOn(database, subject)];
  const { rows } = await database.query<NonNullable<ExplainedRecord['mirror']> & { rec: number; values: (string | null)[] }>(sql`
    select c.rec, c.field_values as values, c.ineligible, c.master_id as "masterId", c.converted_id as "convertedContactId", c.account_id as "accountId",
      c.person_account as "personAccount", c.modstamp as "systemModstamp", r.run as "changedRun"
      from crm_record c left join run r on r.run_no = c.changed_run where c.object = ${object} and c.crm_id = ${id}`);
  const row = rows[0];
  if (row === undefined) {
    if (links.length === 0 && decisions.length === 0) return undefined;
    return { side: 'salesforce', object, id, mirror: null, outcomes: [], lookalikes: [], heldBy: [], links, decisions, values: [], writes: [] };
  }
  const { rec, values, ...mirror } = row;
  const runs = await matchedRuns(database, object, limit);
  const [newest] = runs;
  // R22: what is pushed to a person account is written to its account.
  const target =
    mirror.personAccount && object === 'contact' && mirror.accountId !== null
      ? { object: 'Account', id: mirror.accountId }
      : { object: objectFacts[object].crmName, id };
  const outcomes = await outcomesOf(database, object, rec, runs);
  return {
    side: 'salesforce',
    object,
    id,
    mirror,
    outcomes,
    lookalikes: newest === undefined || mirror.ineligible !== null ? [] : await lookalikes(database, 'salesforce', object, rec, newest),
    heldBy:
      object === 'lead' && newest !== undefined && outcomes[0]?.outcome === 'suppressed'
        ? await holders(database, newest, outcomes[0].candidates)
        : [],
    links,
    decisions,
    values: valuesOf(
      newest?.shape.crm[object].map(({ name }) => name),
      values,
      await writtenTo(database, 'salesforce', target),
    ),
    writes: await writesAbout(database, subject, rec, runs),
  };
}

async function explainPerson(database: Database, kind: PersonKind, id: string, limit: number): Promise<ExplainedPerson | undefined> {
  const subjects = objectTypes
    .filter((object) => objectFacts[object].personKind === kind)
    .map((object): Subject => ({ side: 'personalization', object, id }));
  const all = async <T>(of: (subject: Subject) => Promise<readonly T[]>): Promise<readonly T[]> => (await Promise.all(subjects.map(of))).flat();
  const links = await all((subject) => linksOf(database, subject));
  const decisions = await all((subject) => decisionsOn(database, subject));
  const { rows } = await database.query<NonNullable<ExplainedPerson['mirror']> & { rec: number; values: (string | null)[] }>(sql`
    select p.rec, p.field_values as values, p.account_pers_id as "accountId", r.run as "changedRun"
      from pers_record p left join run r on r.run_no = p.changed_run where p.kind = ${kind} and p.pers_id = ${id}`);
  const row = rows[0];
  if (row === undefined) {
    if (links.length === 0 && decisions.length === 0) return undefined;
    return { side: 'personalization', kind, id, mirror: null, objects: [], links, decisions, values: [], writes: [] };
  }
  const { rec, values, ...mirror } = row;
  const objects = [];
  const writes = [];
  let shape: RunShape | undefined;
  let newestNo = 0;
  for (const subject of subjects) {
    const runs = await matchedRuns(database, subject.object, limit);
    const [newest] = runs;
    if (newest === undefined) continue;
    if (newest.runNo > newestNo) [newestNo, shape] = [newest.runNo, newest.shape];
    objects.push({
      object: subject.object,
      outcomes: await personOutcomesOf(database, subject.object, rec, runs),
      lookalikes: await lookalikes(database, 'personalization', subject.object, rec, newest),
    });
    writes.push(...(await writesAbout(database, subject, rec, runs)));
  }
  const written = await writtenTo(database, 'personalization', { object: kind, id });
  return {
    side: 'personalization',
    kind,
    id,
    mirror,
    objects,
    links,
    decisions,
    values: valuesOf(
      shape?.persons[kind].map(({ name }) => name),
      values,
      written,
    ),
    writes,
  };
}

/** The values by name, and after them fields that were written and are not read. */
function valuesOf(names: readonly string[] | undefined, values: readonly (string | null)[], written: readonly Written[]): readonly ExplainedValue[] {
  const byField = new Map(written.map((each) => [each.field, each]));
  // Read by other settings than those of the newest match: which value is which is not known.
  const known = names !== undefined && names.length === values.length ? names : [];
  const read = known.map((field, index) => ({ field, value: values[index] ?? null, written: byField.get(field) ?? null }));
  const more = written.filter(({ field }) => !known.includes(field)).map((each) => ({ field: each.field, value: null, written: each }));
  return [...read, ...more];
}

async function holders(database: Database, { runNo }: MatchedRun, persons: readonly string[]): Promise<ExplainedRecord['heldBy']> {
  const { rows } = await database.query<ExplainedRecord['heldBy'][number]>(sql`
    select p.pers_id as "personalizationId", c.crm_id as "contactId", o.sub_tier as "subTier"
      from pers_record p
      left join crm_outcome o on o.run_no = ${runNo} and o.object = 'contact' and o.pers = p.rec
      left join crm_record c on c.object = 'contact' and c.rec = o.rec
     where p.kind = 'user' and p.pers_id = any(${persons}::text[]) order by p.pers_id`);
  return rows;
}
