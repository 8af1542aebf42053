import { readFile, writeFile, chmod, stat } from 'node:fs/promises';
import path from 'node:path';
import { expect, test } from 'vitest';
import { crmSync, emptyFolder } from './run-cli.ts';

test('init writes every setting with its default, for its owner alone, and doctor finds nothing wrong but the connections', async () => {
  const cwd = await emptyFolder();
  const made = await crmSync(['init'], { cwd });
  expect(made.exitCode).toBe(0);
  expect(made.stdout).toContain('crm-sync.yaml is written');
  const file = path.join(cwd, 'crm-sync.yaml');
  expect((await stat(file)).mode & 0o077).toBe(0);
  expect(await readFile(file, 'utf8')).toContain('approval: firstRun');

  const checked = await crmSync(['doctor'], { cwd });
  expect(checked.exitCode).toBe(2);
  expect(checked.stdout).toMatch(/^fail {2}settings: 4 errors in the settings:$/m);
  expect(checked.stdout).toContain('crm-sync.yaml: salesforce.loginUrl: is missing');
  expect(checked.stdout).toContain('crm-sync.yaml: ledger.url: is missing');
});

test('init replaces no file unless told to', async () => {
  const cwd = await emptyFolder();
  const file = path.join(cwd, 'mine.yaml');
  await writeFile(file, 'name: mine\n');
  const refused = await crmSync(['init', '--config', 'mine.yaml'], { cwd });
  expect(refused.exitCode).toBe(2);
  expect(refused.stderr).toMatch(/^error: mine.yaml is there already\n/);
  expect(await readFile(file, 'utf8')).toBe('name: mine\n');
  expect((await crmSync(['init', '--config', 'mine.yaml', '--force'], { cwd })).exitCode).toBe(0);
  expect(await readFile(file, 'utf8')).toContain('approval: firstRun');
});

test('init into a folder that is not there says so, exit code 1', async () => {
  const { exitCode, stderr } = await crmSync(['init', '--config', 'no/such/folder.yaml'], { cwd: await emptyFolder() });
  expect(stderr).toMatch(/^error: no\/such\/folder.yaml cannot be written \(ENOENT\)\n {2}\S/);
  expect(exitCode).toBe(1);
});

test.for(['doctor', 'worker', 'run', 'runs', 'schedule show'])('%s: a settings file that is not there ends with 2', async (words) => {
  const { exitCode, stderr, stdout } = await crmSync([...words.split(' '), '--config', 'none.yaml'], { cwd: await emptyFolder() });
  expect(`${stderr}${stdout}`).toContain('There is no settings file none.yaml');
  expect(exitCode).toBe(2);
});

test('wrong settings are named with file, line, key and the nearest spelling, whatever the command, and nothing is started', async () => {
  const cwd = await emptyFolder();
  await writeFile(path.join(cwd, 'crm-sync.yaml'), 'approvall: never\nschedule:\n  cron: "0 0 2 * * *"\n');
  const state = path.join(cwd, 'state');
  for (const args of [['doctor'], ['runs'], ['worker'], ['schedule', 'apply'], ['up', '--state', state], ['demo', '--data', '.', '--state', state]]) {
    const { exitCode, stderr, stdout } = await crmSync(args, { cwd });
    const said = `${stderr}${stdout}`;
    expect(said).toMatch(/crm-sync\.yaml:1: approvall: is no setting.*did you mean approval\?/);
    expect(said).toMatch(/crm-sync\.yaml:3: schedule\.cron: .* has 6 fields, five are allowed/);
    expect(exitCode).toBe(2);
  }
  await expect(stat(state)).rejects.toThrow('ENOENT');
});

test('a settings file that cannot be read is said, with the cause', async () => {
  const cwd = await emptyFolder();
  await writeFile(path.join(cwd, 'bytes.yaml'), Buffer.from([0x6e, 0xff, 0xfe]));
  const { exitCode, stderr } = await crmSync(['runs', '--config', 'bytes.yaml'], { cwd });
  expect(stderr).toContain('bytes.yaml: is not UTF-8');
  expect(exitCode).toBe(2);
});

test('secrets of the settings stand in no message', async () => {
  const cwd = await emptyFolder();
  await writeFile(
    path.join(cwd, 'crm-sync.yaml'),
    'ledger:\n  url: postgres://me:s3cret@127.0.0.1:1/none\npersonalization:\n  url: postgres://me:s3cret@127.0.0.1:1/none\n',
  );
  const { exitCode, stderr, stdout } = await crmSync(['runs'], { cwd });
  expect(stderr).toMatch(/^error: no answer from the database at 127\.0\.0\.1:1\/none \(ECONNREFUSED\)\n {2}check that PostgreSQL is up/);
  expect(`${stderr}${stdout}`).not.toContain('s3cret');
  expect(exitCode).toBe(1);
});

test('a Temporal server that does not answer is named, with the remedy, exit code 1', async () => {
  const cwd = await emptyFolder();
  await writeFile(path.join(cwd, 'crm-sync.yaml'), '');
  const { exitCode, stderr } = await crmSync(['schedule', 'show'], { cwd, env: { TEMPORAL_ADDRESS: '127.0.0.1:1' } });
  expect(stderr).toMatch(/^error: no answer from the Temporal server at 127\.0\.0\.1:1\n {2}Start it, or correct TEMPORAL_ADDRESS/);
  expect(exitCode).toBe(1);
});

test.for([
  [['--data', 'nowhere'], 'there is no data directory nowhere'],
  [['--data', 'file.csv'], 'file.csv is no directory'],
  [['--data', '.', '--synthetic', '10'], '--data and --synthetic exclude each other'],
] as const)('demo %j is refused before anything is started', async ([args, said]) => {
  const cwd = await emptyFolder();
  await writeFile(path.join(cwd, 'file.csv'), 'Id\n');
  await chmod(path.join(cwd, 'file.csv'), 0o600);
  const { exitCode, stderr } = await crmSync(['demo', ...args, '--state', 'state'], { cwd });
  expect(stderr).toMatch(new RegExp(`^error: ${said}\\n`));
  expect(exitCode).toBe(2);
  await expect(stat(path.join(cwd, 'state'))).rejects.toThrow('ENOENT');
});

test('a folder for the results that cannot be made is said before anything is started', async () => {
  const cwd = await emptyFolder();
  await writeFile(path.join(cwd, 'file.csv'), 'Id\n');
  const { exitCode, stderr } = await crmSync(['demo', '--state', 'state', '--out', 'file.csv/out'], { cwd });
  expect(stderr).toMatch(/^error: file\.csv\/out cannot be written \(ENOTDIR\)\n {2}Name a folder/);
  expect(exitCode).toBe(1);
  await expect(stat(path.join(cwd, 'state'))).rejects.toThrow('ENOENT');
});
