import { readFileSync } from 'node:fs';
import { dirname, resolve } from 'node:path';
import { Failure } from '../domain/failure.ts';
import type { ObjectType } from '../domain/objects.ts';
import { crossCheck } from './cross-check.ts';
import { readDocument } from './document.ts';
import type { Value } from './document.ts';
import type { Variables } from './environment.ts';
import { Evaluation } from './evaluate.ts';
import type { Place } from './evaluate.ts';
import { text as textKind } from './kinds.ts';
import { didYouMean } from './nearest.ts';
import { settingsFailure } from './problems.ts';
import type { Positions } from './problems.ts';
import type { ConnectedSettings, Connections, ObjectSettings, SalesforceAuth, Settings } from './settings.ts';
import { accountFromContactsRow, defaultIgnoreValues, ignoreValuesRow, leadsEnabledRow, objectRows, rows, settingsTable } from './table.ts';

/** Dotted keys of single values, as in the settings table, to what would stand in the file. */
export type SettingValues = Readonly<Record<string, string | number | boolean>>;

export interface LoadOptions {
  /** Read unless `text` is given; its name is in every error. */
  readonly file?: string;
  /** What would stand in the file; with neither, all settings are defaults. */
  readonly text?: string;
  /** For `${NAME}`. */
  readonly env: Variables;
  /** Go before what the file says of them; what it says is then not even evaluated. */
  readonly connections?: Partial<Connections>;
  /** Go before the file: the command line. */
  readonly overrides?: SettingValues;
  /** Stand where the file says nothing, instead of the table's default: `approval: never` of the demo. */
  readonly defaults?: SettingValues;
}

export interface LoadedSettings {
  readonly settings: Settings;
  /** Where the file sets what, for errors that are found later. */
  readonly positions: Positions;
  /** Name of the file for messages. */
  readonly place: string;
}

/** A file with all settings and some hundred mappings is a tenth of it; what takes long to be refused is longer. */
const longestText = 256_000;

function fileText(file: string): string {
  try {
    return new TextDecoder('utf-8', { fatal: true }).decode(readFileSync(file));
  } catch (error) {
    const code = (error as NodeJS.ErrnoException).code;
    if (code === 'ENOENT') {
      throw new Failure(`There is no settings file ${file}`, {
        kind: 'permanent',
        code: 'SETTINGS',
        exitCode: 2,
        remedy: 'Write one with `crm-sync init`, or name another with --config.',
        cause: error,
      });
    }
    if (code === 'ERR_ENCODING_INVALID_ENCODED_DATA')
      throw settingsFailure(file, [{ line: undefined, key: '', message: 'is not UTF-8' }], 'Save the file as UTF-8.');
    throw new Failure(`The settings file ${file} cannot be read (${code ?? 'no cause given'})`, {
      kind: 'permanent',
      code: 'SETTINGS',
      exitCode: 2,
      remedy: 'Check the path and its permissions.',
      cause: error,
    });
  }
}

function given(values: SettingValues, place: string): readonly [string, Value][] {
  const keys = settingsTable.filter((row) => row.shape === 'scalar').map((row) => row.key);
  return Object.entries(values).map(([key, value]) => {
    if (!keys.includes(key))
      throw settingsFailure(place, [{ line: undefined, key, message: `is no setting of a single value${didYouMean(key, keys)}` }]);
    return [key, { is: 'leaf', text: String(value), isNull: false, line: 0 }];
  });
}

function authOf(evaluation: Evaluation, folder: string): SalesforceAuth | undefined {
  const flow = evaluation.scalar(rows.flow);
  const [clientId, clientSecret, username, privateKeyFile, refreshToken] = [
    rows.clientId,
    rows.clientSecret,
    rows.username,
    rows.privateKeyFile,
    rows.refreshToken,
  ].map((row) => evaluation.scalar(row));
  const line = evaluation.lineOf(rows.flow.key);
  const missing = (key: string): undefined => {
    if (evaluation.lineOf(key) === undefined || !evaluation.problems.some((problem) => problem.key === key))
      evaluation.report(line, key, `is missing; the flow ${flow} needs it`);
  };
  switch (flow) {
    case undefined: {
      const set = [rows.clientId, rows.clientSecret, rows.username, rows.privateKeyFile, rows.refreshToken].find(
        (row) => evaluation.lineOf(row.key) !== undefined,
      );
      if (set !== undefined && evaluation.lineOf(rows.flow.key) === undefined)
        evaluation.report(evaluation.lineOf(set.key), rows.flow.key, `is missing; allowed: ${rows.flow.kind.allowed}`);
      return undefined;
    }
    case 'jwtBearer':
      if (clientId === undefined) return missing(rows.clientId.key);
      if (username === undefined) return missing(rows.username.key);
      if (privateKeyFile === undefined) return missing(rows.privateKeyFile.key);
      return { flow, clientId, username, privateKeyFile: resolve(folder, privateKeyFile) };
    case 'clientCredentials':
      if (clientId === undefined) return missing(rows.clientId.key);
      if (clientSecret === undefined) return missing(rows.clientSecret.key);
      return { flow, clientId, clientSecret };
    case 'refreshToken':
      if (clientId === undefined) return missing(rows.clientId.key);
      if (refreshToken === undefined) return missing(rows.refreshToken.key);
      return { flow, clientId, clientSecret, refreshToken };
  }
}

function objectOf(evaluation: Evaluation, object: ObjectType, entryKeys: Map<object, string>): ObjectSettings {
  const table = objectRows(object);
  const withoutPlace = <E extends Place>({ key, line: _line, ...entry }: E): Omit<E, keyof Place> => {
    entryKeys.set(entry, key);
    return entry;
  };
  return {
    idAttribute: evaluation.scalar(table.idAttribute),
    matchFields: evaluation.entries(table.matchFields).map(withoutPlace),
    matchFieldOrder: evaluation.scalar(table.matchFieldOrder),
    onlyDesignatedMatchFields: evaluation.scalar(table.onlyDesignatedMatchFields),
    pull: evaluation.entries(table.pull).map(withoutPlace),
    push: evaluation.entries(table.push).map(withoutPlace),
    directions: { pull: evaluation.scalar(table.directionPull), push: evaluation.scalar(table.directionPush) },
  };
}

function encryptionOf(evaluation: Evaluation, folder: string): Settings['encryption'] {
  const keyFile = evaluation.scalar(rows.encryptionKeyFile);
  return { keys: evaluation.scalar(rows.encryptionKeys), keyFile: keyFile === undefined ? undefined : resolve(folder, keyFile) };
}

function settingsOf(evaluation: Evaluation, connections: Partial<Connections>, folder: string, entryKeys: Map<object, string>): Settings {
  const value = <V>(row: Parameters<typeof evaluation.scalar<V>>[0]): V => evaluation.scalar(row);
  const ignored = evaluation.texts(ignoreValuesRow, textKind) ?? defaultIgnoreValues;
  return {
    name: value(rows.name),
    salesforce: {
      loginUrl: connections.salesforce?.loginUrl ?? value(rows.loginUrl),
      auth: connections.salesforce?.auth ?? authOf(evaluation, folder),
      apiVersion: value(rows.apiVersion),
      apiBudget: { perRun: value(rows.budgetPerRun), reserve: value(rows.budgetReserve), whenSpent: value(rows.budgetWhenSpent) },
    },
    personalization: { store: value(rows.store), url: connections.personalizationUrl ?? value(rows.storeUrl) },
    ledger: { url: connections.ledgerUrl ?? value(rows.ledgerUrl) },
    encryption: encryptionOf(evaluation, folder),
    schedule: { cron: value(rows.cron), timezone: value(rows.timezone), jitterMs: value(rows.jitterMs) },
    approval: value(rows.approval),
    guards: {
      rejected: value(rows.rejected),
      personsGone: value(rows.personsGone),
      linksEnded: value(rows.linksEnded),
      recordsGone: value(rows.recordsGone),
      writesFactor: value(rows.writesFactor),
    },
    limitWrites: value(rows.limitWrites),
    caps: { pullRecords: value(rows.pullRecords), pushRecords: value(rows.pushRecords) },
    ignoreValues: [...new Set(ignored.map((text) => text.normalize('NFC').trim().toLowerCase()))],
    objects: {
      account: { ...objectOf(evaluation, 'account', entryKeys), accountFromContacts: value(accountFromContactsRow) },
      contact: objectOf(evaluation, 'contact', entryKeys),
      lead: { ...objectOf(evaluation, 'lead', entryKeys), enabled: value(leadsEnabledRow) },
    },
    retention: { intentsDays: value(rows.intentsDays) },
  };
}

/** Lines of all keys, those of list entries (`objects.contact.pull[0].to`) among them. */
function positionsOf(values: ReadonlyMap<string, Value>): Positions {
  const positions = new Map<string, number>();
  const note = (key: string, value: Value): void => {
    if (value.line > 0) positions.set(key, value.line);
    if (value.is === 'list') for (const [index, item] of value.items.entries()) note(`${key}[${index}]`, item);
    if (value.is === 'map') for (const [name, item] of value.entries) note(`${key}.${name}`, item);
  };
  for (const [key, value] of values) note(key, value);
  return positions;
}

/** As `loadSettings`, with the lines that later checks name. */
export function readSettings(options: LoadOptions): LoadedSettings {
  const place = options.file ?? 'crm-sync.yaml';
  const source = (options.text ?? (options.file === undefined ? '' : fileText(options.file))).replace(/^\uFEFF/, '');
  if (source.length > longestText)
    throw settingsFailure(
      place,
      [{ line: undefined, key: '', message: 'is longer than 256,000 characters: that is no settings file' }],
      'Check the path.',
    );
  const read = readDocument(source, settingsTable);
  const values = new Map([...given(options.defaults ?? {}, place), ...read.values, ...given(options.overrides ?? {}, 'command line')]);
  const evaluation = new Evaluation(values, read.problems, options.env);
  const entryKeys = new Map<object, string>();
  const settings = settingsOf(evaluation, options.connections ?? {}, dirname(options.file ?? '.'), entryKeys);
  const positions = positionsOf(values);
  evaluation.problems.push(...crossCheck(settings, positions, entryKeys));
  if (evaluation.problems.length > 0) throw settingsFailure(place, evaluation.problems);
  return { settings, positions, place };
}

/**
 * The settings of a file laid over the defaults.
 * @throws Failure with exit code 2 that holds every error: file, line, key, what is allowed, the nearest spelling.
 */
export function loadSettings(options: LoadOptions): Settings {
  return readSettings(options).settings;
}

/** @throws Failure with exit code 2 that names every connection that is missing. */
export function requireConnections(settings: Settings, place = 'crm-sync.yaml'): ConnectedSettings {
  const { salesforce, personalization, ledger } = settings;
  if (salesforce.loginUrl !== undefined && salesforce.auth !== undefined && personalization.url !== undefined && ledger.url !== undefined)
    return settings as ConnectedSettings;
  const needed: readonly (readonly [string, unknown])[] = [
    [rows.loginUrl.key, salesforce.loginUrl],
    [rows.flow.key, salesforce.auth],
    [rows.storeUrl.key, personalization.url],
    [rows.ledgerUrl.key, ledger.url],
  ];
  const problems = needed
    .filter(([, value]) => value === undefined)
    .map(([key]) => ({ line: undefined, key, message: 'is missing; without the embedded stack it is needed' }));
  throw settingsFailure(place, problems, 'Add it, or start the embedded stack with `crm-sync up`.');
}
