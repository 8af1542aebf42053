import { revokeAll } from './auth.ts';
import { readJson } from './body.ts';
import { changeOrganization } from './credentials.ts';
import { ApiError } from './errors.ts';
import { normaliseId } from './ids.ts';
import { checkLocal } from './inspection.ts';
import type { Org } from './org.ts';
import { seedOrganization } from './organization.ts';
import type { Call } from './router.ts';
import { SettingError, applySettings } from './settings-check.ts';
import { purgeDeleteLog } from './tracking.ts';
import { parseDateTime } from './values.ts';

/** What a POST may ask for beside the settings: done once, in this order, before they are taken over. */
const actions: Readonly<Record<string, (org: Org, value: unknown) => void>> = {
  now: (org, value) => {
    const time = typeof value === 'string' ? parseDateTime(value) : null;
    if (time === null) throw new SettingError('now takes a date-time like 2026-11-24T02:00:00Z');
    org.settings = { ...org.settings, clockOffsetMs: org.settings.clockOffsetMs + Date.parse(time) - org.nowMs() };
  },
  advanceSeconds: (org, value) => {
    if (typeof value !== 'number' || !Number.isFinite(value)) throw new SettingError('advanceSeconds takes a number of seconds');
    org.settings = { ...org.settings, clockOffsetMs: org.settings.clockOffsetMs + Math.round(value * 1000) };
  },
  apiRequestsUsed: (org, value) => {
    if (typeof value !== 'number' || !Number.isSafeInteger(value) || value < 0) throw new SettingError('apiRequestsUsed takes a whole number from 0');
    Object.assign(org.usage, { used: value, since: org.nowMs() });
  },
  personAccounts: (org, value) => {
    if (value !== true) throw new SettingError('personAccounts takes true: an org that has them keeps them');
    org.store.enablePersonAccounts();
  },
  organizationId: (org, value) => {
    const id = typeof value === 'string' ? normaliseId(value) : null;
    if (id === null || !id.startsWith('00D'))
      throw new SettingError('organizationId takes an id of an organization: 15 or 18 characters, beginning with 00D');
    changeOrganization(org, id);
    seedOrganization(org);
    revokeAll(org);
  },
  revokeTokens: (org, value) => {
    if (value === true) revokeAll(org);
  },
  purgeDeleteLog: (org, value) => {
    if (value === true) purgeDeleteLog(org);
  },
};

/** Takes over settings and does the actions among them; kept in the state directory. @throws {SettingError} and then nothing is changed */
export function changeSettings(org: Org, given: Readonly<Record<string, unknown>>): void {
  const settings = Object.fromEntries(Object.entries(given).filter(([name]) => actions[name] === undefined));
  const before = { settings: org.settings, credentials: org.credentials };
  try {
    org.store.transaction(() => {
      for (const [name, act] of Object.entries(actions)) if (given[name] !== undefined) act(org, given[name]);
      applySettings(org, settings);
      org.store.setMeta('settings', JSON.stringify(org.settings));
    });
  } catch (error) {
    Object.assign(org, before);
    org.store.setShape(before.settings);
    throw error;
  }
  org.nextPurgeMs = 0;
}

const shown = (org: Org): unknown => ({
  ...org.settings,
  now: new Date(org.nowMs()).toISOString(),
  apiRequestsUsed: org.usage.used,
  personAccounts: org.store.hasPersonAccounts(),
  organizationId: org.credentials.organizationId,
});

/** GET /__simulator/settings */
export function getSettings(call: Call): unknown {
  checkLocal(call);
  return shown(call.org);
}

/** POST /__simulator/settings: some settings and actions as a JSON object; answers all settings as they are then. */
export async function postSettings(call: Call): Promise<unknown> {
  checkLocal(call);
  const body = await readJson(call.request);
  try {
    changeSettings(call.org, body);
  } catch (error) {
    if (error instanceof SettingError) throw new ApiError(400, 'INVALID_SETTING', error.message);
    throw error;
  }
  return shown(call.org);
}
