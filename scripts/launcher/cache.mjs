import { mkdirSync } from 'node:fs';
import { homedir } from 'node:os';
import { join, resolve } from 'node:path';
import { Problem } from './problem.mjs';

/** Downloads of all checkouts of this machine. The same rule as in src/config/local.ts, which cannot be imported before Node 24 is there. */
export function cacheFolder() {
  const { CRM_SYNC_CACHE, XDG_CACHE_HOME } = process.env;
  return resolve(CRM_SYNC_CACHE || join(XDG_CACHE_HOME || join(homedir(), '.cache'), 'crm-sync'));
}

export function makeCacheFolder() {
  const folder = cacheFolder();
  try {
    mkdirSync(folder, { recursive: true });
    return folder;
  } catch (error) {
    throw cacheProblem(error);
  }
}

/** @param {unknown} error */
export function cacheProblem(error) {
  return new Problem(`the cache folder ${cacheFolder()} cannot be written (${error.code}). Name another one with CRM_SYNC_CACHE.`);
}
