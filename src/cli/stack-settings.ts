import { existsSync } from 'node:fs';
import path from 'node:path';
import { readSettings } from '../config/load.ts';
import type { LoadedSettings, SettingValues } from '../config/load.ts';
import type { Connections } from '../config/settings.ts';
import type { Variables } from '../config/environment.ts';
import { readJsonFile } from '../local/stack-file.ts';
import type { StackFile } from '../local/stack-file.ts';
import { writeJsonFile } from '../local/state-directory.ts';

/** `settings.json` of a state directory: how whoever works with its stack, the worker first, reads the settings, anew each time. */
export interface StackSettings {
  /** Absolute; null: all settings are defaults. */
  readonly settingsFile: string | null;
  /** A file that is not there counts as empty. */
  readonly optional: boolean;
  /** Stand where the file says nothing. */
  readonly defaults: SettingValues;
  /** Whether the stack's addresses go before those of the file, or only fill what it lacks. */
  readonly connections: 'stack' | 'fill';
  /** The data was loaded into the profile store once. */
  readonly loaded: boolean;
}

const fileName = 'settings.json';

export async function readStackSettings(stateDir: string): Promise<StackSettings | undefined> {
  return readJsonFile<StackSettings>(path.join(stateDir, fileName));
}

export async function writeStackSettings(stateDir: string, settings: StackSettings): Promise<void> {
  await writeJsonFile(path.join(stateDir, fileName), settings);
}

/** @throws Failure with exit code 2: something is wrong with the file */
export function settingsOfStack(source: StackSettings | undefined, stack: StackFile | undefined, env: Variables): LoadedSettings {
  const file = source?.settingsFile ?? null;
  const missing = source?.optional === true && file !== null && !existsSync(file);
  const options = {
    ...(file === null ? {} : { file }),
    ...(missing ? { text: '' } : {}),
    env,
    ...(source === undefined ? {} : { defaults: source.defaults }),
  };
  const offered = stack === undefined ? {} : connectionsOf(stack);
  if (source?.connections !== 'fill') return readSettings({ ...options, connections: offered });
  const own = readSettings(options).settings;
  return readSettings({
    ...options,
    connections: {
      ...(own.salesforce.loginUrl === undefined && offered.salesforce !== undefined ? { salesforce: offered.salesforce } : {}),
      ...(own.personalization.url === undefined && offered.personalizationUrl !== undefined
        ? { personalizationUrl: offered.personalizationUrl }
        : {}),
      ...(own.ledger.url === undefined && offered.ledgerUrl !== undefined ? { ledgerUrl: offered.ledgerUrl } : {}),
    },
  });
}

function connectionsOf({ salesforce, personalization, mirror }: StackFile): Partial<Connections> {
  return {
    ...(salesforce === undefined
      ? {}
      : {
          salesforce: {
            loginUrl: salesforce.url,
            auth: { flow: 'clientCredentials', clientId: salesforce.clientId, clientSecret: salesforce.clientSecret },
          },
        }),
    ...(personalization === undefined ? {} : { personalizationUrl: personalization.url }),
    ...(mirror === undefined ? {} : { ledgerUrl: mirror.url }),
  };
}
