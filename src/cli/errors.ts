import { Failure } from '../domain/failure.ts';
import type { ExitCode } from '../domain/failure.ts';

export interface ErrorText {
  readonly lines: readonly string[];
  readonly exitCode: ExitCode;
}

/** What a person reads of an error: what happened, what to do; the stack only where it is asked for. */
export function describeError(error: unknown, debug: boolean): ErrorText {
  const stack = debug && error instanceof Error ? [error.stack ?? ''] : [];
  const known = error instanceof Failure ? error : failureOf(error);
  if (known !== undefined) {
    const remedy = known.remedy === undefined ? [] : [`  ${known.remedy}`];
    return { lines: [`error: ${known.message}`, ...remedy, ...stack], exitCode: known.exitCode };
  }
  const text = error instanceof Error ? `${error.name}: ${error.message}` : String(error);
  const hint = debug ? [] : ['  This was not foreseen; CRM_SYNC_DEBUG=1 shows where it happened.'];
  return { lines: [`error: ${text}`, ...hint, ...stack], exitCode: 1 };
}

/** Codes of gRPC that stand for no answer at all. */
const unavailable = new Set([4, 14]);

/** What Temporal's client and the file system say, in our words; undefined for anything else. */
function failureOf(error: unknown): Failure | undefined {
  if (!(error instanceof Error)) return undefined;
  const { code, syscall, path } = error as NodeJS.ErrnoException;
  if (syscall !== undefined && path !== undefined && code !== undefined)
    return new Failure(`${path}: ${code} (${syscall})`, {
      kind: 'permanent',
      code,
      remedy: 'Check the path, its permissions and the space on its disk.',
    });
  const grpc = grpcCode(error);
  if (grpc !== undefined && unavailable.has(grpc))
    return new Failure('no answer from the Temporal server', {
      kind: 'transient',
      code: 'TEMPORAL_UNREACHABLE',
      remedy: 'Check that it is up: crm-sync doctor.',
    });
  return undefined;
}

/** The code of a failed call to Temporal, however deep; undefined if it is none. */
export function grpcCode(error: unknown): number | undefined {
  for (let at: unknown = error; at instanceof Error; at = at.cause) {
    const { code } = at as { readonly code?: unknown };
    if (typeof code === 'number') return code;
  }
  return undefined;
}
