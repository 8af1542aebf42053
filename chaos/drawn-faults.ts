import type { Fault } from '../simulator/src/faults.ts';
import type { Random } from '../test/match/random.ts';
import type { Rule } from './faults-in-force.ts';

/** A rule for the simulator. `mayEnd`: a run that it struck may end as `partial` or `failed`, or leave something for the next one; otherwise that is a defect. */
export interface DrawnFault extends Rule {
  readonly mayEnd: boolean;
}

/** A kind of request, and from which to which of a night's a fault is drawn. */
interface Target {
  readonly says: string;
  readonly path: string;
  readonly method?: string;
  readonly upTo: number;
}

const targets = {
  any: { says: 'any request', path: '/services/data/**', upTo: 35 },
  token: { says: 'login', path: '/services/oauth2/token', upTo: 2 },
  query: { says: 'query', path: '/query*/**', upTo: 4 },
  plainQuery: { says: 'query', path: '/quer*', method: 'GET', upTo: 4 },
  changes: { says: 'changes', path: '/sobjects/*/*', method: 'GET', upTo: 6 },
  openQuery: { says: 'Bulk query', path: '/jobs/query', method: 'POST', upTo: 3 },
  checkQuery: { says: 'look at a Bulk query', path: '/jobs/query/*', method: 'GET', upTo: 4 },
  queryPage: { says: 'page of a Bulk query', path: '/jobs/query/*/results', method: 'GET', upTo: 3 },
  retrieve: { says: 'retrieve', path: '/composite/sobjects/*', method: 'POST', upTo: 5 },
  update: { says: 'update', path: '/composite/sobjects', method: 'PATCH', upTo: 3 },
  openIngest: { says: 'Bulk update', path: '/jobs/ingest', method: 'POST', upTo: 1 },
  upload: { says: 'upload', path: '/jobs/ingest/*/batches', method: 'PUT', upTo: 1 },
  handOver: { says: 'hand-over', path: '/jobs/ingest/*', method: 'PATCH', upTo: 1 },
  checkIngest: { says: 'look at a Bulk update', path: '/jobs/ingest/*', method: 'GET', upTo: 2 },
  results: { says: 'results of a Bulk update', path: '/jobs/ingest/*/*s', method: 'GET', upTo: 3 },
} as const satisfies Record<string, Target>;
type TargetName = keyof typeof targets;

interface Kind {
  readonly says: string;
  readonly on: readonly TargetName[];
  readonly weight: number;
  readonly mayEnd?: boolean;
  /** At most so often in a row; once if absent. */
  readonly upTo?: number;
  readonly forGood?: boolean;
  /** A read that meets it begins anew; the third time it is given up (R27), so that a night gets two of them at most. */
  readonly restarts?: boolean;
  readonly fault: (random: Random) => Fault;
}

const everywhere: readonly TargetName[] = Object.keys(targets).filter((name) => name !== 'token') as TargetName[];
const answers = everywhere.filter((name) => !['upload', 'handOver'].includes(name));
const csv: readonly TargetName[] = ['queryPage', 'results'];
const writes: readonly TargetName[] = ['update', 'update', 'openIngest', 'upload', 'handOver'];

const kinds: readonly Kind[] = [
  { says: 'answer lost', on: writes, weight: 6, fault: () => ({ kind: 'loseAnswer' }) },
  { says: 'answer lost', on: everywhere, weight: 2, fault: () => ({ kind: 'loseAnswer' }) },
  { says: 'closed', on: everywhere, weight: 3, upTo: 2, fault: () => ({ kind: 'close' }) },
  {
    says: 'error of its own',
    on: everywhere,
    weight: 2,
    fault: () => ({ kind: 'status', status: 500, errorCode: 'UNKNOWN_EXCEPTION', message: 'An unexpected error occurred.' }),
  },
  { says: 'unavailable', on: everywhere, weight: 2, upTo: 2, fault: (random) => ({ kind: 'html', status: random.pick([502, 503, 504]) }) },
  { says: 'login down', on: ['token'], weight: 1, upTo: 3, fault: () => ({ kind: 'html' }) },
  { says: 'session ended', on: everywhere, weight: 3, fault: () => ({ kind: 'sessionExpired' }) },
  { says: 'late', on: everywhere, weight: 2, upTo: 3, fault: (random) => ({ kind: 'delay', ms: 100 + random.below(900) }) },
  { says: 'slow', on: answers, weight: 1, fault: () => ({ kind: 'drip', bytes: 2_048, everyMs: 20 }) },
  { says: 'cut', on: answers, weight: 3, upTo: 2, fault: () => ({ kind: 'cut' }) },
  { says: 'cut in its first bytes', on: answers, weight: 1, fault: (random) => ({ kind: 'cut', afterBytes: random.below(12) }) },
  { says: 'ends too early', on: answers, weight: 2, fault: () => ({ kind: 'cut', clean: true }) },
  { says: 'noise', on: answers, weight: 1, fault: (random) => ({ kind: 'garbage', bytes: random.below(3_000) }) },
  {
    says: 'rows missing',
    restarts: true,
    on: ['queryPage', 'results', 'plainQuery', 'retrieve', 'update'],
    weight: 2,
    fault: (random) => ({ kind: 'dropRows', rows: 1 + random.below(3) }),
  },
  {
    says: 'wrong count',
    restarts: true,
    on: ['queryPage', 'plainQuery', 'checkQuery'],
    weight: 1,
    fault: (random) => ({ kind: 'wrongCount', by: random.pick([-1, 1]) }),
  },
  { says: 'locator missing', on: csv, weight: 1, fault: () => ({ kind: 'locator', as: 'missing' }) },
  { says: 'locator repeated', on: csv, weight: 1, fault: () => ({ kind: 'locator', as: 'repeated' }) },
  {
    says: 'stuck for some looks',
    on: ['openQuery', 'openIngest'],
    weight: 2,
    fault: (random) => ({ kind: 'job', end: 'stuck', polls: 1 + random.below(2) }),
  },
  { says: 'gone when it is done', restarts: true, on: ['openQuery', 'openIngest'], weight: 2, fault: () => ({ kind: 'job', end: 'gone' }) },
  {
    says: 'half done, then failed',
    on: ['openIngest'],
    weight: 2,
    fault: (random) => ({ kind: 'job', end: 'Failed', afterRows: random.below(2_500) }),
  },
  { says: 'failed', restarts: true, on: ['openQuery'], weight: 1, fault: () => ({ kind: 'job', end: 'Failed' }) },
  {
    says: 'rows saved but in no result',
    on: ['openIngest'],
    weight: 2,
    fault: (random) => ({ kind: 'job', lostRows: 1 + random.below(20), lostAreSaved: true }),
  },
  { says: 'rows locked', on: ['update', 'update', 'openIngest'], weight: 2, fault: (random) => ({ kind: 'rowError', rows: 1 + random.below(5) }) },
  { says: 'budget spent for a while', on: everywhere, weight: 0.7, mayEnd: true, fault: () => ({ kind: 'requestLimit', limit: 'total' }) },
  { says: 'too many at once', on: everywhere, weight: 0.15, fault: () => ({ kind: 'requestLimit', limit: 'concurrent' }) },
  { says: 'rows in no result', on: ['openIngest'], weight: 0.7, mayEnd: true, fault: (random) => ({ kind: 'job', lostRows: 1 + random.below(20) }) },
  {
    says: 'aborted by somebody',
    on: ['openIngest', 'openQuery'],
    weight: 0.7,
    mayEnd: true,
    fault: (random) => ({ kind: 'job', end: 'Aborted', afterRows: random.below(2_500) }),
  },
  {
    says: 'rows in an approval',
    on: ['update'],
    weight: 0.5,
    mayEnd: true,
    fault: (random) => ({ kind: 'rowError', errorCode: 'ENTITY_IS_LOCKED', rows: 1 + random.below(5) }),
  },
  {
    says: 'access taken away',
    on: everywhere,
    weight: 0.4,
    mayEnd: true,
    fault: () => ({ kind: 'status', status: 403, errorCode: 'INSUFFICIENT_ACCESS', message: 'no' }),
  },
  { says: 'budget spent for good', on: ['any'], weight: 0.2, mayEnd: true, forGood: true, fault: () => ({ kind: 'requestLimit', limit: 'total' }) },
];

/** The answer to the hand-over of a Bulk job is lost. */
export const lostHandOver: DrawnFault = {
  name: 'hand-over: answer lost',
  path: targets.handOver.path,
  method: 'PATCH',
  at: 1,
  count: 1,
  fault: { kind: 'loseAnswer' },
  mayEnd: false,
};

const mostRestarts = 2;

/** Faults of one night. `bulk`: it sends so much that Bulk is used. */
export function drawFaults(random: Random, bulk: boolean): readonly DrawnFault[] {
  const able = kinds
    .map((kind) => ({ ...kind, on: kind.on.filter((name) => bulk || !/ngest|upload|handOver|results/.test(name)) }))
    .filter(({ on }) => on.length > 0);
  const all = able.reduce((sum, { weight }) => sum + weight, 0);
  let restarts = 0;
  const faults: DrawnFault[] = [];
  for (let left = 8 + random.below(8); left > 0; left -= 1) {
    let place = random.next() * all;
    const kind = able.find(({ weight }) => (place -= weight) < 0) ?? able[0];
    if (kind === undefined || (kind.restarts === true && ++restarts > mostRestarts)) continue;
    const { says, path, method, upTo }: Target = targets[random.pick(kind.on)];
    const at = 1 + random.below(upTo);
    faults.push({
      name: `${faults.length + 1}: ${says} ${at}: ${kind.says}`,
      path,
      ...(method === undefined ? {} : { method }),
      at,
      count: kind.forGood === true ? 'always' : 1 + random.below(kind.upTo ?? 1),
      fault: kind.fault(random),
      mayEnd: kind.mayEnd ?? false,
    });
  }
  return faults.map((each) => (isOfUnprocessed(each, faults) ? { ...each, mayEnd: true } : each));
}

/** Rows of a job that was half done can be missing from the file of what was not processed: nobody then says that they are to be sent again. */
function isOfUnprocessed({ path, fault }: DrawnFault, faults: readonly DrawnFault[]): boolean {
  return (
    path === targets.results.path && fault.kind === 'dropRows' && faults.some((other) => other.fault.kind === 'job' && other.fault.end === 'Failed')
  );
}
