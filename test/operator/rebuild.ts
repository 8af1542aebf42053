import { schemaNames } from '../../src/config/settings.ts';
import { keepRunsOut } from '../../src/ledger/between-runs.ts';
import { forgetRuns, rebuildMirror } from '../../src/mirror/rebuild.ts';
import type { World } from '../night/world.ts';

/** What `mirror rebuild` does; refused while a run is in progress. */
export async function rebuild(world: World): Promise<void> {
  const { mirror } = schemaNames(world.name);
  await world.database.transaction(async (tx) => {
    await keepRunsOut(tx, 'mirror rebuild', undefined);
    await forgetRuns(world.database, mirror);
    await rebuildMirror(tx, mirror);
  });
}
