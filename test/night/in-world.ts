import { replayAll } from './replay.ts';
import { startWorld } from './world.ts';
import type { World, WorldOptions } from './world.ts';

/** A test in a world of its own. At its end every history that came of it is replayed. */
export async function inWorld(options: WorldOptions, body: (world: World) => Promise<void>): Promise<void> {
  const world = await startWorld(options);
  try {
    await body(world);
    await replayAll(world);
  } finally {
    await world.stop();
  }
}
