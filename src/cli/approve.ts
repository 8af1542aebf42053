import type { Command } from 'commander';
import { planLines } from '../domain/guards.ts';
import { approve } from '../../workflows/messages.ts';
import { answer, waitingNight } from './approval.ts';
import { connect } from './connections.ts';
import { addExamples, addPlaceOptions } from './options.ts';
import type { PlaceOptions } from './options.ts';
import { print } from './output.ts';

interface ApproveOptions extends PlaceOptions {
  readonly plan?: string;
}

export function define(command: Command): void {
  command.option('--plan <digest>', 'approve only the plan with this digest, as `crm-sync status` shows it');
  addPlaceOptions(command).action(approvePlan);
  addExamples(command, 'approve', 'approve --plan 5f2b9c');
}

async function approvePlan(options: ApproveOptions): Promise<void> {
  await using sync = await connect(options);
  const client = await sync.client();
  const { night, progress } = await waitingNight(client, sync.name);
  const digest = options.plan ?? progress.planDigest ?? '';
  const handle = client.workflow.getHandle(night.workflowId, night.executionId);
  await answer(() => handle.executeUpdate(approve, { args: [digest] }));
  print(
    [`Run ${progress.run} is approved and goes on.`, `Plan ${digest}:`, ...(progress.plan === null ? [] : planLines(progress.plan))].join('\n  '),
  );
}
