import { Failure } from '../domain/failure.ts';

/** Up to so many rows a window is read by REST, which is quicker to answer; beyond it by Bulk. */
export const restRowsMost = 10_000;
/** Rows of a REST page. */
export const restPageRows = 2_000;
/** Rows of a Bulk result page: what a killed worker reads again. */
export const bulkPageRows = 50_000;
/** Queries of one span that may come to nothing before the read is given up. */
export const mostTries = 3;

/** A request's address may have 16,384 bytes with its headers; a query that goes on behind a place is a little longer than the first. */
const longestQueryBytes = 14_000;

/** Whether a query can be asked by REST. */
export const fitsAddress = (soql: string): boolean => new URLSearchParams({ q: soql }).toString().length <= longestQueryBytes;

const reshapeCodes: ReadonlySet<string> = new Set(['QUERY_TIMEOUT', 'OPERATION_TOO_LARGE', 'QUERY_TOO_LARGE']);
const restartCodes: ReadonlySet<string> = new Set(['JOB_FAILED', 'JOB_GONE', 'ROWS_MISSING']);

/** The same question is to be asked in smaller parts. */
export const isReshape = (error: unknown): boolean => error instanceof Failure && reshapeCodes.has(error.code);

/** The same question may be asked once more, from its begin. */
export const isRestart = (error: unknown): boolean => error instanceof Failure && restartCodes.has(error.code);

export const isExpiredPlace = (error: unknown): boolean => error instanceof Failure && error.code === 'INVALID_QUERY_LOCATOR';

export function rowsMissing(what: string, promised: number, arrived: number): Failure {
  return new Failure(`${what} promised ${promised} rows and brought ${arrived}`, {
    kind: 'permanent',
    code: 'ROWS_MISSING',
    remedy: 'the next run reads them',
  });
}
