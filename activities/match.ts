import { atOnce } from '../src/domain/at-once.ts';
import type { ObjectType } from '../src/domain/objects.ts';
import type { RunRef } from '../src/ledger/runs.ts';
import { matchAccountsByContacts } from '../src/mirror/match/accounts-by-contacts.ts';
import { beginMatch } from '../src/mirror/match/begin.ts';
import { candidatePart } from '../src/mirror/match/candidates.ts';
import { finishMatch } from '../src/mirror/match/finish.ts';
import { isToBeMatched, letLinksStand, wasMatched } from '../src/mirror/match/standing.ts';
import { keySides, refreshKeys } from '../src/mirror/match/keys.ts';
import { matchPlan } from '../src/mirror/match/match-plan.ts';
import type { SubTier } from '../src/mirror/match/match-plan.ts';
import { noteInputs, repeatMatch } from '../src/mirror/match/repeat.ts';
import { settleSubTier } from '../src/mirror/match/settle.ts';
import { once } from '../src/mirror/step-ledger.ts';
import type { StepCounts } from '../src/mirror/step-ledger.ts';
import { sql } from '../src/postgres/sql.ts';
import type { Dependencies } from './dependencies.ts';
import { activity, cancellation } from './edge.ts';

interface MatchPart {
  readonly object: ObjectType;
  /** Position in the match plan's sub-tiers. */
  readonly subTier: number;
  readonly part: number;
  readonly parts: number;
}

interface BegunMatch {
  /** 0: nothing is to be compared, and the match has ended. */
  readonly parts: number;
  /** Their names, from the strongest to the weakest; with `matchFieldOrder: ordered` those of the fields. */
  readonly subTiers: readonly string[];
  /** Settled before any value is compared: the ineligible, pins, links; all of them if the match has ended. */
  readonly records: number;
}

/** Sub-tiers and parts share the step ledger's one number of a part. */
const partNumber = (subTier: number, part: number): number => subTier * 10_000 + part;

interface BegunCounts extends StepCounts {
  readonly parts: number;
  readonly subTiers: readonly string[];
  readonly settled: number;
}

/** What a person reads in the web UI. */
const subTierLabel = ({ name, fields }: SubTier): string =>
  name === 'field' ? `field ${fields.map((field) => field.name).join(', ')}`.slice(0, 80) : name;

export function matchActivities({ database }: Dependencies) {
  /** How many are unmatched. */
  const finish = async (ref: RunRef, object: ObjectType): Promise<number> => {
    const { unmatched } = await once(
      database,
      ref,
      { step: 'match.finish', object, part: 0 },
      async (tx, run) => ({ ...(await finishMatch(tx, run, object)) }),
      cancellation(),
    );
    return unmatched;
  };
  return {
    beginMatch: activity(async (ref: RunRef, object: ObjectType): Promise<BegunMatch> => {
      await atOnce(
        keySides.map((side, part) =>
          once(
            database,
            ref,
            { step: 'match.keys', object, part },
            async (tx, run) => {
              if (!(await isToBeMatched(tx, run, object))) return { records: 0, keys: 0, malformedIds: 0 };
              return { records: 0, ...(await refreshKeys(tx, run.shape, object, side, run.runNo)) };
            },
            cancellation(),
          ),
        ),
      );
      const begun = await once<BegunCounts>(
        database,
        ref,
        { step: 'match.begin', object, part: 0 },
        async (tx, run) => {
          // R27: nothing is considered of what was not read.
          if (!(await isToBeMatched(tx, run, object))) return { records: 0, parts: 0, subTiers: [], ...(await letLinksStand(tx, run, object)) };
          const { repeated, inputs } = await repeatMatch(tx, run, object);
          const { parts } = repeated ? { parts: 0 } : await beginMatch(tx, run, object);
          if (!repeated) await noteInputs(tx, run, object, inputs);
          const settled = await tx.query<{ settled: number }>(sql`
            select count(*) as settled from crm_outcome where run_no = ${run.runNo} and object = ${object}`);
          return {
            records: 0,
            parts,
            subTiers: repeated ? [] : matchPlan(run.shape, object, run.leads).subTiers.map(subTierLabel),
            settled: settled.rows[0]?.settled ?? 0,
          };
        },
        cancellation(),
      );
      const rest = begun.parts === 0 ? await finish(ref, object) : 0;
      return { parts: begun.parts, subTiers: begun.subTiers, records: begun.settled + rest };
    }),

    matchPart: activity(async (ref: RunRef, { object, subTier, part, parts }: MatchPart): Promise<{ readonly candidates: number }> => {
      const found = await once(
        database,
        ref,
        { step: 'match.candidates', object, part: partNumber(subTier, part) },
        async (tx, run) => ({ records: 0, candidates: (await candidatePart(tx, run, object, subTier, part, parts)).candidates }),
        cancellation(),
      );
      return { candidates: found.candidates };
    }),

    settleSubTier: activity(async (ref: RunRef, object: ObjectType, subTier: number): Promise<{ readonly records: number }> => {
      const settled = await once(
        database,
        ref,
        { step: 'match.settle', object, part: subTier },
        async (tx, run) => {
          const { linked, stopped, suppressed } = await settleSubTier(tx, run, object, subTier);
          return { records: 0, linked, stopped, suppressed };
        },
        cancellation(),
      );
      return { records: settled.linked + settled.stopped + settled.suppressed };
    }),

    finishMatch: activity(async (ref: RunRef, object: ObjectType): Promise<{ readonly records: number }> => ({ records: await finish(ref, object) })),

    /** R15; nothing unless `accountFromContacts` is on. */
    matchAccountsByContacts: activity(async (ref: RunRef): Promise<void> => {
      await once(database, ref, { step: 'match.contacts', object: 'account', part: 0 }, async (tx, run) => {
        if (!run.shape.settings.objects.account.accountFromContacts) return { records: 0 };
        // R27
        if (!(await wasMatched(tx, run, 'contact')) || !(await wasMatched(tx, run, 'account'))) return { records: 0 };
        return { records: (await matchAccountsByContacts(tx, run)).linked };
      });
    }),
  };
}
