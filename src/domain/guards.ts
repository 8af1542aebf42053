/** What a guard looks at. `settings` trips when what decides matches and values was changed since the last run that wrote. */
export const guardNames = ['personsGone', 'linksEnded', 'recordsGone', 'writes', 'settings'] as const;
export type GuardName = (typeof guardNames)[number];

/** One guard and the number it found. Counts only (no personal data). */
export interface GuardReading {
  readonly guard: GuardName;
  /** `user`, `account`, `contact`, `lead`; `all` where it is about the run as a whole. */
  readonly of: string;
  readonly found: number;
  /** What the share is of: persons, links or records as they were when a run last wrote; of `writes` the median of earlier runs. */
  readonly known: number;
  /** The setting: a share of `known`, or times `known`. */
  readonly allowed: number;
  readonly trips: boolean;
}

/** Why a run waits for approval. */
export type ApprovalReason = 'firstRun' | 'always' | 'guards';

/** What somebody is asked to approve. Counts only (no personal data). */
export interface PlanSummary {
  readonly links: { readonly new: number; readonly kept: number; readonly ended: number };
  /** Intents that would be sent. */
  readonly writes: { readonly personalization: number; readonly salesforce: number };
  /** Intents that wait for a later run: beyond `limitWrites`, a cap, or the API budget. */
  readonly withheld: number;
  /** Salesforce calls that sending would take, and how many the run has left. */
  readonly apiCalls: { readonly forecast: number; readonly left: number };
  /** Guards that found anything. */
  readonly guards: readonly GuardReading[];
  /** Empty: nobody is asked. */
  readonly asks: readonly ApprovalReason[];
}

const sentences = {
  personsGone: ({ of, found, known }) => `${count(found)} of ${count(known)} ${of}s are gone from Personalization`,
  linksEnded: ({ of, found, known }) => `${count(found)} of ${count(known)} ${of} links would end`,
  recordsGone: ({ of, found, known }) => `${count(found)} of ${count(known)} ${of} records are gone from Salesforce`,
  writes: ({ found, known }) => `${count(found)} writes, and ${count(known)} is the median of earlier runs`,
  settings: ({ found }) => `settings of matching or mapping were changed (${found} ${found === 1 ? 'object' : 'objects'})`,
} as const satisfies Record<GuardName, (reading: GuardReading) => string>;

/** `guards.linksEnded: 3 of 100 contact links would end; more than 1% asks for approval` */
export function guardSentence(reading: GuardReading): string {
  const { guard, allowed } = reading;
  const said = sentences[guard](reading);
  if (guard === 'settings') return said;
  const most = guard === 'writes' ? `${allowed} times that` : `${Number((allowed * 100).toFixed(4))}%`;
  return `guards.${guard === 'writes' ? 'writesFactor' : guard}: ${said}; more than ${most} asks for approval`;
}

/** The plan as lines that a person reads before he approves it. */
export function planLines({ links, writes, withheld, apiCalls, guards }: PlanSummary): readonly string[] {
  return [
    `links: ${count(links.new)} new, ${count(links.kept)} kept, ${count(links.ended)} ended`,
    `writes: ${count(writes.personalization)} to Personalization, ${count(writes.salesforce)} to Salesforce${withheld === 0 ? '' : `; ${count(withheld)} wait for a later run`}`,
    `Salesforce API calls: about ${count(apiCalls.forecast)}, ${count(apiCalls.left)} are left to this run`,
    ...guards.filter(({ trips }) => trips).map(guardSentence),
  ];
}

function count(value: number): string {
  return Number.isInteger(value) ? String(value).replaceAll(/\B(?=(\d{3})+$)/g, ',') : String(value);
}
