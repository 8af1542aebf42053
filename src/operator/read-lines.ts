import type { FullReason } from '../mirror/reads.ts';
import type { Report } from '../domain/report.ts';

const because = {
  first: 'for the first time',
  fieldSet: 'because its fields are others than before',
  future: "because the watermark lay in the future of the org's clock",
  gap: 'because the last read is more than 15 days ago',
  logExpired: 'because the log of deletions does not reach back so far',
  asked: 'as asked for',
  sunday: "as in each Sunday's first run",
  formulas: 'because formulas change without a trace',
} as const satisfies Record<FullReason, string>;

/** What the fetch found out beside the records: objects read in full, what only that brought to light, and objects that were not read completely. */
export function readLines({ steps, incomplete }: Report): readonly string[] {
  const full = steps.flatMap(({ object, read, reason, missed }) => {
    if (read !== 'full' || reason === undefined || reason === 'first') return [];
    const found = missed === undefined ? '' : `: ${missed.toLocaleString('en-US')} changes that the log of changes had missed`;
    return [`${object}s were read in full ${because[reason as FullReason] ?? ''}${found}.`];
  });
  // Reports of earlier versions have no such list.
  const left = ((incomplete as Report['incomplete'] | undefined) ?? []).map(({ object, code }) =>
    code === 'PULL_CAP'
      ? `${object}s were not matched: caps.pullRecords is reached, the next run goes on reading there.`
      : `${object}s were not matched, their links stand: the read was not complete (${code}).`,
  );
  return [...full, ...left];
}
