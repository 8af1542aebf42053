import {
  allHandlersFinished,
  condition,
  continueAsNew,
  getExternalWorkflowHandle,
  setCurrentDetails,
  setDefaultSignalHandler,
  setHandler,
  workflowInfo,
} from '@temporalio/workflow';
import type { LeadSwitch } from '../src/domain/progress.ts';
import { proxies, syncName } from './activity-proxies.ts';
import { inTurn } from './in-turn.ts';
import { disableLeads, enableLeads, leads, leadsSwitched, setLeads } from './messages.ts';

/** Holds the lead switch (R16): saves it first, then tells the run in progress, if there is one. Always open. */
export async function syncControl(): Promise<void> {
  const { short } = proxies();
  let state: LeadSwitch | undefined;
  const ignored = new Set<string>();
  const show = (): void =>
    setCurrentDetails(
      [
        `Leads are ${state?.enabled === true ? 'on' : 'off'}.`,
        ...[...ignored].map((name) => `Ignored: nobody listens to the signal \`${name}\`.`),
      ].join('\n\n'),
    );

  const learn = (next: LeadSwitch): void => {
    if (state !== undefined && next.revision <= state.revision) return;
    state = next;
    show();
  };
  const turn = inTurn(async (enabled: boolean): Promise<LeadSwitch> => {
    const saved = await short.switchLeads(enabled);
    learn(saved);
    await getExternalWorkflowHandle(`${syncName()}-run`)
      .signal(leadsSwitched, saved)
      .catch(() => undefined /* no run is in progress: the next one loads what was saved */);
    return saved;
  });
  const failed = (error: unknown): void =>
    setCurrentDetails(`The switch could not be saved: ${error instanceof Error ? error.name : 'unknown error'}`);

  setHandler(enableLeads, () => turn(true).then(() => undefined, failed), { description: 'Leads take part, in a run in progress and in later ones' });
  setHandler(disableLeads, () => turn(false).then(() => undefined, failed), { description: 'Leads take no part any more' });
  setHandler(setLeads, turn, { description: 'Switches leads and answers with the new state' });
  setHandler(leadsSwitched, learn, { description: 'From a run that was signalled itself: the switch as it was saved' });
  setHandler(leads, () => state ?? { enabled: false, revision: -1 }, { description: 'The switch as it is; revision -1 before it is loaded' });
  setDefaultSignalHandler((name) => {
    ignored.add(name);
    show();
  });

  learn(await short.loadSwitch());
  await condition(() => workflowInfo().continueAsNewSuggested);
  await condition(allHandlersFinished);
  await continueAsNew<typeof syncControl>();
}
