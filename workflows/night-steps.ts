import { CancellationScope, sleep } from '@temporalio/workflow';
import type { PartGroup } from '../src/apply/parts.ts';
import type { ObjectType } from '../src/domain/objects.ts';
import type { RunRef } from '../src/ledger/runs.ts';
import type { Proxies } from './activity-proxies.ts';
import { isBudgetSpent } from './api-budget.ts';
import type { ApiBudget } from './api-budget.ts';
import { inTurn } from './in-turn.ts';
import { bothPools, pool } from './pool.ts';
import type { StepTable } from './step-table.ts';

/** What every step of a run works with. */
export interface Night extends Proxies {
  readonly ref: RunRef;
  readonly table: StepTable;
  readonly budget: ApiBudget;
  readonly heartbeatTimeoutMs: number | undefined;
  /** R15 */
  readonly accountFromContacts: boolean;
}

/** Asked before each part: a step that is to stop begins no new one, and ends when those that run have. */
export type Stopped = () => boolean;

/** Parts of a step that run at once. */
const partsAtOnce = 4;
/** Of the store, whose database does all the work: each holds the values of some thousand persons in the worker's memory. */
const storePartsAtOnce = 2;

/** Of the store: parts that one activity writes. */
const mostPartsOfActivity = 8;

const partOf = (part: number, parts: number): string => `part ${part + 1} of ${parts}`;
const range = (count: number): number[] => Array.from({ length: count }, (_, index) => index);

/** Accounts and contacts share nothing; leads need the contacts' outcome (R17), accounts by contacts as well (R15). */
export async function matchAll(night: Night, objects: readonly ObjectType[], stopped: Stopped): Promise<void> {
  const first = objects.filter((object) => object !== 'lead');
  await pool(first, 2, (object) => matchObject(night, object, stopped));
  if (night.accountFromContacts && first.length > 0 && !stopped()) await night.mirror.matchAccountsByContacts(night.ref);
  if (objects.includes('lead') && !stopped()) await matchObject(night, 'lead', stopped);
}

/** Finds and settles the candidates of one object, a sub-tier after the other (R9). */
async function matchObject({ ref, table, mirror }: Night, object: ObjectType, stopped: Stopped): Promise<void> {
  await table.run('match', object, async (done) => {
    const {
      parts,
      subTiers,
      records: begun,
    } = await mirror.beginMatch.executeWithOptions({ summary: `match ${object}: pins, links` }, [ref, object]);
    if (parts === 0) return done(begun, begun);
    let settled = begun;
    done(begun);
    for (const [subTier, name] of subTiers.entries()) {
      await pool(range(parts), partsAtOnce, async (part) => {
        const summary = `match ${object}: ${name}, ${partOf(part, parts)}`;
        if (!stopped()) await mirror.matchPart.executeWithOptions({ summary }, [ref, { object, subTier, part, parts }]);
      });
      if (stopped()) return;
      const { records } = await mirror.settleSubTier.executeWithOptions({ summary: `settle ${object}: ${name}` }, [ref, object, subTier]);
      settled += records;
      done(records);
    }
    const { records: rest } = await mirror.finishMatch.executeWithOptions({ summary: `match ${object}: unmatched, near misses, drift` }, [
      ref,
      object,
    ]);
    done(rest, settled + rest);
  });
}

export async function planAll({ ref, table, mirror }: Night, objects: readonly ObjectType[], stopped: Stopped): Promise<void> {
  // Objects begin side by side, the parts of one come after those of another.
  const inParts = inTurn((plan: () => Promise<void>) => plan());
  await pool(objects, objects.length, async (object) => {
    if (stopped()) return;
    await table.run('plan', object, async (done) => {
      const { parts, records } = await mirror.beginPlan.executeWithOptions({ summary: `plan ${object}` }, [ref, object]);
      done(records);
      await inParts(() =>
        pool(range(parts), partsAtOnce, async (part) => {
          const summary = `plan ${object}: ${partOf(part, parts)}`;
          if (!stopped()) done((await mirror.planPart.executeWithOptions({ summary }, [ref, { object, part, parts }])).records);
        }),
      );
    });
  });
}

/** What an apply left: parts that were not begun or not ended, and whether it was for want of API calls. */
export interface Left {
  readonly parts: number;
  readonly budgetSpent: boolean;
}

/**
 * Makes the links real, then sends the intents. Parts whose object is `withheld` are not begun, unless it is so no longer when the others
 * are done. Without API calls left the run pauses, or the rest of what goes to Salesforce is left.
 */
export async function applyAll(night: Night, round: number, withheld: (object: ObjectType) => boolean): Promise<Left> {
  const { ref, table, mirror, budget } = night;
  let left: readonly Part[] = [];
  let budgetSpent = false;
  const waits = ({ object, path }: Part): boolean => withheld(object) || (budgetSpent && path !== 'store');
  await table.run('apply', 'all', async (done) => {
    const { groups } = await mirror.commitLinks(ref, round);
    left = groups.flatMap(piecesOf);
    do {
      const later: Part[] = [];
      const send = async (part: Part): Promise<void> => {
        if (waits(part)) return void later.push(part);
        try {
          await budget.within(() => applyPart(night, part, done));
        } catch (error) {
          if (!isBudgetSpent(error)) throw error;
          budgetSpent = true;
          later.push(part);
        }
      };
      // Salesforce works by itself on most of what it is sent: meanwhile the store is written.
      const toStore = ({ path }: Part): boolean => path === 'store';
      await bothPools(
        { items: left.filter((part) => toStore(part)), limit: storePartsAtOnce },
        { items: left.filter((part) => !toStore(part)), limit: partsAtOnce },
        send,
      );
      left = later;
    } while (left.some((part) => !waits(part)));
  });
  return { parts: left.reduce((sum, { count }) => sum + count, 0), budgetSpent };
}

/** What one activity sends: a part, and of the store those after it as well. */
interface Part extends Pick<PartGroup, 'path' | 'object'> {
  readonly part: number;
  readonly count: number;
}

/** Parts of the store, each a commit of its own, go several to an activity: the history of a run with a million persons stays short. Few parts are shared out all the same. */
function piecesOf({ first, count, path, object }: PartGroup): readonly Part[] {
  const size = path === 'store' ? Math.min(mostPartsOfActivity, Math.ceil(count / (4 * storePartsAtOnce))) : 1;
  return range(Math.ceil(count / size)).map((piece) => ({ path, object, part: first + piece * size, count: Math.min(size, count - piece * size) }));
}

async function applyPart({ ref, mirror, salesforce }: Night, { path, object, part, count }: Part, done: (records: number) => void): Promise<void> {
  const parts = count === 1 ? `part ${part + 1}` : `parts ${part + 1} to ${part + count}`;
  const summary = `apply ${object} to ${path === 'store' ? 'personalization' : `salesforce by ${path}`}: ${parts}`;
  if (path === 'store') return done((await mirror.applyStoreParts.executeWithOptions({ summary }, [ref, part, count])).records);
  if (path === 'collections') return done((await salesforce.applyCollectionsPart.executeWithOptions({ summary }, [ref, part])).records);
  // What a job left unprocessed goes by another one, at most three in all.
  for (let left = true; left;) {
    const { jobNo } = await salesforce.openBulkPart.executeWithOptions({ summary }, [ref, part]);
    if (jobNo === null) return;
    await toItsEnd(async () => {
      await salesforce.checkBulkPart.executeWithOptions({ summary: `${summary}, wait for job ${jobNo}` }, [ref, jobNo]);
      const { records, rest } = await salesforce.readBulkPart.executeWithOptions({ summary: `${summary}, results of job ${jobNo}` }, [
        ref,
        part,
        jobNo,
      ]);
      done(records);
      left = rest;
    });
  }
}

/** What Salesforce works on is waited for, in a cancelled run too, for up to ten minutes. */
async function toItsEnd(body: () => Promise<void>): Promise<void> {
  const scope = new CancellationScope({ cancellable: false });
  const ended = scope.run(body);
  CancellationScope.current()
    .cancelRequested.catch(() => CancellationScope.nonCancellable(() => Promise.race([sleep('10m'), ended])))
    .then(
      () => scope.cancel(),
      () => undefined /* the body failed: thrown below */,
    );
  await ended;
}
