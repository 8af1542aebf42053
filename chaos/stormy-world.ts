import path from 'node:path';
import { writeStackSettings } from '../src/cli/stack-settings.ts';
import { readEnvironment } from '../src/config/environment.ts';
import { startStack } from '../src/local/stack.ts';
import type { Stack } from '../src/local/stack.ts';
import { prepareGround, settle, worldOn } from './world.ts';
import type { World, WorldOptions } from './world.ts';

/** A world that can be struck: its org and its worker are processes of the embedded stack, which starts again what dies. */
export interface StormyWorld extends World {
  readonly stack: Stack;
  /** Beside that of the stack: takes over what one that is paused left undone. A repeat does nothing. */
  readonly startSecondWorker: () => Promise<void>;
  readonly secondWorker: () => Stack | undefined;
  /** Before the org's clock jumps: a process that has not heard of it for a minute would go by the old one. */
  readonly stopSecondWorker: () => Promise<void>;
}

export async function startStormyWorld(options: WorldOptions, onLine: (line: string) => void): Promise<StormyWorld> {
  const { name, base, directory } = options;
  const ground = await prepareGround(options);
  const stateDir = path.join(directory, 'state');
  const settings = {
    settingsFile: path.join(ground.data, 'crm-sync.yaml'),
    optional: false,
    defaults: { approval: 'never', name },
    connections: 'stack',
    loaded: true,
  } as const;
  const start = (): Promise<Stack> =>
    startStack({
      stateDir,
      parts: ['postgres', 'temporal', 'simulator', 'worker'],
      environment: base.environmentOf(ground.databaseName),
      dataDir: ground.data,
      beforeWorker: async (file) => {
        await writeStackSettings(stateDir, settings);
        await settle(file.salesforce?.url ?? '', options.simulator);
      },
      onLine,
    });
  // A machine that is busy with other worlds may keep a server waiting too long.
  const stack = await start().catch(start);
  let second: Stack | undefined;
  const { url = '', clientId = '', clientSecret = '' } = stack.current().salesforce ?? {};
  const world = await worldOn(ground, options, { url, credentials: { clientId, clientSecret } }, async () => {
    await second?.stop();
    await stack.stop();
  });
  return {
    ...world,
    stack,
    secondWorker: () => second,
    stopSecondWorker: async () => {
      await second?.stop();
      second = undefined;
    },
    startSecondWorker: async () => {
      second ??= await startSecondWorker(directory, stateDir, onLine);
    },
  };
}

/** Watched like the one of the stack, and by a guard of its own: nothing of it outlives this process. */
function startSecondWorker(directory: string, stateDir: string, onLine: (line: string) => void): Promise<Stack> {
  return startStack({
    stateDir: path.join(directory, 'second'),
    parts: ['worker'],
    environment: readEnvironment(),
    // It works for the other stack.
    workerArgs: ['--state', stateDir],
    onLine: (line) => onLine(`second ${line}`),
  });
}
