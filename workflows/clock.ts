/** Milliseconds of the current workflow task: the sandbox's own Date, the same in every replay. */
export function nowMs(): number {
  // oxlint-disable-next-line no-restricted-globals -- the sandbox replaces it; nothing else in workflows may use it
  return Date.now();
}

export function isoOf(ms: number): string {
  // oxlint-disable-next-line no-restricted-globals -- a pure conversion
  return new Date(ms).toISOString();
}
