import type { ObjectType } from '../src/domain/objects.ts';
import type { Step, StepProgress } from '../src/domain/progress.ts';
import { nowMs } from './clock.ts';

interface Row {
  step: Step;
  object: ObjectType | 'all';
  state: StepProgress['state'];
  records: number;
  total: number | null;
  begunMs: number;
  ms: number;
}

/** The table of steps of one run: what `progress` answers and the current details show. */
export class StepTable {
  readonly #rows: Row[];
  readonly #changed: () => void;

  constructor(carried: readonly StepProgress[], changed: () => void) {
    this.#rows = carried.map((row) => ({ ...row, begunMs: 0 }));
    this.#changed = changed;
  }

  rows(): readonly StepProgress[] {
    return this.#rows.map(({ step, object, state, records, total, ms }) => ({ step, object, state, records, total, ms }));
  }

  /** Runs one step of one object, unless it was done before the workflow continued as new. */
  async run(step: Step, object: ObjectType | 'all', body: (done: (records: number, total?: number) => void) => Promise<void>): Promise<void> {
    let row = this.#rows.find((known) => known.step === step && known.object === object);
    if (row?.state === 'done') return;
    if (row === undefined) {
      row = { step, object, state: 'waiting', records: 0, total: null, begunMs: 0, ms: 0 };
      this.#rows.push(row);
    }
    const current = row;
    current.state = 'running';
    current.begunMs = nowMs() - current.ms;
    this.#changed();
    try {
      await body((records, total) => {
        current.records += records;
        if (total !== undefined) current.total = total;
        current.ms = nowMs() - current.begunMs;
        this.#changed();
      });
      current.state = 'done';
    } catch (error) {
      current.state = 'failed';
      throw error;
    } finally {
      current.ms = nowMs() - current.begunMs;
      this.#changed();
    }
  }

  /** Steps that must be done again: leads that were switched on late are a second pass. */
  again(step: Step, object: ObjectType | 'all'): void {
    const row = this.#rows.find((known) => known.step === step && known.object === object);
    if (row !== undefined) row.state = 'waiting';
  }
}
