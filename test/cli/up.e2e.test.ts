import { readFile, writeFile } from 'node:fs/promises';
import path from 'node:path';
import { expect, test } from 'vitest';
import type { StackFile } from '../../src/local/stack-file.ts';
import { crmSync, emptyFolder } from './run-cli.ts';
import { startCrmSync } from './running-cli.ts';

test('up brings what a configuration lacks; a worker and commands with addresses of their own work beside it', async () => {
  const cwd = await emptyFolder();
  await writeFile(path.join(cwd, 'crm-sync.yaml'), 'approval: never\n');
  const up = startCrmSync(['up', '--state', 'state'], cwd);
  await up.says('Try next: ');
  expect(up.output().stderr).toContain('salesforce.loginUrl is not set: an empty Salesforce simulator takes its place');
  const doctor = await crmSync(['doctor', '--state', 'state'], { cwd });
  expect(doctor.exitCode, doctor.stdout).toBe(0);
  expect(doctor.stdout).toMatch(/^warn {2}Schedule: there is no Schedule crm-sync-nightly$/m);

  // The same servers as somebody else's: by settings and environment, under another name.
  const { salesforce, mirror, personalization, temporal } = JSON.parse(await readFile(path.join(cwd, 'state/stack.json'), 'utf8')) as StackFile;
  const lines = [
    'name: beside',
    'approval: never',
    'salesforce:',
    `  loginUrl: ${salesforce?.url}`,
    '  auth: { flow: clientCredentials, clientId: "${CLIENT}", clientSecret: "${SECRET}" }',
    `personalization: { url: "${personalization?.url}" }`,
    `ledger: { url: "${mirror?.url}" }`,
  ];
  await writeFile(path.join(cwd, 'beside.yaml'), `${lines.join('\n')}\n`);
  const env = { TEMPORAL_ADDRESS: temporal?.address ?? '', CLIENT: salesforce?.clientId ?? '', SECRET: salesforce?.clientSecret ?? '' };
  const early = await crmSync(['runs', '--config', 'beside.yaml'], { cwd, env });
  expect([early.exitCode, early.stderr]).toEqual([
    1,
    expect.stringMatching(/^error: the database has no ledger of the sync beside yet\n {2}Start a worker once/),
  ]);
  const wrong = await crmSync(['doctor', '--config', 'beside.yaml'], { cwd, env: { ...env, SECRET: 'wrong' } });
  expect(wrong.exitCode).toBe(1);
  expect(wrong.stdout).toMatch(/^fail {2}Salesforce login: /m);

  const worker = startCrmSync(['worker', '--config', 'beside.yaml'], cwd, env);
  await worker.says('{"ready":true}');
  const night = await crmSync(['run', '--wait', '--json', '--config', 'beside.yaml'], { cwd, env });
  expect(night.exitCode, night.stderr).toBe(0);
  expect(JSON.parse(night.stdout)).toMatchObject({ status: 'success' });
  const runs = await crmSync(['runs', '--csv', '--config', 'beside.yaml'], { cwd, env });
  expect(runs.stdout.split('\n')).toHaveLength(3);
  expect((await crmSync(['runs', '--json', '--state', 'state'], { cwd })).stdout).toBe('[]\n');
  expect(await worker.end('SIGTERM')).toBe(0);
  expect(await up.end('SIGHUP')).toBe(0);
});

test('a worker without its Temporal server says so and ends with 1', async () => {
  const cwd = await emptyFolder();
  await writeFile(
    path.join(cwd, 'crm-sync.yaml'),
    'salesforce: { loginUrl: "http://127.0.0.1:1", auth: { flow: clientCredentials, clientId: a, clientSecret: b } }\n' +
      'personalization: { url: "postgres://nobody@127.0.0.1:1/none" }\nledger: { url: "postgres://nobody@127.0.0.1:1/none" }\n',
  );
  const { exitCode, stderr } = await crmSync(['worker'], { cwd, env: { TEMPORAL_ADDRESS: '127.0.0.1:1' } });
  expect(stderr).toMatch(/^error: no answer from (the database|the Temporal server) at 127\.0\.0\.1:1/m);
  expect(exitCode).toBe(1);
});
