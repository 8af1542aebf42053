/** What Salesforce calls an error: a code, a sentence, the fields concerned. */
export type RowError = { readonly statusCode: string; readonly message: string; readonly fields: readonly string[] };

/** Ends a REST request with `[{message, errorCode, fields?}]` and the HTTP status. */
export class ApiError extends Error {
  readonly status: number;
  readonly errorCode: string;
  readonly fields: readonly string[] | undefined;
  constructor(status: number, errorCode: string, message: string, fields?: readonly string[]) {
    super(message);
    this.name = 'ApiError';
    this.status = status;
    this.errorCode = errorCode;
    this.fields = fields;
  }
}

/** Ends a token request with `{error, error_description}`. */
export class OAuthError extends Error {
  readonly error: string;
  readonly status: number;
  constructor(error: string, description: string, status = 400) {
    super(description);
    this.name = 'OAuthError';
    this.error = error;
    this.status = status;
  }
}

/** Wrong arguments or a data directory that cannot be used: the message names the thing and the remedy; exit code 2, or 1 for the machine's state. */
export class StartError extends Error {
  readonly exitCode: 1 | 2;
  constructor(message: string, exitCode: 1 | 2) {
    super(message);
    this.name = 'StartError';
    this.exitCode = exitCode;
  }
}

export const notFound = (message = 'The requested resource does not exist'): ApiError => new ApiError(404, 'NOT_FOUND', message);
