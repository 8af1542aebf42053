import Table from 'cli-table3';
import type { ObjectType } from '../domain/objects.ts';
import { steps } from '../domain/progress.ts';
import { intentOutcomes, linkingSubTiers } from '../domain/report.ts';
import type { LinkingSubTier, ObjectReport, Report } from '../domain/report.ts';
import { readLines } from './read-lines.ts';

/** The order of the columns: people first. */
const columns = ['contact', 'account', 'lead'] as const satisfies readonly ObjectType[];

const subTierNames = {
  pin: 'by pin',
  id: 'by Salesforce id',
  converted: 'by id of a converted lead',
  field: 'by match field',
  email: 'by e-mail',
  name: 'by name',
  contacts: 'by their contacts',
} as const satisfies Record<LinkingSubTier, string>;

/** Lines that stand only if one of their numbers is not 0: most nights have none. */
interface Line {
  readonly label: string;
  readonly value: (object: ObjectReport) => number;
  readonly onlyIfAny?: boolean;
}

const objectLines: readonly Line[] = [
  { label: 'records fetched (Salesforce)', value: ({ fetched }) => fetched.salesforce },
  { label: 'persons fetched (Personalization)', value: ({ fetched }) => fetched.personalization },
  { label: 'linked', value: ({ outcomes }) => outcomes.linked },
  ...linkingSubTiers.map((subTier): Line => ({
    label: `  ${subTierNames[subTier]}`,
    value: ({ linkedBy }) => linkedBy[subTier],
    onlyIfAny: ['pin', 'converted', 'contacts'].includes(subTier),
  })),
  { label: '  kept from earlier nights', value: ({ kept }) => kept, onlyIfAny: true },
  { label: '  drifted', value: ({ drifted }) => drifted, onlyIfAny: true },
  { label: 'unmatched', value: ({ outcomes }) => outcomes.unmatched },
  { label: '  near misses', value: ({ nearMisses }) => nearMisses },
  { label: 'ambiguous', value: ({ outcomes }) => outcomes.ambiguous },
  { label: 'conflicting', value: ({ outcomes }) => outcomes.conflicting },
  { label: 'suppressed (the contact goes first)', value: ({ outcomes }) => outcomes.suppressed, onlyIfAny: true },
  { label: 'ineligible', value: ({ outcomes }) => outcomes.ineligible },
  { label: 'persons unmatched', value: ({ persons }) => persons.unmatched },
  { label: 'persons stopped', value: ({ persons }) => persons.stopped },
  { label: 'persons held by a contact', value: ({ persons }) => persons.held, onlyIfAny: true },
  { label: 'malformed ids', value: ({ malformedIds }) => malformedIds, onlyIfAny: true },
];

function number(value: number): string {
  return value.toLocaleString('en-US');
}

function secondsOf(ms: number): string {
  return (ms / 1000).toLocaleString('en-US', { minimumFractionDigits: 1, maximumFractionDigits: 1 });
}

function table(head: readonly string[], rows: readonly (readonly string[])[]): string {
  const made = new Table({
    head: [...head],
    colAligns: head.map((_, index) => (index === 0 ? 'left' : 'right')),
    style: { head: [], border: [], compact: true },
  });
  made.push(...rows.map((row) => [...row]));
  return made.toString();
}

/** What became of the records, per object. */
function objectsTable({ objects, leadsEnabled }: Report): string {
  const shown = columns.filter((object) => object !== 'lead' || leadsEnabled);
  const rows = objectLines
    .filter(({ value, onlyIfAny }) => onlyIfAny !== true || shown.some((object) => value(objects[object]) !== 0))
    .map(({ label, value }) => [label, ...shown.map((object) => number(value(objects[object])))]);
  return table(['', ...shown.map((object) => `${object}s`)], rows);
}

function intentsTable({ intents }: Report): string {
  const rows = (['personalization', 'salesforce'] as const).map((side) => [
    side === 'salesforce' ? 'to Salesforce' : 'to Personalization',
    ...intentOutcomes.map((outcome) => number(intents[side][outcome])),
  ]);
  return table(['writes', ...intentOutcomes], rows);
}

function stepsTable(report: Report): string {
  const objects = ['contact', 'account', 'lead', 'all'].filter((object) => report.steps.some((row) => row.object === object));
  const rows = steps
    .filter((step) => report.steps.some((row) => row.step === step))
    .map((step) => [
      step,
      ...objects.map((object) => {
        const row = report.steps.find((each) => each.step === step && each.object === object);
        return row === undefined ? '' : secondsOf(row.ms);
      }),
    ]);
  return table(['seconds', ...objects], rows);
}

/** The report as a person reads it at a glance; numbers of leads stand only if leads took part. Ends without a line end. */
export function renderReport(report: Report): string {
  const { run, status, startedAt, finishedAt, leadsEnabled, apiCalls, warnings } = report;
  const tookMs = Date.parse(finishedAt) - Date.parse(startedAt);
  return [
    `Run ${run}: ${status}. Began ${startedAt}, took ${secondsOf(tookMs)} s, leads ${leadsEnabled ? 'on' : 'off'}.`,
    objectsTable(report),
    intentsTable(report),
    ...(report.steps.length === 0 ? [] : [stepsTable(report)]),
    ...readLines(report),
    `Salesforce API calls: ${number(apiCalls.used)} of ${number(apiCalls.budget)} that this run may use; its writes were expected to take ${number(apiCalls.forecast)}.`,
    ...(warnings ?? []).map((warning) => `warning: ${warning}`),
  ].join('\n');
}
