import { readdirSync, readFileSync } from 'node:fs';
import path from 'node:path';
import { historyFromJSON } from '@temporalio/common/lib/proto-utils.js';

type History = ReturnType<typeof historyFromJSON>;

/** One workflow execution of a night, as it is kept in a file. */
export interface KeptExecution {
  readonly workflowId: string;
  /** As `temporal workflow show --output json` has it. */
  readonly history: unknown;
}

export interface GoldenNight {
  /** `0.1.0/first-night` */
  readonly name: string;
  readonly executions: readonly { readonly workflowId: string; readonly history: History }[];
}

/** Every night of every version that is kept. */
export function goldenNights(): readonly GoldenNight[] {
  const folders = readdirSync(import.meta.dirname, { withFileTypes: true }).filter((entry) => entry.isDirectory());
  return folders.flatMap(({ name: version }) =>
    readdirSync(path.join(import.meta.dirname, version))
      .filter((file) => file.endsWith('.json'))
      .map((file) => {
        const kept = JSON.parse(readFileSync(path.join(import.meta.dirname, version, file), 'utf8')) as readonly KeptExecution[];
        return {
          name: `${version}/${path.basename(file, '.json')}`,
          executions: kept.map(({ workflowId, history }) => ({ workflowId, history: historyFromJSON(history) })),
        };
      }),
  );
}
