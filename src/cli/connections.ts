import { existsSync } from 'node:fs';
import path from 'node:path';
import type { Client, Connection, ConnectionOptions } from '@temporalio/client';
import { readEnvironment } from '../config/environment.ts';
import type { Environment } from '../config/environment.ts';
import { readSettings } from '../config/load.ts';
import type { LoadedSettings } from '../config/load.ts';
import { schemaNames } from '../config/settings.ts';
import type { Settings } from '../config/settings.ts';
import { temporalOfEnvironment } from '../config/temporal.ts';
import type { TemporalPlace } from '../config/temporal.ts';
import { Failure, usageFailure } from '../domain/failure.ts';
import { readStack } from '../local/stack-file.ts';
import type { StackFile } from '../local/stack-file.ts';
import { openStore } from '../personalization/store.ts';
import type { PersonalizationStore } from '../personalization/store.ts';
import { Database } from '../postgres/database.ts';
import { sql } from '../postgres/sql.ts';
import { defaultConfigFile, defaultStateDir } from './options.ts';
import type { PlaceOptions } from './options.ts';
import { readStackSettings, settingsOfStack } from './stack-settings.ts';
import type { StackSettings } from './stack-settings.ts';

/** The sync that a command is about, and the ways to it: nothing is opened before it is asked for, everything is closed at the end. */
export class SyncConnection {
  readonly environment: Environment;
  /** Undefined: settings and environment say where everything is. */
  readonly stack: StackFile | undefined;
  readonly stateDir: string | undefined;
  readonly #read: () => LoadedSettings;
  readonly #closing: (() => Promise<void>)[] = [];
  #loaded: LoadedSettings | undefined;
  #client: Promise<Client> | undefined;
  #ledger: Promise<Database> | undefined;

  constructor(environment: Environment, stateDir: string | undefined, stack: StackFile | undefined, read: () => LoadedSettings) {
    this.environment = environment;
    this.stateDir = stateDir;
    this.stack = stack;
    this.#read = read;
  }

  /** The settings as the files are now. */
  readSettings(): LoadedSettings {
    return this.#read();
  }

  get loaded(): LoadedSettings {
    return (this.#loaded ??= this.#read());
  }

  get settings(): Settings {
    return this.loaded.settings;
  }

  /** The sync's name: its control workflow, its task queue, the stem of every id. */
  get name(): string {
    return this.settings.name;
  }

  /** What is to be typed after a command so that it finds the same sync. */
  get placeArguments(): string {
    if (this.stateDir !== undefined) return this.stateDir === path.resolve(defaultStateDir) ? '' : ` --state ${shortPath(this.stateDir)}`;
    return this.loaded.place === defaultConfigFile ? '' : ` --config ${this.loaded.place}`;
  }

  async temporalPlace(): Promise<TemporalPlace> {
    const temporal = this.stack?.temporal;
    // A server of the stack's own has neither TLS nor keys; of another one the environment has them.
    const { connection, namespace } = temporal?.pid === undefined ? await temporalOfEnvironment() : { connection: {}, namespace: 'default' };
    return temporal === undefined
      ? { connection, namespace }
      : { connection: { ...connection, address: temporal.address }, namespace: temporal.namespace ?? 'default' };
  }

  /** @throws Failure `TEMPORAL_UNREACHABLE` */
  client(): Promise<Client> {
    return (this.#client ??= this.#connect());
  }

  async #connect(): Promise<Client> {
    // What is wrong with the settings is said before anybody looks for a server.
    void this.loaded;
    const { connection: options, namespace } = await this.temporalPlace();
    const [temporal, { dataConverterOf }] = await Promise.all([import('@temporalio/client'), import('../encryption/data-converter.ts')]);
    const converter = dataConverterOf(this.settings);
    let connection: Connection;
    try {
      connection = await temporal.Connection.connect({ ...(options as ConnectionOptions), connectTimeout: '5s' });
    } catch (error) {
      throw new Failure(`no answer from the Temporal server at ${options.address ?? 'localhost:7233'}`, {
        kind: 'transient',
        code: 'TEMPORAL_UNREACHABLE',
        remedy: 'Start it, or correct TEMPORAL_ADDRESS (with TLS: TEMPORAL_TLS_* and TEMPORAL_API_KEY).',
        cause: error,
      });
    }
    this.#closing.push(() => connection.close());
    return new temporal.Client({ connection, namespace, ...converter });
  }

  /** The database of ledger and mirror, as a reader: workers make and update its schemas. */
  ledger(): Promise<Database> {
    return (this.#ledger ??= this.#openLedger());
  }

  async #openLedger(): Promise<Database> {
    const { url } = this.settings.ledger;
    if (url === undefined) throw missingConnection(this.loaded.place, 'ledger.url');
    const schemas = schemaNames(this.name);
    const database = new Database({ url, searchPath: [schemas.mirror, schemas.ledger], maxConnections: 3 });
    this.#closing.push(() => database.close());
    const found = await database.query<{ there: boolean }>(sql`select to_regclass(${`${schemas.ledger}.run`}) is not null as there`);
    if (found.rows[0]?.there !== true)
      throw new Failure(`the database has no ledger of the sync ${this.name} yet`, {
        kind: 'permanent',
        code: 'LEDGER_MISSING',
        remedy: 'Start a worker once (crm-sync worker): it makes what is needed. If the name is wrong, correct the setting name.',
      });
    return database;
  }

  async store(): Promise<PersonalizationStore> {
    const { url } = this.settings.personalization;
    if (url === undefined) throw missingConnection(this.loaded.place, 'personalization.url');
    const store = await openStore(url);
    this.#closing.push(() => store.close());
    return store;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    for (const close of this.#closing.splice(0).toReversed()) await close();
  }
}

/** Absolute, or as seen from here, whichever is shorter to type. */
function shortPath(absolute: string): string {
  const relative = path.relative('.', absolute);
  return relative.length < absolute.length ? relative : absolute;
}

function missingConnection(place: string, key: string): Failure {
  return usageFailure(`${place}: ${key}: is missing`, 'Add it, or start the embedded stack with `crm-sync up`.');
}

/**
 * `--state DIR`: the stack that runs there. `--config FILE`: that file and the environment. Neither: the stack in `.crm-sync` if one runs there, else
 * `crm-sync.yaml`. Both: the stack's connections with that file's settings.
 * @throws Failure: exit code 1 if no stack runs on DIR, 2 if there is no settings file
 */
export async function connect(options: PlaceOptions): Promise<SyncConnection> {
  const environment = readEnvironment();
  const stateDir = path.resolve(options.state ?? defaultStateDir);
  if (options.state !== undefined || options.config === undefined) {
    const stack = await readStack(stateDir);
    if (stack !== undefined) {
      const source = options.config === undefined ? await readStackSettings(stateDir) : ownFile(options.config);
      return new SyncConnection(environment, stateDir, stack, () => settingsOfStack(source, stack, environment.variables));
    }
    if (options.state !== undefined)
      throw new Failure(`no stack runs on the state directory ${options.state}`, {
        kind: 'permanent',
        code: 'NO_STACK',
        remedy: `Start one with \`crm-sync demo --state ${options.state}\` or \`crm-sync up --state ${options.state}\`, or name a settings file with --config.`,
      });
    if (!existsSync(defaultConfigFile))
      throw usageFailure(
        `no stack runs on ${defaultStateDir}, and there is no settings file ${defaultConfigFile}`,
        'Start a stack with `crm-sync demo`, write settings with `crm-sync init`, or name where to look: --state DIR or --config FILE.',
      );
  }
  const file = options.config ?? defaultConfigFile;
  const read = (): LoadedSettings => {
    const ledgerUrl = environment.databaseUrl;
    const loaded = readSettings({ file, env: environment.variables });
    if (ledgerUrl === undefined || loaded.settings.ledger.url !== undefined) return loaded;
    return { ...loaded, settings: { ...loaded.settings, ledger: { url: ledgerUrl } } };
  };
  return new SyncConnection(environment, undefined, undefined, read);
}

function ownFile(file: string): StackSettings {
  return { settingsFile: path.resolve(file), optional: false, defaults: {}, connections: 'fill', loaded: true };
}
