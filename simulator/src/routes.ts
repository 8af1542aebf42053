import { identity, revoke, token, userinfo } from './auth.ts';
import { createQueryJob, getQueryJob } from './bulk-query.ts';
import { deleteMany, retrieveMany, saveMany } from './collections.ts';
import { describe, listObjects, listVersions, objectInfo, resources, versions } from './describe.ts';
import { notFound } from './errors.ts';
import { deleteFaults, getFaults, putFaults } from './fault-endpoint.ts';
import { ingestResults, unprocessedRecords, uploadContent } from './ingest-files.ts';
import { createIngestJob, deleteIngestJob, listIngestJobs } from './ingest-jobs.ts';
import { changeIngestJob, getIngestJob } from './ingest-state.ts';
import { clearRequests, inspectRequests, inspectTriggers, inspectUpdates } from './inspection.ts';
import { limits, recordCount } from './limits.ts';
import { abortQueryJob, deleteQueryJob, listQueryJobs } from './query-jobs.ts';
import { queryResultPages, queryResults } from './query-results.ts';
import { query, queryMore } from './rest-query.ts';
import type { Call, Handler, Route } from './router.ts';
import { deleteRow, getRow, patchRow, postRow } from './rows.ts';
import { getSettings, postSettings } from './settings-endpoint.ts';
import { soap } from './soap.ts';
import { deleted, updated } from './tracking.ts';

/** A handler under `/services/data/vNN.0/`, for the versions that the org lists. */
function rest(method: string, path: string, handler: Handler): Route {
  return {
    method,
    pattern: `/services/data/:v${path}`,
    handler: (call: Call) => {
      const version = /^v(\d+)\.0$/.exec(call.params['v'] ?? '')?.[1];
      if (version === undefined || (!versions.includes(Number(version)) && !(Number(version) >= 50 && Number(version) < 60))) throw notFound();
      return handler(call);
    },
  };
}

/** Every path the org answers, the fixed ones before those with parameters. */
export const routes: readonly Route[] = [
  { method: 'POST', pattern: '/services/oauth2/token', access: 'none', handler: token },
  { method: 'POST', pattern: '/services/oauth2/revoke', access: 'none', handler: revoke },
  { method: 'GET', pattern: '/services/oauth2/revoke', access: 'none', handler: revoke },
  { method: 'GET', pattern: '/services/oauth2/userinfo', handler: userinfo },
  { method: 'GET', pattern: '/id/:org/:user', handler: identity },
  { method: 'POST', pattern: '/services/Soap/u/:v', access: 'none', handler: soap },
  { method: 'POST', pattern: '/services/Soap/u/:v/:org', access: 'none', handler: soap },
  { method: 'GET', pattern: '/services/data', access: 'none', handler: listVersions },
  rest('GET', '', resources),
  rest('GET', '/limits', limits),
  rest('GET', '/limits/recordCount', recordCount),
  rest('GET', '/query', (call) => query(call, false)),
  rest('GET', '/queryAll', (call) => query(call, true)),
  rest('GET', '/query/:locator', queryMore),
  rest('GET', '/queryAll/:locator', queryMore),
  rest('POST', '/composite/sobjects', (call) => saveMany(call, 'create')),
  rest('PATCH', '/composite/sobjects', (call) => saveMany(call, 'update')),
  rest('DELETE', '/composite/sobjects', deleteMany),
  rest('POST', '/composite/sobjects/:object', retrieveMany),
  rest('GET', '/composite/sobjects/:object', retrieveMany),
  rest('GET', '/sobjects', listObjects),
  rest('GET', '/sobjects/:object', objectInfo),
  rest('POST', '/sobjects/:object', postRow),
  rest('GET', '/sobjects/:object/describe', describe),
  rest('GET', '/sobjects/:object/updated', updated),
  rest('GET', '/sobjects/:object/deleted', deleted),
  rest('GET', '/sobjects/:object/:id', getRow),
  rest('PATCH', '/sobjects/:object/:id', patchRow),
  rest('DELETE', '/sobjects/:object/:id', deleteRow),
  rest('POST', '/jobs/query', createQueryJob),
  rest('GET', '/jobs/query', listQueryJobs),
  rest('GET', '/jobs/query/:id', getQueryJob),
  rest('PATCH', '/jobs/query/:id', abortQueryJob),
  rest('DELETE', '/jobs/query/:id', deleteQueryJob),
  rest('GET', '/jobs/query/:id/results', queryResults),
  rest('GET', '/jobs/query/:id/resultPages', queryResultPages),
  rest('POST', '/jobs/ingest', createIngestJob),
  rest('GET', '/jobs/ingest', listIngestJobs),
  rest('GET', '/jobs/ingest/:id', getIngestJob),
  rest('PATCH', '/jobs/ingest/:id', changeIngestJob),
  rest('DELETE', '/jobs/ingest/:id', deleteIngestJob),
  rest('PUT', '/jobs/ingest/:id/batches', uploadContent),
  rest('GET', '/jobs/ingest/:id/successfulResults', (call) => ingestResults(call, 'successful')),
  rest('GET', '/jobs/ingest/:id/failedResults', (call) => ingestResults(call, 'failed')),
  rest('GET', '/jobs/ingest/:id/unprocessedrecords', unprocessedRecords),
  { method: 'GET', pattern: '/__simulator/requests', access: 'none', handler: inspectRequests },
  { method: 'DELETE', pattern: '/__simulator/requests', access: 'none', handler: clearRequests },
  { method: 'GET', pattern: '/__simulator/updates', access: 'none', handler: inspectUpdates },
  { method: 'GET', pattern: '/__simulator/triggers', access: 'none', handler: inspectTriggers },
  { method: 'GET', pattern: '/__simulator/faults', access: 'none', handler: getFaults },
  { method: 'PUT', pattern: '/__simulator/faults', access: 'none', handler: putFaults },
  { method: 'DELETE', pattern: '/__simulator/faults', access: 'none', handler: deleteFaults },
  { method: 'GET', pattern: '/__simulator/settings', access: 'none', handler: getSettings },
  { method: 'POST', pattern: '/__simulator/settings', access: 'none', handler: postSettings },
];
