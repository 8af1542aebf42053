import { Failure } from '../domain/failure.ts';
import { errorTable, generalRemedy, kindOfClass, ruleOf } from './errorTable.ts';
import type { ErrorCode } from './errorTable.ts';
import type { RowError } from './side.ts';

/** A Failure for one of the table's codes. `doing` names the call: `reading a page of the query of Contact`. */
export function failureOf(code: string, doing: string, detail: { readonly cause?: unknown; readonly httpStatus?: number } = {}): Failure {
  const rule = ruleOf(code);
  const kind = kindOfClass[rule.class];
  const remedy = rule.remedy ?? (kind === 'permanent' ? generalRemedy : undefined);
  const status = detail.httpStatus === undefined ? '' : `, HTTP ${detail.httpStatus}`;
  return new Failure(`Salesforce, ${doing}: ${rule.says} (${code}${status}).`, {
    kind,
    code,
    ...(remedy === undefined ? {} : { remedy }),
    ...(rule.retryAfterMs === undefined ? {} : { retryAfterMs: rule.retryAfterMs }),
    ...(rule.mostTries === undefined ? {} : { mostTries: rule.mostTries }),
    ...(detail.cause === undefined ? {} : { cause: detail.cause }),
  });
}

interface ApiError {
  readonly code: string;
  readonly message: string;
}

const codePattern = /^[A-Za-z][A-Za-z0-9_]{2,79}$/;

/** Code and message of an error body: `[{errorCode, message}]` of the API, `{error, error_description}` of OAuth. Null for anything else. */
function readApiError(body: string): ApiError | null {
  let parsed: unknown;
  try {
    parsed = JSON.parse(body);
  } catch {
    return null; // HTML or an empty body: then the status decides
  }
  const first: unknown = Array.isArray(parsed) ? parsed[0] : parsed;
  if (typeof first !== 'object' || first === null) return null;
  const { errorCode, message, error, error_description: description } = first as Record<string, unknown>;
  const code = errorCode ?? error;
  if (typeof code !== 'string' || !codePattern.test(code)) return null;
  const text = message ?? description;
  return { code, message: typeof text === 'string' ? text : '' };
}

function codeOfStatus(httpStatus: number): ErrorCode {
  if (httpStatus === 300) return 'MULTIPLE_CHOICES';
  if (httpStatus < 400) return 'REDIRECTED';
  if (httpStatus === 401) return 'SESSION_REFUSED';
  if (httpStatus === 403) return 'INSUFFICIENT_ACCESS';
  if (httpStatus === 404 || httpStatus === 410) return 'NOT_FOUND';
  if (httpStatus === 412) return 'PRECONDITION_FAILED';
  if (httpStatus === 420 || httpStatus === 429) return 'TOO_MANY_REQUESTS';
  if (httpStatus >= 502) return 'SERVER_UNAVAILABLE';
  if (httpStatus >= 500) return 'UNKNOWN_EXCEPTION';
  return 'NOT_JSON';
}

const webPage = /^\s*</;

function codeOfAnswer(httpStatus: number, body: string): string {
  const error = readApiError(body);
  if (httpStatus === 409) return 'API_VERSION_MISMATCH';
  if (error === null) {
    // a proxy's page that says "not found" must not pass for a record or job that is gone
    const proxy = webPage.test(body) && httpStatus >= 402 && httpStatus < 500 && httpStatus !== 420 && httpStatus !== 429;
    return proxy ? 'NOT_JSON' : codeOfStatus(httpStatus);
  }
  if (error.code === 'REQUEST_LIMIT_EXCEEDED') return /concurrent/i.test(error.message) ? 'TOO_MANY_CONCURRENT' : 'DAILY_REQUESTS_USED_UP';
  if (error.code === 'INVALID_SESSION_ID') return 'SESSION_REFUSED';
  if (Object.hasOwn(errorTable, error.code)) return error.code;
  return httpStatus >= 500 || httpStatus === 420 || httpStatus === 429 ? codeOfStatus(httpStatus) : error.code;
}

/**
 * The Failure for an answer with an error status. Of the body only the code is kept: messages quote queries, values and addresses.
 * A 401 that comes here is one that outlived the renewal of its session.
 */
export function failureFrom(httpStatus: number, body: string, doing: string): Failure {
  return failureOf(codeOfAnswer(httpStatus, body), doing, { httpStatus });
}

/** The Failure for a login that was refused. An unknown code of OAuth's is a refusal all the same. */
export function loginFailureFrom(httpStatus: number, body: string, loginUrl: string): Failure {
  const doing = `login at ${loginUrl}`;
  const error = readApiError(body);
  if (error !== null && /rate exceeded/i.test(error.message)) return failureOf('TOO_MANY_REQUESTS', doing, { httpStatus });
  if (error !== null && Object.hasOwn(errorTable, error.code)) return failureOf(error.code, doing, { httpStatus });
  if (httpStatus >= 500 || httpStatus === 420 || httpStatus === 429 || httpStatus < 400)
    return failureOf(codeOfStatus(httpStatus), doing, { httpStatus });
  return failureOf(error === null ? 'NOT_JSON' : 'LOGIN_REFUSED', doing, { httpStatus });
}

const lostCodes: ReadonlySet<string> = new Set([
  'UND_ERR_SOCKET',
  'UND_ERR_RES_CONTENT_LENGTH_MISMATCH',
  'UND_ERR_RESPONSE',
  'UND_ERR_ABORTED',
  'UND_ERR_DESTROYED',
  'ECONNRESET',
  'EPIPE',
  'ERR_STREAM_PREMATURE_CLOSE',
  'UND_ERR_INFO',
  'UND_ERR_HEADERS_OVERFLOW',
]);
const unreachableCodes: ReadonlySet<string> = new Set([
  'ECONNREFUSED',
  'ENOTFOUND',
  'EAI_AGAIN',
  'EHOSTUNREACH',
  'ENETUNREACH',
  'ENETDOWN',
  'EHOSTDOWN',
  'UND_ERR_CONNECT_TIMEOUT',
  'EADDRNOTAVAIL',
]);
const certificateCode = /^CERT_|^ERR_TLS_CERT|SELF_SIGNED|^UNABLE_TO_/;
const lateCodes: ReadonlySet<string> = new Set(['UND_ERR_HEADERS_TIMEOUT', 'UND_ERR_BODY_TIMEOUT', 'ETIMEDOUT']);

/** Turns what the network threw into a transient Failure; anything else comes back as it is: a bug keeps its stack. */
export function networkFailure(thrown: unknown, doing: string): unknown {
  for (let error = thrown; error instanceof Error && !(error instanceof Failure); error = error.cause) {
    const code = String((error as NodeJS.ErrnoException).code ?? '');
    const ours = unreachableCodes.has(code)
      ? 'UNREACHABLE'
      : lateCodes.has(code)
        ? 'TIMED_OUT'
        : lostCodes.has(code) || code.startsWith('HPE_') || code.startsWith('Z_') || error.name === 'HTTPParserError'
          ? 'CONNECTION_LOST'
          : null;
    if (ours !== null) return failureOf(ours, doing, { cause: thrown });
    if (certificateCode.test(code)) return failureOf('CERTIFICATE_REFUSED', doing, { cause: thrown });
    if (code.startsWith('ERR_TLS') || code.startsWith('ERR_SSL')) return failureOf('UNREACHABLE', doing, { cause: thrown });
  }
  return thrown;
}

/**
 * Why a row was refused, without what Salesforce says about it: its text can hold the value.
 * A lock inside a trigger's error is a lock.
 */
export function rowError(statusCode: string, salesforceMessage: string, fields: readonly string[]): RowError {
  const known = codePattern.test(statusCode) ? statusCode : 'UNKNOWN_EXCEPTION';
  const code = salesforceMessage.includes('UNABLE_TO_LOCK_ROW') ? 'UNABLE_TO_LOCK_ROW' : known;
  return { code, message: ruleOf(code).says, fields: fields.filter((field) => codePattern.test(field)) };
}
