import { existsSync, readFileSync, readdirSync } from 'node:fs';
import path from 'node:path';
import { text } from 'node:stream/consumers';
import { parse } from 'csv-parse/sync';
import { expect, test } from 'vitest';
import { objectFacts, objectTypes } from '../../src/domain/objects.ts';
import type { ObjectType } from '../../src/domain/objects.ts';
import type { RunShape } from '../../src/mirror/run-shape.ts';
import { matchCounts } from '../../src/operator/match-counts.ts';
import { recordsCsv } from '../../src/operator/records.ts';
import { load } from '../config/failure.ts';
import { compareRecords } from '../rules/compare.ts';
import { testDatabaseUrl } from '../services/database.ts';
import { attribute, emptyWorld, loadWorld, matchDatabase, matchWorld, textField } from './match-fixture.ts';
import type { WorldPerson, WorldRecord } from './match-fixture.ts';
import { id18 } from './ids.ts';

/** The worlds of test/rules, straight into the mirror: what a whole night says of them, without one. Those of R24 are about values, not matching. */
const folder = path.resolve('test/rules');
const names = readdirSync(folder, { withFileTypes: true })
  .filter((entry) => entry.isDirectory() && /^R(?!24)/.test(entry.name))
  .map(({ name }) => name);
const database = await matchDatabase(await testDatabaseUrl());

type Row = Readonly<Record<string, string>>;

function rows(name: string, file: string): Row[] {
  const place = path.join(folder, name, file);
  return existsSync(place) ? parse<Row>(readFileSync(place), { columns: true, bom: true }) : [];
}

function recordsOf(name: string, object: ObjectType): WorldRecord[] {
  const { crmName, idPrefix } = objectFacts[object];
  return rows(name, `${crmName}.csv`).map((row) => {
    const is = (field: string): boolean => row[field] === 'true';
    const full = [row['FirstName'], row['LastName']].filter(Boolean).join(' ');
    const reason = is('IsDeleted')
      ? 'deleted'
      : is('IsConverted')
        ? 'converted'
        : object === 'account' && is('IsPersonAccount')
          ? 'personAccount'
          : undefined;
    return {
      id: id18(row['Id'], idPrefix) ?? '',
      // As the org saves them.
      values: {
        ...row,
        ...(row['Email'] === undefined ? {} : { Email: row['Email'].toLowerCase() }),
        ...(object === 'account' ? {} : { Name: full }),
      },
      ...(reason === undefined ? {} : { ineligible: reason }),
      ...(row['MasterRecordId'] ? { masterId: row['MasterRecordId'] } : {}),
      ...(row['ConvertedContactId'] ? { convertedId: row['ConvertedContactId'] } : {}),
      ...(row['AccountId'] ? { accountId: row['AccountId'] } : {}),
    };
  });
}

/** The files in the order of their names; a later row of the same person wins. */
function personsOf(name: string, kind: 'user' | 'account'): WorldPerson[] {
  const files = readdirSync(path.join(folder, name)).filter((file) => file.startsWith(`${kind}-`));
  const found = new Map<string, WorldPerson>();
  for (const row of files.toSorted().flatMap((file) => rows(name, file))) {
    const id = row[`${kind}Id`] ?? '';
    const cells = Object.entries(row).filter(([column, cell]) => column.startsWith('attribute:') && (kind === 'account' || cell !== ''));
    const values = { ...found.get(id)?.values, ...Object.fromEntries(cells.map(([column, cell]) => [column.slice('attribute:'.length), cell])) };
    found.set(id, { id, values, ...(values['accountId'] === undefined ? {} : { accountId: values['accountId'] }) });
  }
  return [...found.values()];
}

test.each(names)('%s ends in the records that were written down by hand', async (name) => {
  const yaml = path.join(folder, name, 'crm-sync.yaml');
  const settings = load(existsSync(yaml) ? readFileSync(yaml, 'utf8') : '');
  const leads = settings.objects.lead.enabled || existsSync(path.join(folder, name, 'leads'));
  const records = { account: recordsOf(name, 'account'), contact: recordsOf(name, 'contact'), lead: recordsOf(name, 'lead') };
  const persons = { user: personsOf(name, 'user'), account: personsOf(name, 'account') };
  const named = (values: readonly { readonly values: Readonly<Record<string, string>> }[]): string[] => [
    ...new Set(values.flatMap((row) => Object.keys(row.values))),
  ];
  const shape: RunShape = {
    settings,
    crm: { account: named(records.account).map(textField), contact: named(records.contact).map(textField), lead: named(records.lead).map(textField) },
    identityFields: { account: [], contact: [], lead: [] },
    persons: { user: named(persons.user).map(attribute), account: named(persons.account).map(attribute) },
  };
  const runNo = names.indexOf(name) + 1;
  await database.transaction(async (tx) => {
    const decisionSeq = await loadWorld(tx, shape, { ...emptyWorld, records, persons }, runNo);
    await matchWorld(tx, { runNo, run: name, shape, decisionSeq, leads });
  });
  const expected = readFileSync(path.join(folder, name, 'expected-records.csv'), 'utf8');
  expect(compareRecords(await text(recordsCsv(database, runNo)), expected)).toEqual([]);
  const report = path.join(folder, name, 'expected-report.json');
  if (!existsSync(report)) return;
  const { objects = {} } = JSON.parse(readFileSync(report, 'utf8')) as { readonly objects?: Readonly<Partial<Record<ObjectType, object>>> };
  for (const object of objectTypes)
    if (objects[object] !== undefined) expect(await matchCounts(database, runNo, object)).toMatchObject(objects[object]);
});
