import type { Command } from 'commander';
import { reject } from '../../workflows/messages.ts';
import { answer, waitingNight } from './approval.ts';
import { connect } from './connections.ts';
import { addExamples, addPlaceOptions } from './options.ts';
import type { PlaceOptions } from './options.ts';
import { print } from './output.ts';

export function define(command: Command): void {
  addPlaceOptions(command).action(rejectPlan);
  addExamples(command, 'reject');
}

async function rejectPlan(options: PlaceOptions): Promise<void> {
  await using sync = await connect(options);
  const client = await sync.client();
  const { night, progress } = await waitingNight(client, sync.name);
  const handle = client.workflow.getHandle(night.workflowId, night.executionId);
  await answer(() => handle.executeUpdate(reject));
  print(`run ${progress.run} is rejected: nothing is written`);
}
