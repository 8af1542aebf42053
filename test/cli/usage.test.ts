import { writeFile } from 'node:fs/promises';
import path from 'node:path';
import { expect, test } from 'vitest';
import { commands } from '../../src/cli/commands.ts';
import { crmSync, emptyFolder } from './run-cli.ts';

const subcommands: Readonly<Record<string, readonly string[]>> = {
  schedule: ['apply', 'show', 'pause', 'resume', 'trigger'],
  leads: ['on', 'off', 'status'],
  review: ['list', 'pin', 'unpin', 'block', 'unblock', 'unlink'],
  links: ['reset', 'export', 'import'],
  mirror: ['rebuild'],
  personalization: ['import', 'export', 'delete'],
};

test('--help lists every command on standard output and ends with 0', async () => {
  const { exitCode, stdout, stderr } = await crmSync(['--help'], { cwd: await emptyFolder() });
  expect(exitCode).toBe(0);
  expect(stderr).toBe('');
  for (const name of Object.keys(commands)) expect(stdout).toMatch(new RegExp(`^  ${name} `, 'm'));
});

test.for(Object.keys(commands).flatMap((name) => [[name], ...(subcommands[name] ?? []).map((sub) => [name, sub])]))(
  'crm-sync %s --help says what it does, with an example, and ends with 0',
  async (words) => {
    const { exitCode, stdout, stderr } = await crmSync([...words, '--help'], { cwd: await emptyFolder() });
    expect(stderr).toBe('');
    expect(exitCode).toBe(0);
    expect(stdout).toMatch(new RegExp(`^Usage: crm-sync ${words.join(' ')}`));
    expect(stdout).toMatch(new RegExp(`^Examples?:\\n {2}\\$ crm-sync ${words[0] ?? ''}`, 'm'));
  },
);

test('help COMMAND is the help of the command', async () => {
  const cwd = await emptyFolder();
  const [asked, option] = [await crmSync(['help', 'leads'], { cwd }), await crmSync(['leads', '--help'], { cwd })];
  expect(asked).toEqual(option);
});

test.for([
  [[], 'Usage: crm-sync'],
  [['docter'], "error: unknown command 'docter'\n(Did you mean doctor?)"],
  [['runs', '--jsn'], "error: unknown option '--jsn'\n(Did you mean --json?)"],
  [['leads', 'maybe'], "error: unknown command 'maybe'"],
  [['records', 'one', 'two'], 'error: too many arguments'],
  [['simulator'], "error: required option '--port <n>' not specified"],
  [['simulator', '--port', '70000'], 'A whole number from 0 to 65535 is needed.'],
  [['demo', '--synthetic', '0'], 'A whole number from 1 to'],
  [['personalization', 'import'], "error: missing required argument 'file'"],
] as const)('wrong usage is said on standard error and ends with 2: %j', async ([args, said]) => {
  const { exitCode, stdout, stderr } = await crmSync(args, { cwd: await emptyFolder() });
  expect(stderr).toContain(said);
  expect(stdout).toBe('');
  expect(exitCode).toBe(2);
});

test('--version prints the version of package.json', async () => {
  const { stdout, exitCode } = await crmSync(['--version'], { cwd: await emptyFolder() });
  expect(stdout).toMatch(/^\d+\.\d+\.\d+\n$/);
  expect(exitCode).toBe(0);
});

test('where neither a stack runs nor settings are, a command says what to do', async () => {
  const { exitCode, stderr, stdout } = await crmSync(['status'], { cwd: await emptyFolder() });
  expect(stderr).toBe(
    'error: no stack runs on .crm-sync, and there is no settings file crm-sync.yaml\n' +
      '  Start a stack with `crm-sync demo`, write settings with `crm-sync init`, or name where to look: --state DIR or --config FILE.\n',
  );
  expect(stdout).toBe('');
  expect(exitCode).toBe(2);
});

test('a state directory on which no stack runs is named, exit code 1', async () => {
  const { exitCode, stderr } = await crmSync(['runs', '--state', 'nowhere'], { cwd: await emptyFolder() });
  expect(stderr).toMatch(/^error: no stack runs on the state directory nowhere\n {2}Start one with /);
  expect(exitCode).toBe(1);
});

test('the stack.json of a stack that was killed counts as none', async () => {
  const cwd = await emptyFolder();
  await writeFile(path.join(cwd, 'stack.json'), JSON.stringify({ pid: 2 ** 30, mirror: { url: 'postgres://nobody@127.0.0.1:1/none' } }));
  const { exitCode, stderr } = await crmSync(['runs', '--state', '.'], { cwd });
  expect(stderr).toContain('no stack runs on the state directory .');
  expect(exitCode).toBe(1);
});
