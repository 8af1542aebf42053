import { Random } from '../test/match/random.ts';
import { modelSettings } from '../test/model/model-settings.ts';
import type { ModelSettings } from '../test/model/model-settings.ts';
import { csv, idOf, startingFiles } from '../test/model/start.ts';
import { drawFaults, lostHandOver } from './drawn-faults.ts';
import type { DrawnFault } from './drawn-faults.ts';
import { drawKills, drawStroke } from './drawn-kills.ts';
import type { DrawnKill, DrawnStroke } from './drawn-kills.ts';

export interface DrawnNight {
  readonly faults: readonly DrawnFault[];
  readonly kills: readonly DrawnKill[];
  readonly stroke: DrawnStroke | null;
  /** The switch as it is when the night ends, as it was when it began (R16: the result is that of a night begun so), and when in the night it is turned, if it is. */
  readonly leads: boolean;
  readonly leadsTurned: { readonly from: boolean; readonly afterMs: number } | null;
}

/** Everything that one seed says: both sides, what happens on them between the nights, and what goes wrong in each. */
export interface Scenario {
  readonly seed: number;
  readonly model: ModelSettings;
  readonly files: Readonly<Record<string, string>>;
  /** Contacts and users that match by id, on top of a small world in which everything occurs. */
  readonly plain: number;
  readonly bulk: boolean;
  readonly simulator: object;
  readonly nights: readonly DrawnNight[];
}

/** More than this goes by Bulk (writing.md). */
const mostOfCollections = 2_000;
/** Last names of the plain contacts begin so: edits between nights are of the others. */
export const plainName = 'Plain ';
const firstPlain = 1_000;
/** Rates that are told apart, however much is drawn for one of them. */
const streams = { world: 1, plain: 2, weather: 3, edits: 4 } as const;

export function streamOf(seed: number, stream: keyof typeof streams, night = 0): Random {
  const random = new Random(Math.imul(seed, 0x9e3779b1) ^ Math.imul(streams[stream] * 64 + night + 1, 0x85ebca6b));
  random.next();
  return random;
}

export function drawScenario(seed: number): Scenario {
  const random = streamOf(seed, 'world');
  const drawn = modelSettings(random);
  // What the org turns into something else on save cannot be verified after a lost answer: it takes one more night, in a few seeds.
  const model = streamOf(seed, 'world', 1).chance(0.25) ? drawn : { ...drawn, noteBecomes: null };
  const start = startingFiles(random, model);
  const size = streamOf(seed, 'plain');
  const bulk = size.chance(0.35);
  const plain = bulk ? mostOfCollections + 20 + size.below(600) : size.chance(0.75) ? 250 + size.below(700) : 0;
  const nights = drawNights(seed, bulk);
  // A run that pauses would wait for the end of what has none.
  const forGood = nights.some(({ faults }) => faults.some(({ count }) => count === 'always'));
  const budget = `salesforce: { apiBudget: { whenSpent: ${forGood ? 'partial' : size.pick(['pause', 'partial'])} } }\n`;
  const files = { ...withPlain(start, plain, size), 'crm-sync.yaml': `${budget}${model.yaml}` };
  return { seed, model, files, plain, bulk, simulator: { triggers: triggersOf(model) }, nights };
}

/** Each record that is written runs one of these for each of its fields that they name: how often tells how often it was sent. */
function triggersOf({ noteBecomes }: ModelSettings): readonly object[] {
  const fax = { set: 'Fax', to: '+47 1' };
  return [
    ...(noteBecomes === null ? [] : [{ object: 'Contact', when: 'Note__c', set: 'Note__c', to: noteBecomes }]),
    { object: 'Contact', when: 'Score__c', ...fax },
    { object: 'Lead', when: 'Score__c', ...fax },
    { object: 'Account', when: 'Tier__c', ...fax },
  ];
}

const plainUser = (at: number): string => `plain-${at}`;

function withPlain(start: Readonly<Record<string, string>>, plain: number, random: Random): Readonly<Record<string, string>> {
  if (plain === 0) return start;
  const rows = Array.from({ length: plain }, (_, at) => at);
  const columns = (start['Contact.csv'] ?? '').split('\n', 1)[0]?.split(',') ?? [];
  const contact = (at: number): string[] =>
    columns.map(
      (name) =>
        ({
          Id: idOf('003', firstPlain + at),
          LastName: `${plainName}${at}`,
          IsPersonAccount: 'false',
          AccountId: idOf('001', 1 + (at % 24)),
          Title: 'Clerk',
        })[name] ?? '',
    );
  return {
    ...start,
    'Contact.csv': start['Contact.csv'] + rows.map((at) => `${contact(at).join(',')}\n`).join(''),
    'user-2.csv': csv(
      ['userId', 'attribute:sfcrmContactId', 'attribute:score'],
      rows.map((at) => [plainUser(at), idOf('003', firstPlain + at), String(random.below(100))]),
    ),
  };
}

/** New scores for all of the plain users: so much is written again the next night. */
export function newScores({ plain, seed }: Scenario, night: number): string | null {
  if (plain === 0) return null;
  const random = streamOf(seed, 'edits', 32 + night);
  return csv(
    ['userId', 'attribute:score'],
    Array.from({ length: plain }, (_, at) => [plainUser(at), String(100 * night + random.below(100))]),
  );
}

function drawNights(seed: number, bulk: boolean): readonly DrawnNight[] {
  let leads = streamOf(seed, 'weather').chance(0.3);
  const nights = streamOf(seed, 'weather', 9).chance(0.3) ? [1, 2] : [1];
  return nights.map((night) => {
    const random = streamOf(seed, 'weather', night);
    if (random.chance(0.3)) leads = true;
    const turned = leads && random.chance(0.35) ? { from: random.chance(0.7) ? false : true, afterMs: random.below(4_000) } : null;
    const stroke = random.chance(0.45) ? drawStroke(random, bulk) : null;
    const faults = drawFaults(random, bulk);
    // Salesforce has taken a Bulk job over and nobody hears of it: what the ledger does not know by then is sent twice.
    const atHandOver = bulk && streamOf(seed, 'weather', 16 + night).chance(0.6) ? [lostHandOver] : [];
    return { faults: [...faults, ...atHandOver], kills: drawKills(random, bulk), stroke, leads, leadsTurned: turned };
  });
}
