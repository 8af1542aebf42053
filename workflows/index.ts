export { fetchObject } from './fetch-object.ts';
export { nightlySync } from './nightly-sync.ts';
export { syncControl } from './sync-control.ts';
export { syncRun } from './sync-run.ts';
