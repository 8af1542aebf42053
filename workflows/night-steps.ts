import { executeChild } from '@temporalio/workflow';
import type { ObjectType } from '../src/domain/objects.ts';
import { mirror, sides, syncName } from './activity-proxies.ts';
import { fetchObject } from './fetch-object.ts';
import { pool } from './pool.ts';
import type { StepTable } from './step-table.ts';

export interface Ref {
  readonly run: string;
  readonly attempt: number;
}

/** Parts of a step that run at once. */
const partsAtOnce = 4;

const range = (count: number): number[] => Array.from({ length: count }, (_, index) => index);

/** Copies both sides into the mirror, everything at once. */
export async function fetchAll(ref: Ref, objects: readonly ObjectType[], table: StepTable): Promise<void> {
  await pool(objects, objects.length, (object) =>
    table.run('fetch', object, async (done) => {
      const fetched = await executeChild(fetchObject, {
        workflowId: `${ref.run}/fetch/${object}`,
        args: [{ ...ref, object, persons: object !== 'lead' }],
        staticSummary: `fetch ${object}`,
        workflowIdReusePolicy: 'ALLOW_DUPLICATE',
        parentClosePolicy: 'REQUEST_CANCEL',
      });
      done(fetched.records + fetched.persons, fetched.records + fetched.persons);
    }),
  );
}

/** Finds and settles the candidates of one object, a sub-tier after the other (R9). */
export async function matchObject(ref: Ref, object: ObjectType, table: StepTable): Promise<void> {
  await table.run('match', object, async (done) => {
    const { parts, subTiers, records } = await mirror.beginMatch(ref, object);
    done(records);
    for (const subTier of range(subTiers)) {
      await pool(range(parts), partsAtOnce, async (part) => void (await mirror.matchPart(ref, { object, subTier, part, parts })));
      const settled = await mirror.settleSubTier(ref, object, subTier);
      done(settled.records);
    }
    const finished = await mirror.finishMatch(ref, object);
    done(finished.records);
  });
}

/** Accounts and contacts share nothing; leads need the contacts' outcome (R17), accounts by contacts as well (R15). */
export async function matchAll(ref: Ref, objects: readonly ObjectType[], table: StepTable): Promise<void> {
  const first = objects.filter((object) => object !== 'lead');
  await pool(first, 2, (object) => matchObject(ref, object, table));
  if (first.length > 0) await mirror.matchAccountsByContacts(ref);
  if (objects.includes('lead')) await matchObject(ref, 'lead', table);
}

export async function planAll(ref: Ref, objects: readonly ObjectType[], table: StepTable): Promise<void> {
  await pool(objects, 1, (object) =>
    table.run('plan', object, async (done) => {
      const { parts } = await mirror.beginPlan(ref, object);
      await pool(range(parts), partsAtOnce, async (part) => {
        const planned = await mirror.planPart(ref, { object, part, parts });
        done(planned.records);
      });
    }),
  );
}

/** Makes the links real, then sends the intents. `stopped` is asked before each part: a cancel or leads off begin no new one. */
export async function applyAll(ref: Ref, pass: number, table: StepTable, stopped: (object: ObjectType) => boolean): Promise<void> {
  await table.run('apply', 'all', async (done) => {
    await mirror.commitLinks(ref, pass);
    const { groups } = await mirror.reserveParts(ref, pass);
    const parts = groups.flatMap(({ first, count, ...group }) => range(count).map((index) => ({ ...group, part: first + index })));
    const salesforce = sides(syncName());
    await pool(parts, partsAtOnce, async ({ path, object, part }) => {
      if (stopped(object)) return;
      if (path === 'store') done((await mirror.applyStorePart(ref, part)).records);
      else if (path === 'collections') done((await salesforce.applyCollectionsPart(ref, part)).records);
      else {
        // What a job left unprocessed goes by another one, at most three in all.
        for (;;) {
          const { jobNo } = await salesforce.openBulkPart(ref, part);
          if (jobNo === null) return;
          await salesforce.checkBulkPart(ref, jobNo);
          const { records } = await salesforce.readBulkPart(ref, part, jobNo);
          done(records);
        }
      }
    });
  });
}
