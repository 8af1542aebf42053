import { execFileSync } from 'node:child_process';
import { cp, readdir, readFile, writeFile } from 'node:fs/promises';
import path from 'node:path';
import { expect, test } from 'vitest';
import { crmSync, emptyFolder } from './run-cli.ts';
import type { CliResult } from './run-cli.ts';
import { startCrmSync } from './running-cli.ts';

/** A folder with the data of a world in `data`; more settings may follow its own. */
async function worldFolder(world: string, settings = ''): Promise<string> {
  const cwd = await emptyFolder();
  const data = path.join(cwd, 'data');
  await cp(path.join(import.meta.dirname, '../rules', world), data, { recursive: true });
  const file = path.join(data, 'crm-sync.yaml');
  if (settings !== '') await writeFile(file, `${await readFile(file, 'utf8')}\n${settings}\n`);
  return cwd;
}

/** Command lines of running processes that mention the folder. */
function processesOf(folder: string): string[] {
  const all = execFileSync('ps', ['-eo', 'pid=,args=', '-ww'], { encoding: 'utf8' }).split('\n');
  return all.filter((line) => line.includes(folder));
}

test('demo runs one night, prints its report, stays up for other commands, and a Ctrl-C leaves nothing running', async () => {
  const cwd = await worldFolder('R4-both-ways');
  const demo = startCrmSync(['demo', '--data', 'data', '--state', 'state', '--out', 'out'], cwd);
  await demo.says('Everything stays up; Ctrl-C stops it.');
  // The two streams come each in its own time.
  await demo.says('# every value that was written');
  const { stdout, stderr } = demo.output();
  expect(stdout).toMatch(/^Run \d{8}T\d{6}Z-[0-9a-f]{8}: success\. Began .*, leads off\.$/m);
  expect(stdout).toMatch(/│ to Salesforce +│ +2 │ +0 │ +0 │ +0 │/);
  expect(stdout).toMatch(/http:\/\/127\.0\.0\.1:\d+\/namespaces\/default\/workflows\/crm-sync-run\/[0-9a-f-]+\/timeline/);
  expect(stdout).toMatch(/workflow signal --address 127\.0\.0\.1:\d+ --workflow-id crm-sync --name enableLeads/);
  expect(stderr).toContain('fetch contact: done, 3 records');
  expect((await readdir(path.join(cwd, 'out'))).toSorted()).toEqual(['intents.csv', 'records.csv', 'rejects.csv', 'report.json']);
  const report: unknown = JSON.parse(await readFile(path.join(cwd, 'out/report.json'), 'utf8'));
  expect(report).toMatchObject({ status: 'success', leadsEnabled: false, objects: { contact: { outcomes: { linked: 1 } } } });
  expect(Object.keys(report as object).slice(0, 5)).toEqual(['run', 'status', 'startedAt', 'finishedAt', 'leadsEnabled']);
  const { run } = report as { run: string };

  const ask = (...args: string[]): Promise<CliResult> => crmSync([...args, '--state', 'state'], { cwd });
  const printed = async (...args: string[]): Promise<string> => {
    const answer = await ask(...args);
    expect(answer.exitCode, answer.stderr).toBe(0);
    return answer.stdout;
  };
  expect(JSON.parse(await printed('status', '--json'))).toEqual({ status: 'idle' });
  expect(JSON.parse(await printed('report', '--json'))).toEqual(report);
  expect(await printed('report', run.slice(0, 20))).toContain(`Run ${run}: success.`);
  expect(await printed('records', '--csv')).toBe(await readFile(path.join(cwd, 'out/records.csv'), 'utf8'));
  expect(await printed('intents', run, '--csv')).toBe(await readFile(path.join(cwd, 'out/intents.csv'), 'utf8'));
  expect(JSON.parse(await printed('intents', '--json'))).toHaveLength(4);
  expect(await printed('rejects')).toBe('');
  expect(JSON.parse(await printed('runs', '--json'))).toMatchObject([{ run, status: 'success', kind: 'night' }]);
  expect(JSON.parse(await printed('leads', 'on', '--json'))).toEqual({ enabled: true, revision: 1 });
  expect(await printed('leads', 'status')).toBe('leads are on\n');
  expect(await printed('schedule', 'pause', '--note', 'for a look')).toContain('is paused');
  expect(await printed('schedule', 'apply')).toContain('is updated: 0 2 * * * (UTC)');
  expect(JSON.parse(await printed('schedule', 'show', '--json'))).toMatchObject({ id: 'crm-sync-nightly', paused: true, note: 'for a look' });
  expect(await printed('schedule', 'resume')).toContain('is active');
  const doctor = JSON.parse(await printed('doctor', '--json')) as { fit: boolean; findings: { result: string }[] };
  expect(doctor.fit).toBe(true);
  expect(doctor.findings.every(({ result }) => result === 'ok')).toBe(true);
  expect(await printed('personalization', 'export', 'exported')).toMatch(/user-export\.csv: \d+ users/);
  const again = await ask('report', 'nosuch');
  expect([again.exitCode, again.stderr]).toEqual([2, 'error: there is no run nosuch\n  `crm-sync runs` lists them.\n']);

  const preview = await ask('run', '--preview', '--wait', '--json');
  expect(preview.exitCode).toBe(0);
  expect(JSON.parse(preview.stdout)).toMatchObject({ status: 'preview', leadsEnabled: true });
  expect(preview.stderr).toContain('settle: done');
  const quiet = await ask('run', '--wait', '--out', 'quiet');
  expect(quiet.exitCode).toBe(0);
  expect(await readFile(path.join(cwd, 'quiet/intents.csv'), 'utf8')).toMatch(/^side,[^\n]*\n$/);
  await writeFile(path.join(cwd, 'taken'), '');
  const unwritable = await ask('report', '--out', 'taken');
  expect([unwritable.exitCode, unwritable.stderr]).toEqual([
    1,
    expect.stringMatching(/^error: taken cannot be written \((EEXIST|ENOTDIR)\)\n {2}Name a folder/),
  ]);

  expect(await demo.end('SIGINT')).toBe(0);
  expect(processesOf(cwd)).toEqual([]);
  expect((await ask('runs')).stderr).toContain('no stack runs on the state directory state');
});

test('R5 a demo that is killed while its run waits for approval goes on with the same run, and loads nothing again', async () => {
  const cwd = await worldFolder('R4-both-ways', 'approval: always');
  const args = ['demo', '--data', 'data', '--state', 'state'];
  const first = startCrmSync(args, cwd);
  await first.says(' waits for approval until ');
  expect(await first.end('SIGKILL')).toBe(null);

  const second = startCrmSync(args, cwd);
  await second.says(' waits for approval until ');
  const { stderr } = second.output();
  expect(stderr).toContain('a run is in progress already; it goes on');
  expect(stderr).toContain('the profile store holds data already: no feed is loaded again');

  const ask = (...words: string[]): Promise<CliResult> => crmSync([...words, '--state', 'state'], { cwd });
  const status = JSON.parse((await ask('status', '--json')).stdout) as { status: string; planDigest: string };
  expect(status.status).toBe('awaitingApproval');
  const busy = await ask('run');
  expect([busy.exitCode, busy.stderr]).toEqual([1, expect.stringMatching(/^error: a run is in progress already \(crm-sync-run\)\n/)]);
  const wrong = await ask('approve', '--plan', 'other');
  expect([wrong.exitCode, wrong.stderr]).toEqual([1, expect.stringContaining(`the plan that waits is ${status.planDigest}, not other`)]);
  expect((await ask('approve', '--plan', status.planDigest)).exitCode).toBe(0);
  await second.says('Everything stays up');
  await second.says('# every value that was written');
  expect(second.output().stdout).toMatch(/^Run \S+: success\./m);
  expect((await ask('reject')).stderr).toContain('no run is in progress');
  expect(JSON.parse((await ask('runs', '--json')).stdout)).toHaveLength(1);
  expect(await second.end('SIGTERM')).toBe(0);
});

test('--once ends at the gate where the settings ask for approval: status preview, exit code 3, nothing linked or written', async () => {
  const cwd = await worldFolder('R4-both-ways', 'approval: firstRun');
  const { exitCode, stdout } = await crmSync(['demo', '--data', 'data', '--state', 'state', '--once', '--out', 'out'], { cwd });
  expect(exitCode).toBe(3);
  expect(stdout).toMatch(/^Run \S+: preview\./m);
  expect(stdout).not.toContain('Try next');
  expect(JSON.parse(await readFile(path.join(cwd, 'out/report.json'), 'utf8'))).toMatchObject({
    status: 'preview',
    intents: { salesforce: { applied: 0, deferred: 2 }, personalization: { applied: 0, deferred: 2 } },
  });
  expect(processesOf(cwd)).toEqual([]);
});

test('settings that name a field the org does not have end the night before it reads, exit code 2', async () => {
  const cwd = await worldFolder('R2-nothing-is-made');
  await writeFile(path.join(cwd, 'data/crm-sync.yaml'), 'objects:\n  contact:\n    pull:\n      - { from: Titel, to: emailAddress }\n');
  const { exitCode, stderr } = await crmSync(['demo', '--data', 'data', '--state', 'state', '--once'], { cwd });
  expect(stderr).toMatch(/^error: .*crm-sync\.yaml:4: objects\.contact\.pull\[0\]\.from: Contact has no field Titel.*did you mean Title\?/m);
  expect(exitCode).toBe(2);
});

test('a header that names a column twice refuses the data: file named, exit code 2, nothing left running', async () => {
  const cwd = await worldFolder('R4-both-ways');
  await writeFile(path.join(cwd, 'data/user-1.csv'), 'userId,attribute:name,attribute:name\nu1,a,b\n');
  const { exitCode, stderr } = await crmSync(['demo', '--data', 'data', '--state', 'state', '--once'], { cwd });
  expect(stderr).toMatch(/^error: .*user-1\.csv/m);
  expect(exitCode).toBe(2);
  expect(processesOf(cwd)).toEqual([]);
});
