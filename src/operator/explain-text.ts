import { objectFacts } from '../domain/objects.ts';
import type { ExplainedDecision, ExplainedLink, ExplainedWrite, Written } from './explain-history.ts';
import type { ExplainedOutcome, ExplainedPersonOutcome, Lookalike } from './explain-match.ts';
import type { ExplainedPerson, ExplainedRecord, ExplainedValue, Explanation } from './explain.ts';

/** An explanation as a person reads it. Values come from outside: control characters are made visible, long ones are cut. */
export function renderExplanation({ found }: Explanation): string {
  return found.map((each) => (each.side === 'salesforce' ? recordText(each) : personText(each)).join('\n')).join('\n\n');
}

function recordText(record: ExplainedRecord): string[] {
  const { object, id, mirror, outcomes } = record;
  return [
    `${objectFacts[object].crmName} ${id} in Salesforce`,
    ...indented(mirror === null ? ['the org does not return it any more, or it has not been read yet'] : factsOf(mirror)),
    ...section('What became of it', outcomes.map(outcomeText), 'no run that is still remembered has matched it'),
    ...section('Why', whyText(record)),
    ...lookalikeSection('Who has a value in common', record.lookalikes, id),
    ...commonText(record),
  ];
}

function personText(person: ExplainedPerson): string[] {
  const { kind, id, mirror, objects } = person;
  const facts =
    mirror === null
      ? ['the store does not return it any more, or it has not been read yet']
      : [
          ...(mirror.accountId === null ? [] : [`belongs to account ${shown(mirror.accountId)}`]),
          ...(mirror.changedRun === null ? [] : [`last change seen by run ${mirror.changedRun}`]),
        ];
  return [
    `${kind === 'user' ? 'User' : 'Account'} ${shown(id)} in Personalization`,
    ...indented(facts),
    ...objects.flatMap(({ object, outcomes, lookalikes }) => [
      ...section(`What became of it among ${object}s`, outcomes.map(personOutcomeText)),
      ...lookalikeSection(`Which ${object}s have a value in common`, lookalikes, id),
    ]),
    ...commonText(person),
  ];
}

function commonText({ links, decisions, values, writes, side }: ExplainedRecord | ExplainedPerson): string[] {
  const other = (pair: { readonly salesforceId: string; readonly personalizationId: string | null; readonly object: string }): string =>
    side === 'salesforce'
      ? pair.personalizationId === null
        ? 'a person who is gone and was erased (R23)'
        : shown(pair.personalizationId)
      : `${pair.object} ${pair.salesforceId}`;
  return [
    ...section(
      'Links',
      links.map((link) => `${other(link)}: ${linkText(link)}`),
      'none, ever',
    ),
    ...section(
      'Decisions',
      decisions.map((decision) => decisionText(decision, other(decision))),
    ),
    ...section('Values', valueLines(values)),
    ...section('Writes', writes.map(writeText), 'none in the runs that were looked at'),
  ];
}

function section(title: string, lines: readonly string[], none?: string): string[] {
  if (lines.length > 0) return ['', title, ...indented(lines)];
  return none === undefined ? [] : ['', title, ...indented([none])];
}

function indented(lines: readonly string[]): string[] {
  return lines.map((line) => `  ${line}`);
}

function factsOf(mirror: NonNullable<ExplainedRecord['mirror']>): string[] {
  const facts: string[] = [];
  if (mirror.masterId !== null) facts.push(`merged into ${mirror.masterId}`);
  else if (mirror.ineligible === 'deleted') facts.push('in the recycle bin');
  if (mirror.convertedContactId !== null) facts.push(`converted to contact ${mirror.convertedContactId}`);
  if (mirror.personAccount) facts.push(`a person account${mirror.accountId === null ? '' : `: pushes go to account ${mirror.accountId}`}`);
  else if (mirror.accountId !== null) facts.push(`belongs to account ${mirror.accountId}`);
  if (mirror.changedRun !== null) facts.push(`last change seen by run ${mirror.changedRun}`);
  return facts;
}

function by(subTier: string | null, field: string | null, attribute: string | null): string {
  if (subTier === null) return '';
  return field === null ? ` by ${subTier}` : ` by ${subTier} (${field} = ${attribute ?? ''})`;
}

function outcomeText({ run, runStatus, outcome, personalizationId, subTier, field, attribute, reason, candidateCount }: ExplainedOutcome): string {
  const what =
    outcome === 'linked'
      ? `linked with ${shown(personalizationId ?? '')}${by(subTier, field, attribute)}`
      : `${outcome}${subTier === null ? '' : ` in sub-tier ${subTier}`}${candidateCount > 0 ? `, ${candidateCount} candidate${candidateCount === 1 ? '' : 's'}` : ''}`;
  return `run ${run} (${runStatus}): ${what}${reason === null ? '' : `, ${reason}`}`;
}

function personOutcomeText({ run, runStatus, outcome, salesforceId, subTier, candidateOf }: ExplainedPersonOutcome): string {
  const linked = salesforceId === null ? '' : ` with ${salesforceId} by ${subTier ?? ''}`;
  const candidate = candidateOf.length === 0 ? '' : `, candidate of ${candidateOf.join(', ')}`;
  return `run ${run} (${runStatus}): ${outcome}${linked}${candidate}`;
}

const reasons: Readonly<Record<string, string>> = {
  ambiguous: 'One field gives it, or one of its candidates, several counterparts (R13): pin one pair, or block the wrong ones.',
  conflicting: 'Different fields name different counterparts (R13): pin one pair, or block the wrong ones.',
  suppressed: 'Whoever it matches belongs to a contact, or is unsettled there; contacts go first (R17).',
  ineligible: 'Deleted and converted records and the account half of person accounts take no part.',
  unmatched: 'No person is free that has one of its values.',
};

function whyText({ outcomes, heldBy, lookalikes }: ExplainedRecord): string[] {
  const [newest] = outcomes;
  if (newest === undefined) return [];
  if (newest.outcome === 'linked')
    return newest.reason === 'drifted'
      ? ['The link stays, but what made it agrees no longer, or a stronger field names somebody else (R14): unlink it if it is wrong.']
      : [];
  const lines =
    newest.subTier === 'link'
      ? ['Links to several persons met at this record when records were merged or converted; all rest until one is pinned (R20).']
      : [reasons[newest.outcome] ?? ''];
  if (newest.reason === 'notReconsidered') return ['Both sides were not read completely in that run, so no new link was made (R27).'];
  for (const candidate of newest.candidates) {
    const shared = lookalikes
      .filter(({ id, subTier, nearMiss }) => id === candidate && subTier === newest.subTier && !nearMiss)
      .map(({ field, attribute }) => `${field} = ${attribute}`);
    const held = heldBy.find(({ personalizationId }) => personalizationId === candidate);
    const holder =
      held === undefined
        ? ''
        : held.contactId === null
          ? '; stopped among the contacts'
          : `; held by contact ${held.contactId}, linked by ${held.subTier ?? ''}`;
    lines.push(`candidate ${shown(candidate)}${shared.length === 0 ? '' : ` (${shared.join(', ')})`}${holder}`);
  }
  if (newest.candidateCount > newest.candidates.length) lines.push(`and ${newest.candidateCount - newest.candidates.length} more candidates`);
  return lines;
}

function lookalikeSection(title: string, found: readonly Lookalike[], self: string): string[] {
  return section(
    title,
    found.map(({ id, field, attribute, nearMiss, outcome, linkedWith, linkedBy, blocked }) => {
      const state =
        linkedWith === null
          ? outcome
          : linkedWith === self
            ? `linked with it by ${linkedBy ?? ''}`
            : `linked with ${shown(linkedWith)} by ${linkedBy ?? ''}`;
      const near = nearMiss ? ', but for case or white space: no match (R6)' : '';
      return `${shown(id)}: ${field} = ${attribute}${near}; ${state}${blocked ? '; the pair is blocked' : ''}`;
    }),
  );
}

function linkText({ subTier, field, attribute, madeRun, madeAt, endedRun, endedAt, endedReason }: ExplainedLink): string {
  const made = `${subTier}${field === null ? '' : ` (${field} = ${attribute ?? ''})`}, made ${day(madeAt)} in run ${madeRun}`;
  if (endedRun === null) return `${made}, in force`;
  const where = endedRun.startsWith('by ') ? endedRun : `in run ${endedRun}`;
  return `${made}, ended ${day(endedAt)} ${where}: ${endedReason ?? ''}`;
}

function decisionText({ kind, by: who, at, note, counts }: ExplainedDecision, other: string): string {
  return `${kind} with ${other}, ${day(at)} by ${who}${note === null ? '' : `: ${shown(note)}`}${counts ? '' : ' (superseded)'}`;
}

/** What holds something line by line, what is blank in one line at the end. */
function valueLines(values: readonly ExplainedValue[]): string[] {
  const blank = values.filter(({ value, written }) => value === null && written === null).map(({ field }) => field);
  return [
    ...values.filter(({ value, written }) => value !== null || written !== null).map(valueText),
    ...(blank.length === 0 ? [] : [`blank: ${blank.join(', ')}`]),
  ];
}

function valueText({ field, value, written }: ExplainedValue): string {
  return `${field}: ${value === null ? 'blank' : shown(value)}${written === null ? '' : ` (${writtenText(written, value)})`}`;
}

function writtenText({ run, at, sent, seen }: Written, value: string | null): string {
  const what = sent === value ? 'written' : `${sent === null ? 'cleared' : `${shown(sent)} written`}`;
  const made = seen === undefined || seen === sent ? '' : `; the org made it ${seen === null ? 'blank' : shown(seen)}`;
  return `${what} ${at === null ? '' : `${day(at)} `}by run ${run}${made}`;
}

function writeText({ run, side, object, id, field, before, after, rule, outcome, code, reason }: ExplainedWrite): string {
  const change = `${before === null ? 'blank' : shown(before)} -> ${after === null ? 'blank' : shown(after)}`;
  const why = [code, reason].filter((each) => each !== null && each !== '').join(', ');
  const where = side === 'salesforce' ? `${object} ${id}` : `${object} ${shown(id)}`;
  return `run ${run}: ${where} ${field}: ${change} [${rule}]: ${outcome ?? 'not sent yet'}${why === '' ? '' : ` (${why})`}`;
}

const longestValue = 80;

/** In quotes where it could be taken for something else. */
function shown(text: string): string {
  const plain = text.replaceAll(/[\p{Cc}\p{Cf}]/gu, (character) => JSON.stringify(character).slice(1, -1));
  const cut = plain.length > longestValue ? `${plain.slice(0, longestValue - 1)}…` : plain;
  return /^[\w@.+:/-]+$/u.test(cut) ? cut : `"${cut}"`;
}

/** `2026-09-30 02:01` */
function day(instant: string | null): string {
  return instant === null ? '' : instant.slice(0, 16).replace('T', ' ');
}
