import type { Client } from '@temporalio/client';
import type { PayloadCodec } from '@temporalio/common';

interface Payload {
  readonly data: Uint8Array;
  readonly metadata: object;
}

const isPayload = (value: object): value is Payload => 'data' in value && 'metadata' in value && value.data instanceof Uint8Array;
const partLength = 6;
/** Random ones hold short values by chance. */
const uuids = /\b[\da-f]{8}-(?:[\da-f]{4}-){3}[\da-f]{12}\b/g;

/** Every text that Temporal keeps, with the first place of each; payloads are decrypted and decoded. */
export class KeptTexts {
  readonly texts = new Map<string, string>();
  readonly #codec: PayloadCodec | undefined;
  workflows = 0;
  events = 0;
  payloads = 0;
  largestWorkflow = { events: 0, place: '' };
  largestPayload = { bytes: 0, place: '' };

  constructor(codec?: PayloadCodec) {
    this.#codec = codec;
  }

  /** A message of Temporal, with all that is in it. */
  async add(value: unknown, place: string): Promise<void> {
    if (typeof value === 'string') this.#text(value, place);
    else if (value instanceof Uint8Array) this.#text(Buffer.from(value).toString(), place);
    else if (typeof value === 'object' && value !== null) {
      if (isPayload(value)) await this.#payload(value, place);
      for (const each of Object.values(value)) await this.add(each, place);
    }
  }

  /** Histories of all executions, and the list of them with search attributes and memos. `query`: of visibility, these alone. */
  async addServer(client: Client, query?: string): Promise<void> {
    for await (const { workflowId, runId, raw } of client.workflow.list(query === undefined ? {} : { query })) {
      this.workflows += 1;
      await this.add(raw, `the list, ${workflowId}`);
      const { events } = await client.workflow.getHandle(workflowId, runId).fetchHistory();
      const count = events?.length ?? 0;
      this.events += count;
      if (count > this.largestWorkflow.events) this.largestWorkflow = { events: count, place: workflowId };
      for (const [at, event] of (events ?? []).entries()) await this.add(event, `${workflowId} (${runId}), event ${at + 1}`);
    }
  }

  /** Where values stand: places and how many, never the values. */
  placesOf(values: ReadonlySet<string>): readonly string[] {
    const all = [...this.texts.keys()].join('\n');
    const parts = new Set<string>();
    for (let at = 0; at + partLength <= all.length; at += 1) parts.add(all.slice(at, at + partLength));
    const found = [...values].filter((value) => parts.has(value.slice(0, partLength)) && all.includes(value));
    return [...this.texts].filter(([text]) => found.some((value) => text.includes(value))).map(([, place]) => place);
  }

  async #payload(payload: Payload, place: string): Promise<void> {
    this.payloads += 1;
    if (payload.data.length > this.largestPayload.bytes) this.largestPayload = { bytes: payload.data.length, place };
    const [decrypted] = this.#codec === undefined ? [payload] : await this.#codec.decode([payload as never]);
    const text = Buffer.from(decrypted?.data ?? []).toString();
    this.#text(text, place);
    try {
      // Without the escapes of JSON.
      await this.add(JSON.parse(text), place);
    } catch {
      // No JSON: searched as it is.
    }
  }

  #text(text: string, place: string): void {
    const searched = text.replaceAll(uuids, '');
    if (!this.texts.has(searched)) this.texts.set(searched, place);
  }
}
