import type { LeadSwitch } from '../src/domain/progress.ts';
import { loadLeadSwitch, saveLeadSwitch } from '../src/ledger/lead-switch.ts';
import type { Dependencies } from './dependencies.ts';
import { activity } from './edge.ts';

export function controlActivities({ database, readSettings }: Dependencies) {
  const setting = (): boolean => readSettings().settings.objects.lead.enabled;
  return {
    loadSwitch: activity(async (): Promise<LeadSwitch> => loadLeadSwitch(database, setting())),
    /** One revision on; a repeat after a lost answer makes one more, of the same state. */
    switchLeads: activity(async (enabled: boolean): Promise<LeadSwitch> => {
      const { revision } = await loadLeadSwitch(database, setting());
      return saveLeadSwitch(database, { enabled, revision: revision + 1 });
    }),
  };
}
