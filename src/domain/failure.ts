/**
 * Why something could not be done, by what a caller does about it:
 * `transient` is tried again soon, `throttled` after a pause, `permanent` not before somebody changed something.
 */
export type FailureKind = 'transient' | 'throttled' | 'permanent';

/** Exit codes of the commands: 1 failed, 2 wrong usage or settings, 3 partial. */
export type ExitCode = 1 | 2 | 3;

export interface FailureOptions {
  readonly kind: FailureKind;
  /** Upper-case name of the cause, stable: scripts and the retry table rely on it. */
  readonly code: string;
  /** One sentence: what the reader can do about it. */
  readonly remedy?: string;
  readonly retryAfterMs?: number;
  /** A transient failure that is one for so many tries only. */
  readonly mostTries?: number;
  readonly exitCode?: ExitCode;
  readonly cause?: unknown;
}

/** The one class of anticipated failures. Its message names the thing and the place and never holds personal data. */
export class Failure extends Error {
  override readonly name = 'Failure';
  readonly kind: FailureKind;
  readonly code: string;
  readonly remedy: string | undefined;
  readonly retryAfterMs: number | undefined;
  readonly mostTries: number | undefined;
  readonly exitCode: ExitCode;

  constructor(message: string, options: FailureOptions) {
    super(message, options.cause === undefined ? undefined : { cause: options.cause });
    this.kind = options.kind;
    this.code = options.code;
    this.remedy = options.remedy;
    this.retryAfterMs = options.retryAfterMs;
    this.mostTries = options.mostTries;
    this.exitCode = options.exitCode ?? 1;
  }
}

/** Wrong usage or wrong settings: exit code 2. */
export function usageFailure(message: string, remedy?: string): Failure {
  return new Failure(message, { kind: 'permanent', code: 'USAGE', exitCode: 2, ...(remedy === undefined ? {} : { remedy }) });
}
