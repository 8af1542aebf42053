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
import { short, syncName } from './activity-proxies.ts';
import { disableLeads, enableLeads, leads, leadsSwitched, setLeads } from './messages.ts';

/** Holds the lead switch (R16): saves it first, then tells the run in progress, if there is one. Always open. */
export async function syncControl(): Promise<void> {
  let state: LeadSwitch | undefined;
  let busy = false;
  const ignored = new Set<string>();
  const show = (): void =>
    setCurrentDetails(
      [`Leads are ${state?.enabled === true ? 'on' : 'off'}.`, ...[...ignored].map((name) => `Ignored: nobody listens to the signal \`${name}\`.`)].join('\n\n'),
    );

  const turn = async (enabled: boolean): Promise<LeadSwitch> => {
    await condition(() => state !== undefined && !busy);
    busy = true;
    try {
      const saved = await short.switchLeads(enabled);
      state = saved;
      show();
      await getExternalWorkflowHandle(`${syncName()}-run`)
        .signal(leadsSwitched, saved)
        .catch(() => undefined /* no run is in progress: the next one loads what was saved */);
      return saved;
    } finally {
      busy = false;
    }
  };
  const failed = (error: unknown): void => setCurrentDetails(`The switch could not be saved: ${error instanceof Error ? error.name : 'unknown error'}`);

  setHandler(enableLeads, () => turn(true).then(() => undefined, failed), { description: 'Leads take part, in a run in progress and in later ones' });
  setHandler(disableLeads, () => turn(false).then(() => undefined, failed), { description: 'Leads take no part any more' });
  setHandler(setLeads, turn, { description: 'Switches leads and answers with the new state' });
  setHandler(leads, () => state ?? { enabled: false, revision: -1 }, { description: 'The switch as it is; revision -1 before it is loaded' });
  setDefaultSignalHandler((name) => {
    ignored.add(name);
    show();
  });

  state = await short.loadSwitch();
  show();
  await condition(() => workflowInfo().continueAsNewSuggested);
  await condition(allHandlersFinished);
  await continueAsNew<typeof syncControl>();
}
