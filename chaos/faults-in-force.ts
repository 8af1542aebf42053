import { setTimeout as delay } from 'node:timers/promises';
import type { Fault } from '../simulator/src/faults.ts';

export interface Rule {
  readonly name: string;
  readonly path: string;
  readonly method?: string;
  readonly at: number;
  readonly count: number | 'always';
  readonly fault: Fault;
}

interface Shown {
  readonly rules: readonly { readonly name: string; readonly matched: number; readonly struck: number }[];
}

const patienceMs = 60_000;

/** The rules of a night. Those of a simulator that was killed are put again into the next one: what struck is counted, what matched is not waited for anew. */
export class FaultsInForce {
  readonly #url: string;
  readonly #rules: readonly Rule[];
  /** By processes that are gone. */
  readonly #before = new Map<string, { matched: number; struck: number }>();
  #now: Shown['rules'] = [];

  constructor(url: string, rules: readonly Rule[]) {
    this.#url = `${url}/__simulator/faults`;
    this.#rules = rules;
  }

  async begin(): Promise<void> {
    const rules = this.#rules.flatMap(({ name, ...rule }) => {
      const { matched, struck } = this.#before.get(name) ?? { matched: 0, struck: 0 };
      const count = rule.count === 'always' ? rule.count : rule.count - struck;
      return count === 'always' || count > 0 ? [{ ...rule, name, at: Math.max(1, rule.at - matched), count }] : [];
    });
    await this.#call('PUT', { rules });
    this.#now = [];
  }

  /** Looks how often each struck. What does not answer has not struck since. */
  async look(): Promise<void> {
    try {
      const answer = await fetch(this.#url, { signal: AbortSignal.timeout(1_000) });
      if (answer.ok) this.#now = ((await answer.json()) as Shown).rules;
    } catch {
      // It is dead or paused.
    }
  }

  struck(name: string): number {
    return (this.#before.get(name)?.struck ?? 0) + (this.#now.find((rule) => rule.name === name)?.struck ?? 0);
  }

  /** Before the simulator is killed, and once it has been started again. */
  remember(): void {
    for (const { name, matched, struck } of this.#now) {
      const before = this.#before.get(name) ?? { matched: 0, struck: 0 };
      this.#before.set(name, { matched: before.matched + matched, struck: before.struck + struck });
    }
    this.#now = [];
  }

  async end(): Promise<void> {
    await this.look();
    this.remember();
    await this.#call('DELETE');
  }

  async #call(method: string, body?: object): Promise<void> {
    const deadline = Date.now() + patienceMs;
    for (;;) {
      try {
        const answer = await fetch(this.#url, { method, ...(body === undefined ? {} : { body: JSON.stringify(body) }) });
        if (!answer.ok) throw new Error(`the simulator refused its faults: ${await answer.text()}`);
        return;
      } catch (error) {
        if (!(error instanceof TypeError) || Date.now() > deadline) throw error;
        await delay(100);
      }
    }
  }
}
