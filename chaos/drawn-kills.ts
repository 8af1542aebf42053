import type { Random } from '../test/match/random.ts';

export type PartToKill = 'worker' | 'secondWorker' | 'temporal' | 'postgres' | 'simulator';

/** When somebody strikes: while a request is under way, just before a row of the ledger is written, or after so many milliseconds of the night. */
export type Moment =
  | {
      readonly kind: 'request';
      readonly says: string;
      readonly path: string;
      readonly method: string;
      readonly at: number;
      /** Before the org has seen it; or when all is done and the answer is on its way. */
      readonly phase: 'before' | 'after';
    }
  | { readonly kind: 'row'; readonly says: string; readonly table: string; readonly event: 'insert' | 'update'; readonly when: string }
  | { readonly kind: 'ms'; readonly says: string; readonly ms: number };

/** What is done: parts are killed, or stopped for some time and go on as if nothing had happened. */
export interface DrawnKill {
  readonly moment: Moment;
  readonly parts: readonly PartToKill[];
  readonly how: 'kill' | 'pause';
  readonly pauseMs: number;
}

/** What somebody does to the run itself by Temporal's own means. */
export interface DrawnStroke {
  readonly moment: Moment;
  readonly how: 'terminate' | 'cancel';
  /** The worker is paused a moment before, and wakes up while the next run is at work, or when that has ended. */
  readonly zombie: 'no' | 'wakesDuring' | 'wakesAfter';
}

interface Place {
  readonly weight: number;
  readonly bulk?: boolean;
  /** In the middle of what is written to either side. */
  readonly writes: boolean;
  readonly says?: string;
  readonly moment: (random: Random) => Moment;
}

const updateAt = (at: number, phase: 'before' | 'after'): Moment => ({
  kind: 'request',
  says: `${phase} update ${at}`,
  method: 'PATCH',
  path: '/composite/sobjects',
  at,
  phase,
});

const request = (says: string, method: string, path: string, upTo: number, weight: number, bulk = false): Place => ({
  weight,
  bulk,
  says,
  writes: /ingest|PATCH/.test(`${method} ${path}`),
  moment: (random) => {
    const [at, phase] = [1 + random.below(upTo), random.chance(0.5) ? 'before' : 'after'] as const;
    return { kind: 'request', says: `${phase} ${says} ${at}`, method, path, at, phase };
  },
});

const row = (says: string, table: string, event: 'insert' | 'update', when: string, weight: number, bulk = false): Place => ({
  weight,
  bulk,
  writes: /job|intent|batch|apply/.test(`${table} ${when}`),
  moment: () => ({ kind: 'row', says: `at the commit of ${says}`, table, event, when }),
});

const step = (name: string, weight = 1): Place => row(name, 'step_ledger', 'insert', `new.step = '${name}'`, weight);
const job = (state: string): Place => row(`a Bulk job as ${state}`, 'write_job', 'insert or update' as 'update', `new.state = '${state}'`, 2, true);

const places: readonly Place[] = [
  request('update', 'PATCH', '/composite/sobjects', 4, 6),
  request('retrieve', 'POST', '/composite/sobjects/*', 8, 2),
  request('describe', 'GET', '/sobjects/*/describe', 3, 1),
  request('query', 'GET', '/quer*', 5, 1),
  request('page of a Bulk query', 'GET', '/jobs/query/*/results', 3, 1),
  request('Bulk update', 'POST', '/jobs/ingest', 1, 3, true),
  request('upload', 'PUT', '/jobs/ingest/*/batches', 1, 3, true),
  request('hand-over', 'PATCH', '/jobs/ingest/*', 1, 4, true),
  request('look at a Bulk update', 'GET', '/jobs/ingest/*', 1, 1, true),
  request('results of a Bulk update', 'GET', '/jobs/ingest/*/*s', 3, 2, true),
  step('fetch.open', 0.5),
  step('fetch.page'),
  step('fetch.absorb'),
  step('match.begin', 0.5),
  step('match.settle'),
  step('match.finish'),
  step('plan.part'),
  step('apply.links', 2),
  step('apply.reserve', 2),
  step('apply.claim'),
  step('apply.store', 2),
  step('apply.part', 2),
  job('reserved'),
  job('open'),
  job('submitted'),
  job('done'),
  row('records as being sent', 'intent_set', 'update', 'new.sending and not old.sending', 3),
  row('outcomes of what was sent', 'intent_set', 'update', `old.outcome is null and new.outcome is not null and old.sending`, 3),
  row('a batch in the store', 'personalization.crm_sync_batch', 'insert', 'true', 2),
  row(
    'the opening of the run',
    'run',
    'insert or update' as 'update',
    'new.finished_at is null and new.status = $$running$$ and new.links_committed_at is null',
    2,
  ),
  row('the end of the run', 'run', 'update', 'old.finished_at is null and new.finished_at is not null', 1),
  { weight: 8, writes: false, moment: (random) => afterMs(random.below(5_000)) },
];

const afterMs = (ms: number): Moment => ({ kind: 'ms', says: `after ${ms} ms`, ms });

function drawMoment(random: Random, bulk: boolean, able: (place: Place) => boolean = () => true): Moment {
  const from = places.filter((place) => (bulk || place.bulk !== true) && able(place));
  let at = random.next() * from.reduce((sum, { weight }) => sum + weight, 0);
  return (from.find(({ weight }) => (at -= weight) < 0) ?? from[0])?.moment(random) ?? afterMs(0);
}

const alone: readonly (readonly [PartToKill, number])[] = [
  ['worker', 6],
  ['simulator', 2],
  ['temporal', 2],
  ['postgres', 2],
];

function drawParts(random: Random): readonly PartToKill[] {
  if (random.chance(0.15)) {
    const parts = random.shuffled(alone.map(([part]) => part)).slice(0, 2 + random.below(3));
    return parts.includes('worker') ? [...parts, 'secondWorker'] : parts;
  }
  let at = random.next() * alone.reduce((sum, [, weight]) => sum + weight, 0);
  const part = (alone.find(([, weight]) => (at -= weight) < 0) ?? alone[0])?.[0] ?? 'worker';
  return part === 'worker' ? ['worker', 'secondWorker'] : [part];
}

/** Kills of one night, none in a few of them. With a pause of one worker the other goes on: that one's work is done twice unless it is fenced off. */
export function drawKills(random: Random, bulk: boolean): readonly DrawnKill[] {
  return Array.from({ length: random.pick([0, 1, 1, 2, 2, 3]) }, () => {
    const moment = drawMoment(random, bulk);
    if (random.chance(0.3)) {
      const part = random.pick(['worker', 'worker', 'simulator', 'temporal', 'postgres'] as const);
      return { moment, parts: [part], how: 'pause', pauseMs: 2_500 + random.below(2_500) };
    }
    return { moment, parts: drawParts(random), how: 'kill', pauseMs: 0 };
  });
}

export function drawStroke(random: Random, bulk: boolean): DrawnStroke {
  if (!random.chance(0.75)) return { moment: drawMoment(random, bulk), how: random.chance(0.5) ? 'terminate' : 'cancel', zombie: 'no' };
  // One that is to wake up later is in the middle of writing. In a transaction it holds the next run up: it must wake up before that can begin.
  const outside = random.chance(0.6);
  const place = drawMoment(random, bulk, ({ writes, says }) => writes && (!outside || says === 'update'));
  // Early, so that there is more to be sent.
  const moment = outside && place.kind === 'request' ? updateAt(1 + random.below(2), place.phase) : place;
  const zombie = moment.kind === 'request' && random.chance(0.7) ? 'wakesAfter' : 'wakesDuring';
  return { moment, how: random.chance(0.9) ? 'terminate' : 'cancel', zombie };
}
