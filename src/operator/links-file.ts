import type { ObjectType } from '../domain/objects.ts';
import { objectFacts, objectTypes } from '../domain/objects.ts';
import { decisionKinds } from '../ledger/decisions.ts';
import type { DecisionKind } from '../ledger/decisions.ts';
import { endedReasons } from '../ledger/links.ts';
import type { EndedReason } from '../ledger/links.ts';
import { linkingSubTiers } from '../domain/report.ts';
import { salesforceId } from '../salesforce/ids.ts';
import type { CrmObject } from '../salesforce/side.ts';

/**
 * The file of `links export`: UTF-8, one JSON document a line. The first line says what it is and of which org and store, the last how many there were, so that
 * a file that was cut off is seen. Links and decisions stand in the order in which they were made; what has ended is among them. Then what the org made of values that it changed.
 */
export interface FileHeader {
  readonly format: 'crm-sync links';
  readonly version: 1;
  readonly org: string | null;
  readonly store: string | null;
  readonly exportedAt: string;
}

export interface FileLink {
  readonly type: 'link';
  readonly object: ObjectType;
  readonly salesforceId: string;
  readonly personalizationId: string;
  readonly subTier: string;
  readonly field: string | null;
  readonly attribute: string | null;
  readonly madeRun: string;
  readonly madeAt: string;
  readonly endedRun: string | null;
  readonly endedAt: string | null;
  readonly endedReason: EndedReason | null;
  /** The record that the link's record was merged into, while the link rests or is a tombstone (R20). */
  readonly mergedInto?: string | null;
}

export interface FileDecision {
  readonly type: 'decision';
  readonly object: ObjectType;
  readonly salesforceId: string;
  readonly personalizationId: string;
  readonly kind: DecisionKind;
  readonly by: string;
  readonly at: string;
  readonly note: string | null;
}

/** What the org made of a value that was sent (R25): without it the value would be sent again after a restore. Values of both sides are personal data. */
export interface FileWritten {
  readonly type: 'written';
  /** Salesforce's name of the object that was written: of a person account `Account`. */
  readonly object: CrmObject;
  readonly salesforceId: string;
  readonly field: string;
  readonly sent: string | null;
  readonly seen: string | null;
  readonly run: string;
  readonly at: string;
}

export interface FileEnd {
  readonly type: 'end';
  readonly links: number;
  readonly decisions: number;
  readonly written: number;
}

export type FileLine = FileLink | FileDecision | FileWritten | FileEnd;

/** Later versions are refused by this program, earlier ones are to be read. */
export const fileVersion = 1;

type Json = Readonly<Record<string, unknown>>;

/** What is wrong with a line, in words that hold no id; undefined if nothing is. */
export function lineProblem(line: unknown): string | undefined {
  if (typeof line !== 'object' || line === null || Array.isArray(line)) return 'is no JSON object';
  const { type } = line as Json;
  if (type === 'link') return linkProblem(line as Json);
  if (type === 'decision') return decisionProblem(line as Json);
  if (type === 'written') return writtenProblem(line as Json);
  if (type === 'end') return ['links', 'decisions', 'written'].every((name) => isCount((line as Json)[name])) ? undefined : 'has no counts';
  return '"type" is none of link, decision, written, end';
}

function pairProblem({ object, salesforceId: id, personalizationId }: Json): string | undefined {
  const known = objectTypes.find((each) => each === object);
  if (known === undefined) return `"object" is none of ${objectTypes.join(', ')}`;
  if (typeof id !== 'string' || id.length !== 18 || salesforceId(id) === null || !id.startsWith(objectFacts[known].idPrefix))
    return `"salesforceId" is no ${objectFacts[known].crmName} id of 18 characters`;
  return isText(personalizationId) && personalizationId.trim() !== '' ? undefined : '"personalizationId" is missing';
}

function linkProblem(line: Json): string | undefined {
  const { subTier, field, attribute, madeRun, madeAt, endedRun, endedAt, endedReason, mergedInto = null } = line;
  const pair = pairProblem(line);
  if (pair !== undefined) return pair;
  if (!(linkingSubTiers as readonly unknown[]).includes(subTier)) return `"subTier" is none of ${linkingSubTiers.join(', ')}`;
  if (!isTextOrNull(field) || !isTextOrNull(attribute)) return '"field" or "attribute" is no text';
  if (!isText(madeRun) || !isInstant(madeAt)) return '"madeRun" or "madeAt" is missing';
  if (mergedInto !== null && (typeof mergedInto !== 'string' || salesforceId(mergedInto) === null)) return '"mergedInto" is no Salesforce id';
  if (endedRun === null && endedAt === null && endedReason === null) return undefined;
  if (!isText(endedRun) || !isInstant(endedAt)) return '"endedRun" and "endedAt" must both be there, or neither';
  return (endedReasons as readonly unknown[]).includes(endedReason) ? undefined : `"endedReason" is none of ${endedReasons.join(', ')}`;
}

function decisionProblem(line: Json): string | undefined {
  const { kind, by, at, note } = line;
  const pair = pairProblem(line);
  if (pair !== undefined) return pair;
  if (!(decisionKinds as readonly unknown[]).includes(kind)) return `"kind" is none of ${decisionKinds.join(', ')}`;
  if (!isText(by) || !isInstant(at)) return '"by" or "at" is missing';
  return isTextOrNull(note) ? undefined : '"note" is no text';
}

function writtenProblem({ object, salesforceId: id, field, sent, seen, run, at }: Json): string | undefined {
  const known = objectTypes.find((each) => objectFacts[each].crmName === object);
  if (known === undefined) return '"object" is no object of Salesforce that is synchronised';
  if (typeof id !== 'string' || id.length !== 18 || salesforceId(id) === null || !id.startsWith(objectFacts[known].idPrefix))
    return `"salesforceId" is no ${objectFacts[known].crmName} id of 18 characters`;
  if (!isText(field) || !isText(run) || !isInstant(at)) return '"field", "run" or "at" is missing';
  return [sent, seen].every((value) => value === '' || isTextOrNull(value)) ? undefined : '"sent" or "seen" is no text';
}

/** PostgreSQL keeps no NUL. */
function isText(value: unknown): value is string {
  return typeof value === 'string' && value !== '' && !value.includes('\0');
}

function isTextOrNull(value: unknown): boolean {
  return value === null || isText(value);
}

function isInstant(value: unknown): boolean {
  return typeof value === 'string' && /^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(\.\d+)?Z$/.test(value) && !Number.isNaN(Date.parse(value));
}

function isCount(value: unknown): boolean {
  return Number.isSafeInteger(value) && (value as number) >= 0;
}
