import { expect, onTestFinished, test, vi } from 'vitest';
import { describeError } from '../../src/cli/errors.ts';
import { progressView } from '../../src/cli/progress-view.ts';
import { exitCodeOf } from '../../src/cli/night.ts';
import { Failure } from '../../src/domain/failure.ts';
import type { Progress, RunStatus, StepProgress } from '../../src/domain/progress.ts';
import type { ObjectReport, Report } from '../../src/domain/report.ts';
import { renderReport } from '../../src/operator/report.ts';

const none: ObjectReport = {
  fetched: { salesforce: 0, personalization: 0 },
  outcomes: { linked: 0, unmatched: 0, ambiguous: 0, conflicting: 0, suppressed: 0, ineligible: 0 },
  linkedBy: { pin: 0, id: 0, converted: 0, field: 0, email: 0, name: 0, contacts: 0 },
  kept: 0,
  drifted: 0,
  nearMisses: 0,
  malformedIds: 0,
  persons: { linked: 0, unmatched: 0, stopped: 0, held: 0 },
};

const contact: ObjectReport = {
  ...none,
  fetched: { salesforce: 4_095, personalization: 3_618 },
  outcomes: { ...none.outcomes, linked: 2_487, unmatched: 1_608 },
  linkedBy: { ...none.linkedBy, pin: 1, id: 2_486 },
};

const report: Report = {
  run: '20260930T020000Z-1a2b3c4d',
  status: 'success',
  startedAt: '2026-09-30T02:00:00.000Z',
  finishedAt: '2026-09-30T02:01:02.345Z',
  leadsEnabled: false,
  objects: { account: none, contact, lead: none },
  intents: {
    personalization: { applied: 1_200, unchanged: 3, rejected: 2, deferred: 0 },
    salesforce: { applied: 0, unchanged: 0, rejected: 0, deferred: 0 },
  },
  apiCalls: { used: 29, budget: 20_000, forecast: 4 },
  steps: [{ step: 'fetch', object: 'contact', records: 4_095, ms: 1_240 }],
  incomplete: [],
  guards: [],
  warnings: ['objects.contact.onlyDesignatedMatchFields is on, but no match field is configured'],
};

test('the report shows each number of an object in its column, writes, seconds, calls and warnings', () => {
  const text = renderReport(report);
  expect(text).toContain('Run 20260930T020000Z-1a2b3c4d: success. Began 2026-09-30T02:00:00.000Z, took 62.3 s, leads off.');
  expect(text).toMatch(/│ +│ contacts │ accounts │\n/);
  expect(text).toMatch(/│ linked +│ +2,487 │ +0 │/);
  expect(text).toMatch(/│ {3}by pin +│ +1 │ +0 │/);
  expect(text).toMatch(/│ to Personalization │ +1,200 │ +3 │ +2 │ +0 │/);
  expect(text).toMatch(/│ fetch +│ +1\.2 │/);
  expect(text).toContain('Salesforce API calls: 29 of 20,000');
  expect(text).toContain('warning: objects.contact.onlyDesignatedMatchFields is on');
  expect(text).not.toContain('suppressed');
});

test('leads have a column in the report of a run in which they took part', () => {
  expect(renderReport({ ...report, leadsEnabled: true })).toMatch(/│ contacts │ accounts │ leads │/);
});

function row(change: Partial<StepProgress>): StepProgress {
  return { step: 'fetch', object: 'contact', state: 'running', records: 0, total: null, ms: 0, ...change };
}

function progressWith(steps: readonly StepProgress[], change: Partial<Progress> = {}): Progress {
  return {
    run: 'r',
    kind: 'night',
    status: 'running',
    leads: false,
    planDigest: null,
    approvalExpiresAt: null,
    plan: null,
    pausedUntil: null,
    steps,
    ...change,
  };
}

/** Lines that a view writes to standard error. */
function linesOf(body: () => void): readonly string[] {
  const write = vi.spyOn(process.stderr, 'write').mockReturnValue(true);
  onTestFinished(() => write.mockRestore());
  body();
  return write.mock.calls.map(([text]) => String(text).trimEnd());
}

test('where there is no terminal a step is a line when it begins, every ten seconds, and when it ends', () => {
  const view = progressView(false, 'crm-sync approve');
  const lines = linesOf(() => {
    for (const step of [
      row({}),
      row({ ms: 900 }),
      row({ ms: 11_000, records: 5_000 }),
      row({ ms: 12_000, records: 6_000 }),
      row({ state: 'done', ms: 13_210, records: 7_000 }),
    ])
      view.show(progressWith([step, row({ step: 'match', state: 'waiting' })]), []);
  });
  expect(lines).toEqual(['fetch contact: running', 'fetch contact: running, 5,000 records, 11.0 s', 'fetch contact: done, 7,000 records, 13.2 s']);
});

test('a run that waits for approval, or for a worker, says so once', () => {
  const view = progressView(false, 'crm-sync approve');
  const waiting = progressWith([], { status: 'awaitingApproval', approvalExpiresAt: '2026-10-01T01:00:00.000Z' });
  const lines = linesOf(() => {
    for (const shown of [waiting, waiting, undefined, undefined, undefined, waiting]) view.show(shown, []);
  });
  expect(lines).toEqual([
    'the plan waits for approval until 2026-10-01T01:00:00.000Z: crm-sync approve, or reject',
    'waiting for a worker to answer; the run goes on when one does',
  ]);
});

test('what is tried again is said once for each reason', () => {
  const view = progressView(false, 'crm-sync approve');
  const full = { activity: 'beginMatch', attempt: 3, code: 'DATABASE_53100', message: 'the disk is full' };
  const lines = linesOf(() => {
    for (const retries of [
      [full],
      [],
      [
        { ...full, attempt: 9 },
        { ...full, code: 'UNREACHABLE', message: 'the server cannot be reached' },
      ],
    ])
      view.show(progressWith([]), retries);
  });
  expect(lines).toEqual([
    'beginMatch is tried again (try 3): the disk is full (DATABASE_53100)',
    'beginMatch is tried again (try 3): the server cannot be reached (UNREACHABLE)',
  ]);
});

test.for([
  ['success', 0],
  ['failed', 1],
  ['partial', 3],
  ['preview', 3],
  ['rejected', 3],
  ['cancelled', 3],
  ['skipped', 3],
] as const satisfies readonly (readonly [RunStatus, number])[])('a night that ends as %s gives exit code %i', ([status, code]) => {
  expect(exitCodeOf({ run: 'r', status, failure: undefined }, 'night')).toBe(code);
});

test('a preview that was asked for is done; a failure brings its own exit code', () => {
  expect(exitCodeOf({ run: 'r', status: 'preview', failure: undefined }, 'preview')).toBe(0);
  const failure = new Failure('wrong settings', { kind: 'permanent', code: 'SETTINGS', exitCode: 2 });
  expect(exitCodeOf({ run: 'r', status: 'failed', failure }, 'night')).toBe(2);
});

test('an anticipated failure is its sentence and its remedy; the stack of another one only where it is asked for', () => {
  const failure = new Failure('the disk is full', { kind: 'permanent', code: 'X', remedy: 'Make some space.' });
  expect(describeError(failure, false)).toEqual({ lines: ['error: the disk is full', '  Make some space.'], exitCode: 1 });
  const bug = new TypeError('x is undefined');
  expect(describeError(bug, false).lines).toEqual([
    'error: TypeError: x is undefined',
    '  This was not foreseen; CRM_SYNC_DEBUG=1 shows where it happened.',
  ]);
  expect(describeError(bug, true).lines.join('\n')).toContain('views.test.ts');
});
