import { writeFile } from 'node:fs/promises';
import path from 'node:path';
import { expect, test } from 'vitest';
import { crmSync, emptyFolder } from './run-cli.ts';
import { startCrmSync } from './running-cli.ts';

test('crm-sync simulator hands settings, person accounts and faults on, and is the simulator: one line, its signals, its exit code', async () => {
  const cwd = await emptyFolder();
  await writeFile(path.join(cwd, 'settings.json'), '{"commitDelaySeconds": 7}');
  await writeFile(path.join(cwd, 'faults.json'), '{"rules": [{"name": "down", "path": "/services/data", "fault": {"kind": "html"}}]}');
  const running = startCrmSync(
    ['simulator', '--port', '0', '--data', '.', '--settings', 'settings.json', '--person-accounts', '--faults', 'faults.json'],
    cwd,
  );
  await running.says('privateKeyFile');
  const { url } = JSON.parse(running.output().stdout) as { url: string };
  const answer = async (place: string): Promise<unknown> => (await fetch(url + place)).json();
  expect(await answer('/__simulator/settings')).toMatchObject({ commitDelaySeconds: 7, personAccounts: true });
  expect((await fetch(`${url}/services/data`)).status).toBe(503);
  expect((await fetch(`${url}/services/data`)).status).toBe(200);
  expect(await answer('/__simulator/faults')).toMatchObject({ rules: [{ name: 'down', matched: 2, struck: 1 }] });
  expect(await running.end('SIGTERM')).toBe(0);
});

test.for([
  ['--faults', /faults: rules\[0\]: path is missing/],
  ['--settings', /--settings wrong\.json: there is no setting rules/],
] as const)('a wrong file of %s is said on standard error and ends with 2', async ([option, said]) => {
  const cwd = await emptyFolder();
  await writeFile(path.join(cwd, 'wrong.json'), '{"rules": [{}]}');
  const { exitCode, stderr, stdout } = await crmSync(['simulator', '--port', '0', '--data', '.', option, 'wrong.json'], { cwd });
  expect(stderr).toMatch(said);
  expect(stdout).toBe('');
  expect(exitCode).toBe(2);
});
