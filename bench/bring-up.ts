import { mkdir, writeFile } from 'node:fs/promises';
import path from 'node:path';
import { bundleWorkflowCode } from '@temporalio/worker';
import { loadProfiles } from '../src/cli/demo-data.ts';
import { writeStackSettings } from '../src/cli/stack-settings.ts';
import { readEnvironment } from '../src/config/environment.ts';
import { startStack } from '../src/local/stack.ts';
import type { Stack } from '../src/local/stack.ts';
import { writePersonalizationFor } from '../sample/personalizationFor.ts';
import { seconds } from './table.ts';

/** A synthetic org and the store that goes with it. */
export interface BenchSide {
  readonly contacts: number;
  readonly seed: number;
}

/** Starts the whole stack on an empty directory, both sides filled. Guards and approval do not stop a night. */
export async function bringUp(stateDir: string, { contacts, seed }: BenchSide): Promise<Stack> {
  const data = path.join(stateDir, 'data');
  await mkdir(data);
  await writePersonalizationFor({ contacts, seed, leads: false }, data);
  // The shape of production: a worker that loads a bundle made before.
  const bundle = path.join(stateDir, 'workflow-bundle.js');
  const { code } = await bundleWorkflowCode({ workflowsPath: path.join(import.meta.dirname, '../workflows/index.ts'), logger: quiet });
  await writeFile(bundle, code);
  process.env['CRM_SYNC_WORKFLOW_BUNDLE'] = bundle;
  const settings = {
    settingsFile: path.join(data, 'crm-sync.yaml'),
    optional: false,
    defaults: { approval: 'never' },
    connections: 'stack',
    loaded: false,
  } as const;
  const begun = performance.now();
  const stack = await startStack({
    stateDir,
    parts: ['postgres', 'temporal', 'simulator', 'worker'],
    environment: readEnvironment(),
    synthetic: { contacts, seed },
    beforeWorker: async (file) => {
      await writeStackSettings(stateDir, settings);
      await loadProfiles(file, data, false);
      await writeStackSettings(stateDir, { ...settings, loaded: true });
    },
    onLine: (line) => void process.stderr.write(`${line}\n`),
  });
  process.stderr.write(`stack and data after ${seconds((performance.now() - begun) / 1000)} s\n`);
  return stack;
}

const silent = (): void => undefined;
const quiet = { log: silent, trace: silent, debug: silent, info: silent, warn: silent, error: silent };
