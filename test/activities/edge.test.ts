import { ApplicationFailure } from '@temporalio/common';
import { DefaultLogger } from '@temporalio/worker';
import { MockActivityEnvironment } from '@temporalio/testing';
import { expect, test } from 'vitest';
import { activity, NotReady, temporalFailure } from '../../activities/edge.ts';
import { Failure } from '../../src/domain/failure.ts';

const logged: string[] = [];
const logger = new DefaultLogger('TRACE', ({ level, message, meta }) => logged.push(JSON.stringify({ level, message, ...meta })));

async function thrownBy(body: () => Promise<unknown>, attempt = 1): Promise<ApplicationFailure> {
  const environment = new MockActivityEnvironment({ attempt, activityId: 'one' }, { logger });
  const error: unknown = await environment.run(activity(body)).then(
    () => new Error('it did not throw'),
    (thrown: unknown) => thrown,
  );
  expect(error).toBeInstanceOf(ApplicationFailure);
  return error as ApplicationFailure;
}

test('a permanent failure is not tried again and says what to do', async () => {
  const error = await thrownBy(async () => {
    throw new Failure('the org is another one', { kind: 'permanent', code: 'OTHER_ORG', remedy: 'connect the right one' });
  });
  expect(error).toMatchObject({ type: 'OTHER_ORG', nonRetryable: true, message: 'the org is another one; connect the right one' });
});

test('a transient failure is tried again, after the pause it names or a longer one, by chance, up to six times as long', async () => {
  const pauses: number[] = [];
  for (let attempt = 1; attempt < 200; attempt += 1) {
    const error = await thrownBy(async () => {
      throw new Failure('busy', { kind: 'throttled', code: 'BUSY', retryAfterMs: 10_000 });
    }, attempt);
    expect(error.nonRetryable).not.toBe(true);
    pauses.push(error.nextRetryDelay as number);
  }
  expect(Math.min(...pauses)).toBeGreaterThanOrEqual(10_000);
  expect(Math.max(...pauses)).toBeLessThanOrEqual(60_000);
  expect(new Set(pauses).size).toBeGreaterThan(100);
});

test('what is tried a few times only is given up at the last of them, in a row: one that ended otherwise begins the count anew', async () => {
  const limited = async (): Promise<never> => {
    throw new Failure('an error of its own', { kind: 'transient', code: 'UNKNOWN_EXCEPTION', mostTries: 3 });
  };
  const given = async (): Promise<boolean> => (await thrownBy(limited, 40)).nonRetryable === true;
  expect([await given(), await given()]).toEqual([false, false]);
  await thrownBy(async () => {
    throw new NotReady();
  });
  expect([await given(), await given(), await given()]).toEqual([false, false, true]);
  expect(await given()).toBe(false);
});

test('what was not anticipated gives a correlation id, and neither the history nor the log has its message', async () => {
  logged.length = 0;
  const error = await thrownBy(async () => {
    throw new TypeError('cannot read ada.lovelace@example.com');
  });
  expect(error.type).toBe('UNEXPECTED');
  const id = /failure ([0-9a-f-]{36}):/.exec(error.message)?.[1] ?? 'none';
  const text = logged.join('\n');
  expect(text).toContain(id);
  expect(text).toContain('edge.test.ts');
  for (const place of [text, error.message, String(error.stack)]) expect(place).not.toContain('ada.lovelace');
});

test('looking again pauses longer each time, at most half a minute', () => {
  const pauses = [1, 4, 8, 40].map((attempt) => {
    const failure = temporalFailure(new NotReady(), { attempt, tries: 1 }, () => undefined) as ApplicationFailure;
    return failure.nextRetryDelay as number;
  });
  expect(pauses[0]).toBeLessThan(2_000);
  expect(pauses.toSorted((a, b) => a - b)).toEqual(pauses);
  expect(pauses.at(-1)).toBe(30_000);
});

test('what an activity returns comes back as it is', async () => {
  await expect(
    new MockActivityEnvironment().run(
      activity(async (a: number, b: number) => ({ sum: a + b })),
      2,
      3,
    ),
  ).resolves.toEqual({ sum: 5 });
});
