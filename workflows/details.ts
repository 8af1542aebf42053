import { planLines } from '../src/domain/guards.ts';
import type { Progress } from '../src/domain/progress.ts';

/** The current details of a run: the table of the steps, which the web UI renders. Counts only. */
export function detailsOf(progress: Progress, ignored: readonly string[]): string {
  const rows = progress.steps.map(
    ({ step, object, state, records, total, ms }) =>
      `| ${step} | ${object} | ${state} | ${records}${total === null ? '' : ` of ${total}`} | ${(ms / 1000).toFixed(1)} |`,
  );
  const lines = [
    `**${progress.run}**: ${progress.status}, leads ${progress.leads ? 'on' : 'off'}`,
    '',
    '| step | object | state | records | seconds |',
    '|---|---|---|---:|---:|',
    ...rows,
  ];
  if (progress.plan !== null) lines.push('', 'The plan:', '', ...planLines(progress.plan).map((line) => `- ${line}`));
  if (progress.status === 'awaitingApproval' && progress.planDigest !== null)
    lines.push(
      '',
      `Waits for approval: \`crm-sync approve\` (plan ${progress.planDigest}), until ${progress.approvalExpiresAt ?? 'it is answered'}.`,
    );
  if (progress.pausedUntil !== null)
    lines.push('', `Paused: the Salesforce API calls that the run may make are used up. It looks again at ${progress.pausedUntil}.`);
  if (ignored.length > 0) lines.push('', `Ignored signals that nobody listens to: ${ignored.map((name) => `\`${name}\``).join(', ')}`);
  return lines.join('\n');
}
