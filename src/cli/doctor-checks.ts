import { statSync } from 'node:fs';
import { Cron } from 'croner';
import { requireConnections } from '../config/load.ts';
import type { ConnectedSettings } from '../config/settings.ts';
import { checkAgainstSides } from '../config/sides.ts';
import { settingsWarnings } from '../config/warnings.ts';
import { settingsFailure } from '../config/problems.ts';
import { Failure } from '../domain/failure.ts';
import type { FieldFacts } from '../domain/fields.ts';
import { keysOf } from '../encryption/data-converter.ts';
import { objectFacts, objectTypes } from '../domain/objects.ts';
import type { ObjectType } from '../domain/objects.ts';
import { runKindName, runStatusName } from '../domain/search-attributes.ts';
import type { AttributeTypes } from '../personalization/port.ts';
import { refuseOther } from '../ledger/binding.ts';
import { createSalesforce } from '../salesforce/side.ts';
import type { Salesforce } from '../salesforce/side.ts';
import type { TemporalPlace } from '../config/temporal.ts';
import type { SyncConnection } from './connections.ts';
import { describeError } from './errors.ts';
import { findOpenNight } from './night.ts';
import { describeSchedule } from './night-schedule.ts';
import { count } from './output.ts';

/** One line of the doctor. */
export interface Finding {
  readonly check: string;
  readonly result: 'ok' | 'warn' | 'fail';
  readonly message: string;
  readonly remedy?: string;
  /** What a failed check ends the command with. */
  readonly exitCode: number;
}

type Describes = Partial<Record<ObjectType, readonly FieldFacts[]>>;

function ok(check: string, message: string): Finding {
  return { check, result: 'ok', message, exitCode: 0 };
}

function warn(check: string, message: string, remedy?: string): Finding {
  return { check, result: 'warn', message, exitCode: 0, ...(remedy === undefined ? {} : { remedy }) };
}

function fail(check: string, error: unknown): Finding {
  if (error instanceof Failure)
    return {
      check,
      result: 'fail',
      message: error.message,
      exitCode: error.exitCode,
      ...(error.remedy === undefined ? {} : { remedy: error.remedy }),
    };
  const [first = '', ...more] = describeError(error, false).lines;
  const remedy = more.join(' ').trim();
  return { check, result: 'fail', message: first.replace(/^error: /, ''), exitCode: 1, ...(remedy === '' ? {} : { remedy }) };
}

/** Everything that a night needs, one finding after the other; a check that needs one that failed is left out. */
export async function* examine(sync: SyncConnection, nowMs: number): AsyncGenerator<Finding> {
  let settings: ConnectedSettings;
  try {
    settings = requireConnections(sync.settings, sync.loaded.place);
  } catch (error) {
    yield fail('settings', error);
    return;
  }
  yield ok('settings', `${sync.loaded.place} is well-formed`);
  for (const warning of settingsWarnings(settings, nowMs)) yield warn('settings', warning);
  yield nextNight(settings, nowMs);

  const org = createSalesforce(settings.salesforce);
  let describes: Describes | undefined;
  const bound: Partial<Record<'salesforce' | 'personalization', string>> = {};
  try {
    for await (const found of examineOrg(org, settings)) {
      if ('describes' in found) describes = found.describes;
      else if ('organizationId' in found) bound.salesforce = found.organizationId;
      else yield found;
    }
  } finally {
    await org.close();
  }

  let attributes: AttributeTypes | undefined;
  try {
    const store = await sync.store();
    attributes = await store.describe();
    bound.personalization = await store.identity();
    yield ok(
      'profile store',
      `${store.place} answers: ${count(attributes.user.length)} attributes of users, ${count(attributes.account.length)} of accounts`,
    );
  } catch (error) {
    yield fail('profile store', error);
  }
  if (describes !== undefined && attributes !== undefined) yield fieldsAndPermissions(sync, describes, attributes);

  const ledger = await ledgerFinding(sync);
  yield ledger;
  if (ledger.result === 'ok') yield await bindingFinding(sync, bound);
  yield* encryptionFinding(settings);
  yield* examineTemporal(sync);
}

/** Whether what Temporal keeps is encrypted, and that a file of keys is its owner's alone. */
function* encryptionFinding({ encryption }: ConnectedSettings): Generator<Finding> {
  try {
    const keys = keysOf(encryption);
    if (keys[0] === undefined) return;
    yield ok('encryption', `payloads are encrypted with the key ${keys[0].id}; ${count(keys.length)} can decrypt`);
    const mode = encryption.keyFile === undefined ? 0 : statSync(encryption.keyFile).mode;
    if ((mode & 0o077) !== 0) yield warn('encryption', `${encryption.keyFile} can be read by others`, `Make it its owner's: chmod 600.`);
  } catch (error) {
    yield fail('encryption', error);
  }
}

function nextNight({ schedule }: ConnectedSettings, nowMs: number): Finding {
  const next = new Cron(schedule.cron, { timezone: schedule.timezone }).nextRun(new Date(nowMs));
  if (next === null) return warn('schedule', `${schedule.cron} (${schedule.timezone}) names no time to come`, 'Correct schedule.cron.');
  return ok('schedule', `${schedule.cron} (${schedule.timezone}): the next night begins ${next.toISOString()}`);
}

async function* examineOrg(
  org: Salesforce,
  settings: ConnectedSettings,
): AsyncGenerator<Finding | { readonly describes: Describes } | { readonly organizationId: string }> {
  const { loginUrl, auth } = settings.salesforce;
  try {
    const { organizationId } = await org.identity();
    yield ok('Salesforce login', `${loginUrl} (${auth.flow}) is org ${organizationId}`);
    yield { organizationId };
    const { dailyApiRequests } = await org.limits();
    const share = dailyApiRequests.remaining / Math.max(1, dailyApiRequests.max);
    const calls = `${count(dailyApiRequests.remaining)} of ${count(dailyApiRequests.max)} daily requests are left`;
    yield share > 0.3
      ? ok('Salesforce limits', calls)
      : warn('Salesforce limits', calls, 'A run stops at salesforce.apiBudget; run it when more are left.');
  } catch (error) {
    yield fail('Salesforce login', error);
    return;
  }
  const describes: Describes = {};
  for (const object of objectTypes) {
    const { crmName } = objectFacts[object];
    try {
      const { fields } = await org.describe(crmName);
      describes[object] = fields;
      yield ok(`Salesforce ${crmName}`, `${count(fields.length)} fields can be read`);
    } catch (error) {
      if (object === 'lead' && error instanceof Failure && error.code === 'NOT_FOUND')
        yield warn(`Salesforce ${crmName}`, "the org does not show it to the sync's user", 'Leads cannot be switched on until it does.');
      else {
        yield fail(`Salesforce ${crmName}`, error);
        return;
      }
    }
  }
  yield { describes };
}

/** What the settings name that org or store do not have, or that may not be written. */
function fieldsAndPermissions(sync: SyncConnection, describes: Describes, attributes: AttributeTypes): Finding {
  const { settings, positions, place } = sync.loaded;
  const facts = { describes, userAttributes: attributes.user, accountAttributes: attributes.account };
  const problems = checkAgainstSides(settings, facts, positions);
  if (problems.length > 0)
    return fail('fields and permissions', settingsFailure(place, problems, 'Correct the settings, or add what is missing to the org or the store.'));
  return ok('fields and permissions', 'every field that the settings name is there, and those to be written may be written');
}

async function ledgerFinding(sync: SyncConnection): Promise<Finding> {
  try {
    await sync.ledger();
    return ok('database', 'ledger and mirror are there');
  } catch (error) {
    if (error instanceof Failure && error.code === 'LEDGER_MISSING') return warn('database', error.message, error.remedy);
    return fail('database', error);
  }
}

/** Whether org and store are those that the ledger belongs to. */
async function bindingFinding(sync: SyncConnection, found: Partial<Record<'salesforce' | 'personalization', string>>): Promise<Finding> {
  try {
    const database = await sync.ledger();
    let bound = false;
    for (const side of ['salesforce', 'personalization'] as const) {
      const id = found[side];
      if (id !== undefined) bound = (await refuseOther(database, side, id)) || bound;
    }
    return ok(
      'binding',
      bound ? 'org and store are those that this sync is bound to' : 'not bound yet: the first run binds this sync to the org and the store',
    );
  } catch (error) {
    return fail('binding', error);
  }
}

async function* examineTemporal(sync: SyncConnection): AsyncGenerator<Finding> {
  let place: TemporalPlace;
  try {
    place = await sync.temporalPlace();
  } catch (error) {
    yield fail('Temporal', error);
    return;
  }
  const { connection, namespace } = place;
  const missingKey = await lonelyCertificate(sync);
  if (missingKey !== undefined) yield warn('Temporal', missingKey, 'Give both or neither: a certificate without its key is not used.');
  try {
    const client = await sync.client();
    await client.workflowService.describeNamespace({ namespace });
    yield ok('Temporal', `${connection.address ?? 'localhost:7233'}, namespace ${namespace}, answers`);
    const { customAttributes } = await client.connection.operatorService.listSearchAttributes({ namespace });
    const missing = [runStatusName, runKindName].filter((name) => customAttributes?.[name] === undefined);
    yield missing.length === 0
      ? ok('search attributes', `${runStatusName} and ${runKindName} are registered`)
      : warn(
          'search attributes',
          `not registered yet: ${missing.join(', ')}`,
          "A worker registers them at its start; on Temporal Cloud, in the namespace's settings.",
        );
    const { pollers } = await client.workflowService.describeTaskQueue({ namespace, taskQueue: { name: sync.name }, taskQueueType: 1 });
    yield (pollers ?? []).length > 0
      ? ok('workers', `${count((pollers ?? []).length)} at work on task queue ${sync.name}`)
      : warn('workers', `none at work on task queue ${sync.name}`, 'Start one with `crm-sync worker`.');
    yield await scheduleFinding(sync);
    const open = await findOpenNight(client, sync.name);
    if (open !== undefined) yield ok('runs', 'one is in progress');
  } catch (error) {
    yield fail('Temporal', error);
  }
}

async function scheduleFinding(sync: SyncConnection): Promise<Finding> {
  try {
    const { state, info } = await describeSchedule(await sync.client(), sync.name);
    if (state.paused)
      return warn('Schedule', `is paused${state.note === undefined ? '' : ` (${state.note})`}`, 'Resume it with `crm-sync schedule resume`.');
    return ok('Schedule', `is active; next ${info.nextActionTimes[0]?.toISOString() ?? 'never'}`);
  } catch (error) {
    if (error instanceof Failure && error.code === 'SCHEDULE_MISSING') return warn('Schedule', error.message, error.remedy);
    throw error;
  }
}

/** A certificate without its key, or the reverse, is left out without a word by what reads the configuration. */
async function lonelyCertificate({ stack }: SyncConnection): Promise<string | undefined> {
  if (stack !== undefined) return undefined;
  const { loadClientConfigProfile } = await import('@temporalio/envconfig');
  const { tls } = loadClientConfigProfile({ configFileStrict: true });
  const [certificate, key] = [tls?.clientCert !== undefined, tls?.clientKey !== undefined];
  if (certificate === key) return undefined;
  return certificate
    ? 'a client certificate is set (TEMPORAL_TLS_CLIENT_CERT_*), its key (TEMPORAL_TLS_CLIENT_KEY_*) is not'
    : 'the key of a client certificate is set (TEMPORAL_TLS_CLIENT_KEY_*), the certificate (TEMPORAL_TLS_CLIENT_CERT_*) is not';
}
