import { CancellationScope, getExternalWorkflowHandle, setHandler } from '@temporalio/workflow';
import type { LeadSwitch } from '../src/domain/progress.ts';
import { proxies, syncName } from './activity-proxies.ts';
import { inTurn } from './in-turn.ts';
import { disableLeads, enableLeads, leadsSwitched } from './messages.ts';

/**
 * The lead switch as a run knows it (R16). Its handlers are set first, the stored switch is learnt second, and the higher revision wins: no signal
 * is lost, whenever it comes.
 */
export interface LeadsOfRun {
  /** On, as far as is known now. */
  enabled(): boolean;
  /** Whether it was turned, to and fro as well, since the last time that `settled` was called. */
  turned(): boolean;
  /** What follows goes by the switch as it is now. */
  settled(): void;
  learn(next: LeadSwitch): void;
}

/** `first`: what the run goes by until it knows more. `ignored` takes a line about a signal that had no effect. */
export function followLeads(first: boolean, ignored: (line: string) => void): LeadsOfRun {
  let known: LeadSwitch = { enabled: first, revision: -1 };
  let turned = false;
  const learn = (next: LeadSwitch): void => {
    if (next.revision <= known.revision) return;
    turned ||= next.enabled !== known.enabled;
    known = next;
  };
  const { short } = proxies();
  // Saved by the run itself: it does not end before it knows what was signalled to it. A cancelled run saves it as well, for the nights to come.
  const turn = inTurn((enabled: boolean): Promise<void> =>
    CancellationScope.nonCancellable(async () => {
      const saved = await short.switchLeads(enabled);
      learn(saved);
      await getExternalWorkflowHandle(syncName()).signal(leadsSwitched, saved);
    }).catch((error: unknown) =>
      ignored(`${enabled ? enableLeads.name : disableLeads.name} (${error instanceof Error ? error.name : 'unknown error'})`),
    ),
  );
  setHandler(leadsSwitched, learn, { description: 'From the control workflow: the switch as it was saved' });
  setHandler(enableLeads, () => turn(true), { description: 'Leads take part, in this run and in later ones' });
  setHandler(disableLeads, () => turn(false), { description: 'Leads take no part any more' });
  return {
    enabled: () => known.enabled,
    turned: () => turned,
    settled: () => {
      turned = false;
    },
    learn,
  };
}
