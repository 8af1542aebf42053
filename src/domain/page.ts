/**
 * One page of a read of either side: CSV bytes (RFC 4180, UTF-8, LF or CRLF) that begin with a header row,
 * piped into COPY as they are. An unquoted empty cell is null.
 */
export interface CsvPage {
  readonly csv: AsyncIterable<Uint8Array>;
}
