import { expect } from 'vitest';
import { Failure } from '../../src/domain/failure.ts';
import { loadSettings } from '../../src/config/load.ts';
import type { LoadOptions } from '../../src/config/load.ts';
import type { Settings } from '../../src/config/settings.ts';

export function load(text: string, options: Partial<LoadOptions> = {}): Settings {
  return loadSettings({ text, env: {}, ...options });
}

/** The failure that an action must throw. */
export function failureOf(action: () => unknown): Failure {
  try {
    action();
  } catch (error) {
    expect(error).toBeInstanceOf(Failure);
    return error as Failure;
  }
  throw new Error('It was expected to fail and did not');
}

/** The lines of a settings file's failure, each `file:line: key: what`. */
export function errorsOf(text: string, options: Partial<LoadOptions> = {}): readonly string[] {
  const failure = failureOf(() => load(text, options));
  expect(failure.exitCode).toBe(2);
  return failure.message.split('\n').filter((line) => !/^\d+ errors in the settings:$/.test(line));
}
