import { cp, readFile } from 'node:fs/promises';
import path from 'node:path';
import { expect, test } from 'vitest';
import { crmSync, emptyFolder } from './run-cli.ts';
import type { CliResult } from './run-cli.ts';
import { startCrmSync } from './running-cli.ts';

test('an operator settles an ambiguous record, looks at it, resets links, restores them, and rebuilds the mirror', async () => {
  const cwd = await emptyFolder();
  await cp(path.join(import.meta.dirname, '../rules/R13-two-users'), path.join(cwd, 'data'), { recursive: true });
  const demo = startCrmSync(['demo', '--data', 'data', '--state', 'state'], cwd);
  await demo.says('Everything stays up; Ctrl-C stops it.');
  const ask = (...args: string[]): Promise<CliResult> => crmSync([...args, '--state', 'state'], { cwd });
  const printed = async (...args: string[]): Promise<string> => {
    const answer = await ask(...args);
    expect(answer.exitCode, answer.stderr).toBe(0);
    return answer.stdout;
  };
  const night = async (): Promise<void> => void (await printed('run', '--wait'));
  const rows = async (...args: string[]): Promise<readonly Record<string, string>[]> =>
    JSON.parse(await printed(...args, '--json')) as Record<string, string>[];

  const waiting = await rows('review', 'list');
  const ambiguous = waiting.find(({ kind }) => kind === 'ambiguous');
  expect(ambiguous).toBeDefined();
  const record = ambiguous?.['salesforceId'] ?? '';
  const [first = '', second = ''] = ambiguous?.['candidates']?.split(';') ?? [];
  expect(await printed('explain', record)).toContain(`candidate ${first}`);

  // 15 characters are widened, a second pin names the first, what nobody knows is exit code 1, what is no id 2.
  expect(await printed('review', 'pin', record.slice(0, 15), second, '--note', 'asked Ann')).toBe(
    `pinned: contact ${record} and ${second}; the next run links them\n`,
  );
  const again = await ask('review', 'pin', record, first);
  expect([again.exitCode, again.stderr]).toEqual([
    1,
    `error: contact ${record} is pinned to ${second} already: pins are one to one (R13)\n  End that pin first: crm-sync review unpin ${record} ${second}\n`,
  ]);
  expect((await ask('review', 'block', record, 'nobody')).exitCode).toBe(1);
  expect((await ask('review', 'pin', `${record.slice(0, 17)}${record.endsWith('A') ? 'B' : 'A'}`, first)).exitCode).toBe(2);
  await night();
  expect(await rows('records')).toContainEqual(
    expect.objectContaining({ salesforceId: record, outcome: 'linked', personalizationId: second, subTier: 'pin' }),
  );
  expect(await printed('review', 'list', '--csv')).toMatch(new RegExp(`^pin,Contact,${record},${second},,pin,,0,,[^,]+@[^,]+,[^,]+,asked Ann$`, 'm'));
  const told = JSON.parse(await printed('explain', second, '--json')) as { found: { links: unknown[] }[] };
  expect(told.found[0]?.links).toMatchObject([{ salesforceId: record, subTier: 'pin', endedReason: null }]);

  await printed('links', 'export', 'links.jsonl');
  expect(await readFile(path.join(cwd, 'links.jsonl'), 'utf8')).toContain('"format":"crm-sync links"');
  expect(await printed('links', 'reset', '--sub-tier', 'pin', '--preview')).toContain('1 link would end');
  expect(JSON.parse(await printed('links', 'reset', '--sub-tier', 'pin', '--json'))).toMatchObject({
    ended: 1,
    groups: [{ object: 'contact', subTier: 'pin', links: 1 }],
  });
  expect(await printed('explain', record)).toMatch(/pin, made .*, ended .* by \S+: reset/);
  expect(JSON.parse(await printed('links', 'import', 'links.jsonl', '--json'))).toMatchObject({ links: 1, ended: 0, decisions: 0 });

  expect(await printed('mirror', 'rebuild')).toContain('is empty; the next run reads both sides in full');
  expect(await printed('review', 'list', '--csv')).toContain(`pin,Contact,${record},${second}`);
  await night();
  expect(await rows('records')).toContainEqual(
    expect.objectContaining({ salesforceId: record, outcome: 'linked', personalizationId: second, subTier: 'pin', reason: 'kept' }),
  );
  expect(await printed('review', 'unlink', record, second)).toContain('their link has ended');
  expect(await printed('review', 'unblock', record, second)).toContain('no longer blocked');
  expect(await demo.end('SIGINT')).toBe(0);
});
