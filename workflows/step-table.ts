import type { ObjectType } from '../src/domain/objects.ts';
import type { Step, StepProgress } from '../src/domain/progress.ts';
import { nowMs } from './clock.ts';

interface Row {
  readonly step: Step;
  readonly object: ObjectType | 'all';
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
  #stepsDoneHere = 0;

  constructor(carried: readonly StepProgress[], changed: () => void) {
    this.#rows = carried.map((row) => ({ ...row, begunMs: 0 }));
    this.#changed = changed;
  }

  rows(): readonly StepProgress[] {
    return this.#rows.map(({ step, object, state, records, total, ms }) => ({ step, object, state, records, total, ms }));
  }

  /** A step was done in this execution of the workflow, not only in those it continues. */
  gotOn(): boolean {
    return this.#stepsDoneHere > 0;
  }

  /** Whether a step of one object has come to its end, good or bad. */
  ended(step: Step, object: ObjectType): boolean {
    return this.#rows.some((row) => row.step === step && row.object === object && hasEnded(row));
  }

  /** Runs one step; that of one object only if it has not ended yet: the workflow may have continued as new since. A step over all of them can come again. */
  async run(step: Step, object: ObjectType | 'all', body: (done: (records: number, total?: number) => void) => Promise<void>): Promise<void> {
    let row = this.#rows.find((known) => known.step === step && known.object === object);
    if (row !== undefined && object !== 'all' && hasEnded(row)) return;
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
      this.#stepsDoneHere += 1;
    } catch (error) {
      current.state = 'failed';
      throw error;
    } finally {
      current.ms = nowMs() - current.begunMs;
      this.#changed();
    }
  }

  /** What these steps found is forgotten: they are done anew, and count anew. */
  forget(steps: readonly Step[], objects: readonly ObjectType[]): void {
    for (const row of this.#rows)
      if (row.object !== 'all' && objects.includes(row.object) && steps.includes(row.step))
        Object.assign(row, { state: 'waiting', records: 0, total: null });
    this.#changed();
  }
}

function hasEnded({ state }: Row): boolean {
  return state === 'done' || state === 'failed';
}
