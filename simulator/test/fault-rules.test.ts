import { expect, test } from 'vitest';
import { readFileSync } from 'node:fs';
import { startSimulator } from '../src/simulator.ts';
import { call, directoryWith, orgWith } from './harness.ts';
import type { Session } from './harness.ts';

const world = { 'Contact.csv': 'Id,LastName\n003000000000001AAA,x\n' };
const endpoint = async (session: Session, method: string, body?: unknown): Promise<{ status: number; json: unknown }> => {
  const init = body === undefined ? { method } : { method, body: typeof body === 'string' ? body : JSON.stringify(body) };
  const response = await fetch(`${session.simulator.url}/__simulator/faults`, init);
  return { status: response.status, json: response.status === 204 ? null : await response.json() };
};
const close = { kind: 'close' };

test('GET shows the rules with their counts, PUT replaces them from 0, DELETE ends them; the simulator itself is never struck', async () => {
  const session = await orgWith(world, {
    faults: { seed: 9, rules: [{ name: 'first', path: '/limits', count: 'always', fault: { kind: 'html' } }] },
  });
  for (let n = 0; n < 2; n += 1) expect((await call(session, 'GET', '/limits')).status).toBe(503);
  const rule = { name: 'first', path: '/limits', at: 1, count: 'always', fault: { kind: 'html' } };
  expect(await endpoint(session, 'GET')).toEqual({ status: 200, json: { seed: 9, struck: 2, rules: [{ ...rule, matched: 2, struck: 2 }] } });
  expect(await endpoint(session, 'PUT', { rules: [{ path: '/limits', method: 'get', every: 2, fault: close }] })).toEqual({
    status: 200,
    json: {
      seed: 1,
      struck: 0,
      rules: [{ name: 'rules[0] close', path: '/limits', method: 'GET', every: 2, count: 'always', fault: close, matched: 0, struck: 0 }],
    },
  });
  await endpoint(session, 'PUT', { rules: [{ path: '**', count: 'always', fault: close }] });
  expect((await endpoint(session, 'GET')).status).toBe(200);
  expect((await endpoint(session, 'DELETE')).status).toBe(204);
  expect(await endpoint(session, 'GET')).toMatchObject({ json: { struck: 0, rules: [] } });
});

test.for([
  [[], /an object (?:like \{"rules"|is expected)/],
  [{ rules: {} }, /faults\.rules takes a list/],
  [{ rule: [] }, /there is no rule here; there are rules, seed/],
  [{ rules: [], seed: -1 }, /faults\.seed takes a whole number from 0, not -1/],
  [{ rules: [{ fault: close }] }, /rules\[0\]: path is missing/],
  [{ rules: [{ path: '/a' }] }, /rules\[0\]: fault is missing/],
  [{ rules: [{ path: 'a', fault: close }] }, /rules\[0\]\.path takes a path that begins with/],
  [
    {
      rules: [
        { path: '/a', fault: close },
        { path: '/a', fault: 'close' },
      ],
    },
    /rules\[1\]\.fault takes an object like/,
  ],
  [{ rules: [{ path: '/a', fault: { kind: 'clse' } }] }, /rules\[0\]\.fault\.kind takes status, .*, rowError, not "clse"/],
  [{ rules: [{ path: '/a', fault: { kind: 'constructor' } }] }, /fault\.kind takes/],
  [{ rules: [{ path: '/a', at: 1, every: 2, fault: close }] }, /at, every and probability exclude each other/],
  [{ rules: [{ path: '/a', at: 0, fault: close }] }, /rules\[0\]\.at takes a whole number from 1, not 0/],
  [{ rules: [{ path: '/a', probability: 2, fault: close }] }, /probability takes a number above 0, up to 1/],
  [{ rules: [{ path: '/a', count: 'often', fault: close }] }, /count takes a whole number from 1/],
  [{ rules: [{ path: '/a', nth: 3, fault: close }] }, /there is no nth here; there are path, fault, name/],
  [{ rules: [{ path: '/a', fault: { kind: 'status' } }] }, /rules\[0\]\.fault: status is missing/],
  [{ rules: [{ path: '/a', fault: { kind: 'status', status: 1000 } }] }, /status takes a whole number from 200 to 599, not 1000/],
  [{ rules: [{ path: '/a', fault: { kind: 'job' } }] }, /a job takes end or lostRows/],
  [{ rules: [{ path: '/a', fault: { kind: 'job', end: 'failed' } }] }, /end takes stuck, Failed, Aborted, gone, not "failed"/],
  [{ rules: [{ path: '/a', fault: { kind: 'rowError', ids: [1] } }] }, /ids takes a list of texts/],
  [
    {
      rules: [
        { name: 'a', path: '/a', fault: close },
        { name: 'a', path: '/b', fault: close },
      ],
    },
    /two rules are named a/,
  ],
] as const)('a wrong file is refused with the place, and the rules before stay: %j', async ([given, said]) => {
  const before = { rules: [{ name: 'before', path: '/x', fault: close }] };
  const session = await orgWith({}, { faults: before });
  expect(await endpoint(session, 'PUT', given)).toMatchObject({ status: 400, json: [{ message: expect.stringMatching(said) }] });
  expect(await endpoint(session, 'GET')).toMatchObject({ json: { rules: [{ name: 'before' }] } });
  await expect(startSimulator({ dataDirectory: directoryWith({}), faults: given })).rejects.toMatchObject({
    exitCode: 2,
    message: expect.stringMatching(said),
  });
});

test('the example of the README is taken as it stands there', async () => {
  const readme = readFileSync(new URL('../README.md', import.meta.url), 'utf8');
  const example = /```json\n(\{\s*"seed"[^`]*)```/.exec(readme)?.[1] ?? '';
  const session = await orgWith({});
  const { json } = (await endpoint(session, 'PUT', example)) as { json: { rules: { fault: { kind: string } }[] } };
  expect(json.rules.length).toBeGreaterThan(10);
});

test('every kind of fault stands in the README', async () => {
  const readme = readFileSync(new URL('../README.md', import.meta.url), 'utf8');
  const session = await orgWith({});
  const { json } = await endpoint(session, 'PUT', { rules: [{ path: '/', fault: {} }] });
  const kinds = /kind takes (.*), not undefined/.exec((json as { message: string }[])[0]?.message ?? '')?.[1]?.split(', ') ?? [];
  expect(kinds).toHaveLength(15);
  for (const kind of kinds) expect(readme).toContain(`| \`${kind}\``);
});
