import { readFileSync, readdirSync } from 'node:fs';
import { join } from 'node:path';
import { parse } from 'yaml';
import { widenId } from './ids.ts';
import { addPerson, addRecord, crmObjects } from './world.ts';
import type { CrmObject, ExpectedIntent, ExpectedRecord, PersonKind, ReportObject, Row, World } from './world.ts';

/** One entry of `sample/cast/*.yaml`: rows of data, and what must come of them, both written by hand. All scalars are texts. */
export interface Member {
  readonly rules: string;
  readonly why: string;
  readonly Account?: readonly Row[];
  readonly Contact?: readonly Row[];
  readonly Lead?: readonly Row[];
  /** `feed` (default 1) says which of the files holds the row. */
  readonly user?: readonly Row[];
  readonly account?: readonly Row[];
  readonly records: readonly WrittenRecord[];
  readonly intents?: readonly (readonly string[])[];
  /** Intents of nights with leads on. */
  readonly leadIntents?: readonly (readonly string[])[];
  readonly nearMisses?: Partial<Record<ReportObject, string>>;
  readonly malformedIds?: Partial<Record<ReportObject, string>>;
  readonly stopped?: Partial<Record<ReportObject, string>>;
}

type WrittenRecord = {
  readonly [name in CrmObject]?: string;
} & {
  readonly linked?: string;
  readonly by?: readonly [string, string, string];
  readonly is?: ExpectedRecord['outcome'];
  readonly at?: string;
  readonly reason?: string;
  readonly candidates?: readonly string[];
};

/** The members of the cast, file by file. */
export function readCast(folder: string): Map<string, readonly Member[]> {
  const files = readdirSync(folder).filter((name) => name.endsWith('.yaml')).sort();
  return new Map(files.map((name) => [name, parse(readFileSync(join(folder, name), 'utf8'), { schema: 'failsafe' }) as Member[]]));
}

export function objectOf(record: WrittenRecord): CrmObject {
  const object = crmObjects.find((name) => record[name] !== undefined);
  if (object === undefined) throw new Error(`an expected record names no object: ${JSON.stringify(record)}`);
  return object;
}

export function expectedRecord(record: WrittenRecord): ExpectedRecord {
  const object = objectOf(record);
  const identity = { object, salesforceId: widenId(record[object] ?? '') };
  if (record.linked !== undefined && record.by !== undefined) {
    const [subTier, salesforceField, personalizationField] = record.by;
    return { ...identity, outcome: 'linked', personalizationId: record.linked, subTier, salesforceField, personalizationField };
  }
  if (record.is === undefined) throw new Error(`an expected record has no outcome: ${identity.salesforceId}`);
  return {
    ...identity, outcome: record.is,
    ...(record.at === undefined ? {} : { subTier: record.at }),
    ...(record.reason === undefined ? {} : { reason: record.reason }),
    ...(record.candidates === undefined ? {} : { candidates: record.candidates }),
  };
}

function expectedIntent(cells: readonly string[], leadsOnly: boolean): ExpectedIntent {
  const [object = '', id = '', field = '', before = '', after = '', rule = '', outcome = 'applied', code = ''] = cells;
  const crmObject = crmObjects.find((name) => name === object);
  const rest = { field, before, after, rule, outcome, code, leadsOnly };
  if (crmObject !== undefined) return { side: 'salesforce', object: crmObject, id: widenId(id), ...rest };
  if (object === 'user' || object === 'account') return { side: 'personalization', object, id, ...rest };
  throw new Error(`an expected intent is of no object: ${cells.join(', ')}`);
}

export function addCast(world: World, members: readonly Member[]): void {
  for (const member of members) {
    for (const object of crmObjects) for (const row of member[object] ?? []) addRecord(world, object, row);
    for (const kind of ['user', 'account'] as const satisfies PersonKind[]) {
      for (const { feed = '1', ...row } of member[kind] ?? []) addPerson(world, kind, feed, row as Row);
    }
    world.records.push(...member.records.map(expectedRecord));
    world.intents.push(...(member.intents ?? []).map((cells) => expectedIntent(cells, false)));
    world.intents.push(...(member.leadIntents ?? []).map((cells) => expectedIntent(cells, true)));
    for (const tally of ['nearMisses', 'malformedIds', 'stopped'] as const) {
      for (const [object, count] of Object.entries(member[tally] ?? {})) world[tally][object as ReportObject] += Number(count);
    }
  }
}
