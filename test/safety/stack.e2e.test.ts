import { existsSync, readdirSync, readFileSync, statSync } from 'node:fs';
import { cp } from 'node:fs/promises';
import path from 'node:path';
import { expect, test } from 'vitest';
import type { StackFile } from '../../src/local/stack-file.ts';
import { crmSync, emptyFolder } from '../cli/run-cli.ts';
import { startCrmSync } from '../cli/running-cli.ts';
import { familyOf, listeningOn } from './listening.ts';

/** Everything below a folder, itself included. A socket and a link have no mode of their own to look at. */
function* filesBelow(folder: string): Generator<{ readonly file: string; readonly mode: number; readonly isFile: boolean }> {
  yield { file: folder, mode: statSync(folder).mode & 0o777, isFile: false };
  for (const entry of readdirSync(folder, { withFileTypes: true })) {
    const file = path.join(folder, entry.name);
    if (entry.isDirectory()) yield* filesBelow(file);
    else if (entry.isFile()) yield { file, mode: statSync(file).mode & 0o777, isFile: true };
  }
}

/** What nobody but the owner of the state directory may learn. */
function secretsOf(stack: StackFile): readonly string[] {
  const passwords = [stack.personalization?.url, stack.mirror?.url].map((url) => new URL(url ?? '').password);
  return [...new Set([stack.salesforce?.clientSecret, stack.salesforce?.password, ...passwords].map((secret) => secret ?? ''))];
}

test('a stack is open to its owner alone: loopback, modes, and no secret where others could read it', async () => {
  const cwd = await emptyFolder();
  await cp(path.join(import.meta.dirname, '../rules/R4-both-ways'), path.join(cwd, 'data'), { recursive: true });
  const demo = startCrmSync(['demo', '--data', 'data', '--state', 'state', '--out', 'out'], cwd);
  await demo.says('# every value that was written');
  const state = path.join(cwd, 'state');
  const stack = JSON.parse(readFileSync(path.join(state, 'stack.json'), 'utf8')) as StackFile;
  const family = familyOf(demo.pid);

  const addresses = listeningOn([...family, stack.postgres?.pid ?? 0, stack.temporal?.pid ?? 0, stack.salesforce?.pid ?? 0]);
  expect(addresses.length).toBeGreaterThanOrEqual(4);
  expect(addresses.filter((address) => !/^(127\.0\.0\.1|\[::1\]):/.test(address))).toEqual([]);

  // A database that must run as another account lies elsewhere.
  const elsewhere = path.join(state, 'postgres.location');
  const cluster = existsSync(elsewhere) ? [...filesBelow(readFileSync(elsewhere, 'utf8').trim())] : [];
  const files = [...filesBelow(state), ...filesBelow(path.join(cwd, 'out')), ...cluster];
  const open = files.filter(({ mode, isFile }) => mode !== (isFile ? 0o600 : 0o700));
  expect(open.map(({ file, mode }) => `${path.relative(cwd, file)} ${mode.toString(8)}`)).toEqual([]);

  const secrets = secretsOf(stack);
  expect(secrets.every((secret) => secret.length > 8)).toBe(true);
  const shown = family.map((pid) => readFileSync(`/proc/${pid}/cmdline`, 'utf8').replaceAll('\0', ' ')).join('\n');
  expect(shown).toContain('postgres');
  const doctor = await crmSync(['doctor', '--state', 'state'], { cwd });
  const texts = [
    shown,
    demo.output().stdout,
    demo.output().stderr,
    doctor.stdout,
    ...files.filter(({ file, isFile }) => isFile && /out\/|logs\//.test(file)).map(({ file }) => readFileSync(file, 'utf8')),
  ];
  for (const text of texts) expect(secrets.filter((secret) => text.includes(secret))).toEqual([]);
  expect(await demo.end('SIGINT')).toBe(0);
});
