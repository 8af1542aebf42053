import { existsSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { isObject } from './body.ts';
import { notUtf8, readCsv } from './csv-read.ts';
import { StartError } from './errors.ts';
import { customTypeNames, isCustomType } from './fields.ts';
import type { CustomType, Field } from './fields.ts';
import { idFromNumber, normaliseId } from './ids.ts';
import { nowStamp } from './org.ts';
import type { Org } from './org.ts';
import { dataObjects, quoted } from './schema.ts';
import type { DataObject, ObjectType } from './schema.ts';
import { canonicalDecimal, isCanonicalDecimal, parseBoolean, parseDate, parseDateTime, parseInteger, toSecond } from './values.ts';

export type LoadedObject = { readonly rows: number; readonly badRows: number };
export type Loaded = Readonly<Record<DataObject, LoadedObject>>;

type Cell = string | number | null;
/** A column of the file: the value it gives a row, or null with `bad` for a text that is not of its type. */
type LoadColumn = { readonly name: string; readonly index: number; readonly convert: (text: string) => Cell | undefined };

/**
 * Loads Account.csv, Contact.csv and Lead.csv of a directory, as they are: loading is not saving, so no length, picklist or required field is checked;
 * e-mail values are lower-cased unless `keepEmailCase`. A missing file is an empty object; a bad row is reported by `warn` with file and line and skipped.
 * @throws {StartError} (exit code 2) for a header, schema.json or directory that cannot be used
 */
export async function loadDirectory(org: Org, directory: string, warn: (line: string) => void): Promise<Loaded> {
  if (!existsSync(directory))
    throw new StartError(`the data directory ${directory} does not exist; name one with Account.csv, Contact.csv or Lead.csv`, 2);
  const declared = readSchema(join(directory, 'schema.json'), warn);
  const result: Record<DataObject, LoadedObject> = {
    Account: { rows: 0, badRows: 0 },
    Contact: { rows: 0, badRows: 0 },
    Lead: { rows: 0, badRows: 0 },
  };
  for (const object of dataObjects) {
    const file = join(directory, `${object}.csv`);
    const types = declared.get(object) ?? new Map<string, CustomType>();
    if (existsSync(file)) result[object] = await loadFile(org, object, file, types, warn);
    org.store.addCustomFields([...types].map(([name, type]) => ({ object, name, type, scale: 10 })));
  }
  if (org.store.hasPersonAccounts()) joinPersonAccounts(org);
  return result;
}

/** What only one side of a person account says is so on the other: the file of an object may lack the column. */
function joinPersonAccounts({ store }: Org): void {
  store.transaction(() => {
    store.db.exec(`update "Contact" set "IsPersonAccount" = 1 where "Id" in (select "PersonContactId" from "Account" where "IsPersonAccount" = 1);
      update "Account" set "PersonContactId" = (select min(c."Id") from "Contact" c where c."AccountId" = "Account"."Id" and c."IsPersonAccount" = 1)
        where "IsPersonAccount" = 1 and "PersonContactId" is null;`);
  });
}

function readSchema(file: string, warn: (line: string) => void): Map<string, Map<string, CustomType>> {
  const declared = new Map<string, Map<string, CustomType>>();
  if (!existsSync(file)) return declared;
  let json: unknown;
  try {
    json = JSON.parse(readFileSync(file, 'utf8').replace(/^\ufeff/, ''));
  } catch (error) {
    throw new StartError(`${file}: not JSON (${error instanceof Error ? error.message : String(error)})`, 2);
  }
  if (!isObject(json)) throw new StartError(`${file}: an object like {"Contact": {"X__c": "text"}} is expected`, 2);
  for (const [object, fields] of Object.entries(json)) {
    if (!(dataObjects as readonly string[]).includes(object)) {
      warn(`${file}: ${object} is not one of ${dataObjects.join(', ')}; ignored`);
      continue;
    }
    if (!isObject(fields)) throw new StartError(`${file}: ${object} must be an object of field names and types`, 2);
    const types = new Map<string, CustomType>();
    for (const [name, type] of Object.entries(fields)) {
      if (!/^[A-Za-z]\w*__c$/.test(name))
        throw new StartError(`${file}: ${object}.${name} is no custom field name (letters, digits, _, ending in __c)`, 2);
      if (typeof type !== 'string' || !isCustomType(type))
        throw new StartError(`${file}: ${object}.${name} has the type ${JSON.stringify(type)}; allowed are ${customTypeNames.join(', ')}`, 2);
      types.set(name, type);
    }
    declared.set(object, types);
  }
  return declared;
}

function checkHeader(file: string, header: readonly string[]): readonly string[] {
  const names = header.map((name) => name.trim());
  const seen = new Map<string, string>();
  for (const [index, name] of names.entries()) {
    if (name === '') throw new StartError(`${file}: column ${index + 1} of the header has no name; name every column`, 2);
    if (name.includes(notUtf8)) throw new StartError(`${file}: the header is not UTF-8; save the file as UTF-8`, 2);
    if (name.includes('\0')) throw new StartError(`${file}: the header contains a NUL character; remove it`, 2);
    if (seen.has(name.toLowerCase())) throw new StartError(`${file}: the header names ${name} twice; name every column once`, 2);
    seen.set(name.toLowerCase(), name);
  }
  return names;
}

/** How a text of the file becomes the value of a field; undefined: it is no such value. */
export function converter(field: Field, keepEmailCase: boolean): (text: string) => Cell | undefined {
  const orBad = (value: Cell): Cell | undefined => (value === null ? undefined : value);
  const isStamp = ['SystemModstamp', 'CreatedDate', 'LastModifiedDate'].includes(field.name);
  switch (field.type) {
    case 'boolean':
      return (text) => (text === '' ? 0 : orBad(parseBoolean(text)));
    case 'int':
      return (text) => (text === '' ? null : orBad(parseInteger(text)));
    case 'double':
    case 'currency':
    case 'percent':
      return (text) => (text === '' ? null : orBad(canonicalDecimal(text)));
    case 'date':
      return (text) => (text === '' ? null : orBad(parseDate(text)));
    case 'datetime':
      return (text) => {
        if (text === '') return null;
        const value = parseDateTime(text);
        return value === null ? undefined : isStamp ? toSecond(value) : value;
      };
    case 'reference':
      return (text) => (text === '' ? null : (normaliseId(text) ?? text));
    case 'email':
      return (text) => (text === '' ? null : keepEmailCase ? text : text.toLowerCase());
    default:
      return (text) => (text === '' ? null : text);
  }
}

const personColumns = new Set(['ispersonaccount', 'personcontactid']);

type Plan = {
  readonly columns: readonly LoadColumn[];
  readonly idIndex: number;
  readonly inferred: Map<string, { index: number; isNumber: boolean; scale: number }>;
};

function planColumns(
  org: Org,
  object: DataObject,
  file: string,
  header: readonly string[],
  types: Map<string, CustomType>,
  warn: (line: string) => void,
): Plan {
  const { store, settings } = org;
  if (object !== 'Lead' && header.some((name) => personColumns.has(name.toLowerCase()))) store.enablePersonAccounts();
  const columns: LoadColumn[] = [];
  const inferred: Plan['inferred'] = new Map();
  const custom = header.filter((name) => /__c$/i.test(name));
  const declaredName = (name: string): string => [...types.keys()].find((each) => each.toLowerCase() === name.toLowerCase()) ?? name;
  store.addCustomFields(custom.map((name) => ({ object, name: declaredName(name), type: types.get(declaredName(name)) ?? 'text', scale: 10 })));
  const type = store.type(object) as ObjectType;
  for (const [index, name] of header.entries()) {
    const field = type.byName.get(name.toLowerCase());
    const isMade = object !== 'Account' && field?.name === 'Name';
    const isPersons = field?.source?.kind === 'person';
    if (field === undefined || isMade || isPersons || field.type === 'address') {
      const why = isMade
        ? 'is made of FirstName and LastName'
        : isPersons
          ? 'is taken from the contact row of the person account (Contact.csv)'
          : `is neither a standard field of ${object} nor ends in __c`;
      warn(`${file}: column ${name} ${why}; ignored`);
      continue;
    }
    if (field.name === 'Id') continue;
    if (field.custom && !types.has(field.name)) inferred.set(field.name, { index, isNumber: true, scale: 0 });
    columns.push({ name: field.name, index, convert: converter(field, settings.keepEmailCase) });
  }
  return { columns, idIndex: header.findIndex((name) => name.toLowerCase() === 'id'), inferred };
}

async function loadFile(
  org: Org,
  object: DataObject,
  file: string,
  types: Map<string, CustomType>,
  warn: (line: string) => void,
): Promise<LoadedObject> {
  const { store } = org;
  const rows = readCsv(file);
  const first = (await rows.next()).value;
  if (first === undefined || !('cells' in first)) throw new StartError(`${file}: no header; the first line must name the columns`, 2);
  const header = checkHeader(file, first.cells);
  const plan = planColumns(org, object, file, header, types, warn);
  const type = store.type(object) as ObjectType;
  const insert = inserter(
    org,
    type,
    plan.columns.map((column) => column.name),
  );
  let counts = { rows: 0, badRows: 0 };
  let rowNumber = 0;
  const bad = (line: number, problem: string): void => {
    counts = { ...counts, badRows: counts.badRows + 1 };
    warn(`${file}:${line}: ${problem}; the row is skipped`);
  };
  store.db.exec('begin');
  try {
    let startLine = first.line + 1;
    for await (const row of rows) {
      const line = 'cells' in row ? startLine : row.line;
      startLine = row.line + 1;
      rowNumber += 1;
      if ('problem' in row) {
        bad(line, row.problem);
        continue;
      }
      const problem = loadRow(type, plan, header.length, row.cells, rowNumber, insert);
      if (problem !== null) {
        bad(line, problem);
        continue;
      }
      counts = { ...counts, rows: counts.rows + 1 };
      for (const column of plan.inferred.values()) {
        const text = row.cells[column.index] ?? '';
        if (!column.isNumber || text === '') continue;
        if (!isCanonicalDecimal(text)) column.isNumber = false;
        else column.scale = Math.max(column.scale, text.split('.')[1]?.length ?? 0);
      }
    }
    store.db.exec('commit');
  } catch (error) {
    store.db.exec('rollback');
    throw error;
  }
  store.addCustomFields(
    [...plan.inferred].flatMap(([name, { isNumber, scale }]) => (isNumber ? [{ object, name, type: 'number' as const, scale }] : [])),
  );
  return counts;
}

type Insert = (id: string, values: readonly Cell[]) => boolean;

function loadRow(type: ObjectType, plan: Plan, width: number, cells: readonly string[], rowNumber: number, insert: Insert): string | null {
  if (cells.length !== width) return `${cells.length} cells where the header has ${width}`;
  if (cells.some((cell) => cell.includes(notUtf8))) return 'bytes that are not UTF-8';
  if (cells.some((cell) => cell.includes('\0'))) return 'a NUL character';
  let id: string | null;
  if (plan.idIndex === -1) {
    id = idFromNumber(type.keyPrefix, rowNumber);
  } else {
    const text = cells[plan.idIndex] ?? '';
    if (text === '') return 'no Id';
    id = normaliseId(text);
    if (id === null) return 'the Id is no Salesforce id (15 characters, or 18 with the right checksum)';
    if (!id.startsWith(type.keyPrefix)) return `the Id does not begin with ${type.keyPrefix}, the prefix of ${type.name}`;
  }
  const values: Cell[] = [];
  for (const column of plan.columns) {
    const value = column.convert(cells[column.index] ?? '');
    if (value === undefined) return `the value of ${column.name} cannot be read as its type`;
    values.push(value);
  }
  return insert(id, values) ? null : 'the Id stands in the file twice';
}

/** Inserts a row with the defaults of a record: stamps, owner, and Name of FirstName and LastName. Answers false when the id is there already. */
export function inserter(org: Org, type: ObjectType, names: readonly string[]): Insert {
  const stamp = nowStamp(org);
  const { userId } = org.credentials;
  const index = (name: string): number => names.indexOf(name);
  const given = new Set(names);
  const extra: { name: string; value: (values: readonly Cell[]) => Cell }[] = [];
  const at = (values: readonly Cell[], name: string): Cell => values[index(name)] ?? null;
  if (type.name !== 'Account') {
    extra.push({
      name: 'Name',
      value: (values) => [at(values, 'FirstName'), at(values, 'LastName')].filter((part) => part !== null && part !== '').join(' ') || null,
    });
  }
  const modified = (values: readonly Cell[]): Cell =>
    at(values, 'SystemModstamp') ?? at(values, 'LastModifiedDate') ?? at(values, 'CreatedDate') ?? stamp;
  const defaults: Record<string, (values: readonly Cell[]) => Cell> = {
    OwnerId: () => userId,
    CreatedById: () => userId,
    LastModifiedById: () => userId,
    CreatedDate: (values) => at(values, 'SystemModstamp') ?? at(values, 'LastModifiedDate') ?? stamp,
    LastModifiedDate: modified,
    SystemModstamp: modified,
  };
  for (const [name, make] of Object.entries(defaults)) if (!given.has(name)) extra.push({ name, value: make });
  // Deleted rows are in the recycle bin from the load on, whatever their stamps say; the delete log has them at their own time.
  extra.push({ name: '_deleted_at', value: (values) => (at(values, 'IsDeleted') === 1 ? stamp : null) });
  const log = org.store.db.prepare('insert into delete_log (object, id, deleted_at) values (?, ?, ?)');
  const all = ['Id', ...names, ...extra.map((each) => each.name)];
  const statement = org.store.db.prepare(
    `insert or ignore into ${quoted(type.name)} (${all.map(quoted).join(', ')}) values (${all.map(() => '?').join(', ')})`,
  );
  const blankDefaults = names.flatMap((name, place) => (defaults[name] === undefined ? [] : [{ place, make: defaults[name] }]));
  return (id, values) => {
    const filled = blankDefaults.length === 0 ? values : [...values];
    for (const { place, make } of blankDefaults) if (filled[place] === null) (filled as Cell[])[place] = make(values);
    const isNew = Number(statement.run(id, ...filled, ...extra.map((each) => each.value(values))).changes) === 1;
    if (isNew && at(values, 'IsDeleted') === 1) log.run(type.name, id, modified(values));
    return isNew;
  };
}
