/** One request as tests see it: `path` with the variable parts by name, no body, no query. */
export type LoggedRequest = {
  readonly n: number;
  readonly at: string;
  readonly method: string;
  readonly path: string;
  readonly url: string;
  readonly status: number;
  readonly ms: number;
  readonly rows: number;
  /** The rule of faults that struck it; its status is 0 when it got no answer. */
  readonly fault?: string;
};

/** The last requests, the oldest dropped beyond `capacity`. */
export class RequestLog {
  readonly #capacity: number;
  #entries: LoggedRequest[] = [];
  #count = 0;

  constructor(capacity = 100_000) {
    this.#capacity = capacity;
  }

  add(entry: Omit<LoggedRequest, 'n'>): void {
    this.#count += 1;
    this.#entries.push({ n: this.#count, ...entry });
    if (this.#entries.length > this.#capacity * 1.1) this.#entries = this.#entries.slice(-this.#capacity);
  }

  entries(): readonly LoggedRequest[] {
    return this.#entries;
  }

  clear(): void {
    this.#entries = [];
  }
}
