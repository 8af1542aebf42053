import { byCodePoint, crmObjects, personIds } from './world.ts';
import type { ExpectedIntent, ExpectedRecord, PersonKind, ReportObject, Row, World } from './world.ts';

const cell = (text: string): string => (/[",\r\n]/.test(text) || text !== text.trim() ? `"${text.replaceAll('"', '""')}"` : text);

/** RFC 4180, LF; columns that no row fills are left out. */
export function csvText(columns: readonly string[], rows: readonly Row[]): string {
  const lines = rows.map((row) => columns.map((name) => cell(row[name] ?? '')).join(','));
  return [columns.map(cell).join(','), ...lines, ''].join('\n');
}

function columnsOf(rows: readonly Row[], first: string): string[] {
  const names = new Set([first]);
  for (const row of rows) for (const name of Object.keys(row)) names.add(name);
  return [...names];
}

function feedText(kind: PersonKind, rows: readonly Row[]): string {
  const id = `${kind}Id`;
  const asFeed = rows.map((row) => Object.fromEntries(Object.entries(row).map(([name, text]) => [name === id ? id : `attribute:${name}`, text])));
  return csvText(columnsOf(asFeed, id), asFeed);
}

/** Files are read in order of name: the second feed comes after the first and wins. */
const feedNames: Readonly<Record<string, string>> = { 1: '1-cast', 2: '2-cast-later', 3: '3-crowd' };

/** The files of the data directory, by name. */
export function dataFiles(world: World): Map<string, string> {
  const files = new Map<string, string>();
  for (const object of crmObjects) files.set(`${object}.csv`, csvText(columnsOf(world.crm[object], 'Id'), world.crm[object]));
  for (const kind of ['user', 'account'] as const) {
    for (const [feed, rows] of world.feeds[kind]) files.set(`${kind}-${feedNames[feed] ?? feed}.csv`, feedText(kind, rows));
  }
  return files;
}

const recordColumns = ['object', 'salesforceId', 'outcome', 'personalizationId', 'subTier', 'salesforceField', 'personalizationField', 'reason', 'candidateCount', 'candidates'];
const intentColumns = ['side', 'object', 'id', 'field', 'before', 'after', 'rule', 'outcome', 'code', 'reason'];

/** The first 50 persons' ids, `;` and `\` marked with a `\`. */
const candidateCell = (ids: readonly string[]): string => ids.slice(0, 50).map((id) => id.replace(/[;\\]/g, '\\$&')).join(';');

const recordRow = (record: ExpectedRecord): Row => ({
  object: record.object, salesforceId: record.salesforceId, outcome: record.outcome, personalizationId: record.personalizationId ?? '',
  subTier: record.subTier ?? '', salesforceField: record.salesforceField ?? '', personalizationField: record.personalizationField ?? '',
  reason: record.reason ?? '', candidateCount: String(record.candidates?.length ?? 0), candidates: candidateCell(record.candidates ?? []),
});

const intentRow = ({ side, object, id, field, before, after, rule, outcome, code }: ExpectedIntent): Row => ({ side, object, id, field, before, after, rule, outcome, code });

function sorted(rows: readonly Row[], columns: readonly string[]): Row[] {
  return [...rows].sort((left, right) => {
    for (const name of columns) {
      const order = byCodePoint(left[name] ?? '', right[name] ?? '');
      if (order !== 0) return order;
    }
    return 0;
  });
}

const reportNames = { Account: 'account', Contact: 'contact', Lead: 'lead' } as const satisfies Record<string, ReportObject>;

/** The part of report.json that follows from the rules. */
export function expectedReport(world: World, leadsEnabled: boolean): object {
  const personsOf = { account: personIds(world, 'account').size, contact: personIds(world, 'user').size, lead: personIds(world, 'user').size };
  const linkedTo = (name: string): number => world.records.filter((record) => record.object === name && record.outcome === 'linked').length;
  const objects: Record<string, object> = {};
  for (const name of crmObjects) {
    const object = reportNames[name];
    const on = name !== 'Lead' || leadsEnabled;
    const outcomes: Record<string, number> = { linked: 0, unmatched: 0, ambiguous: 0, conflicting: 0, suppressed: 0, ineligible: 0 };
    const linkedBy: Record<string, number> = { pin: 0, id: 0, converted: 0, field: 0, email: 0, name: 0, contacts: 0 };
    const records = on ? world.records.filter((record) => record.object === name) : [];
    for (const record of records) {
      outcomes[record.outcome] = (outcomes[record.outcome] ?? 0) + 1;
      if (record.outcome === 'linked' && record.subTier !== undefined) linkedBy[record.subTier] = (linkedBy[record.subTier] ?? 0) + 1;
    }
    const linked = outcomes['linked'] ?? 0;
    const stopped = on ? world.stopped[object] : 0;
    const held = name === 'Lead' && on ? linkedTo('Contact') + world.stopped.contact : 0;
    const persons = on ? personsOf[object] : 0;
    objects[object] = {
      fetched: { salesforce: records.length, personalization: persons }, outcomes, linkedBy, kept: 0, drifted: 0,
      nearMisses: on ? world.nearMisses[object] : 0, malformedIds: on ? world.malformedIds[object] : 0,
      persons: { linked, unmatched: persons - linked - stopped - held, stopped, held },
    };
  }
  const intents: Record<string, Record<string, number>> = {};
  for (const side of ['personalization', 'salesforce']) {
    const counts: Record<string, number> = { applied: 0, unchanged: 0, rejected: 0, deferred: 0 };
    for (const intent of world.intents) if (intent.side === side && (leadsEnabled || !intent.leadsOnly)) counts[intent.outcome] = (counts[intent.outcome] ?? 0) + 1;
    intents[side] = counts;
  }
  return { leadsEnabled, objects, intents };
}

/** The files that must come of a night, by name: `leads-off/records.csv` and so on. */
export function expectedFiles(world: World): Map<string, string> {
  const files = new Map<string, string>();
  for (const leadsEnabled of [false, true]) {
    const folder = leadsEnabled ? 'leads-on' : 'leads-off';
    const records = world.records.filter((record) => leadsEnabled || record.object !== 'Lead').map(recordRow);
    const intents = world.intents.filter((intent) => leadsEnabled || !intent.leadsOnly).map(intentRow);
    files.set(`${folder}/records.csv`, csvText(recordColumns, sorted(records, ['object', 'salesforceId'])));
    files.set(`${folder}/intents.csv`, csvText(intentColumns, sorted(intents, ['side', 'object', 'id', 'field'])));
    files.set(`${folder}/report.json`, `${JSON.stringify(expectedReport(world, leadsEnabled), null, 2)}\n`);
  }
  return files;
}
