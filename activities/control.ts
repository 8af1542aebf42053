import type { LeadSwitch } from '../src/domain/progress.ts';
import { loadLeadSwitch, switchLeads } from '../src/ledger/lead-switch.ts';
import type { Dependencies } from './dependencies.ts';
import { activity } from './edge.ts';

export function controlActivities({ database, readSettings }: Dependencies) {
  return {
    loadSwitch: activity(async (): Promise<LeadSwitch> => loadLeadSwitch(database, readSettings().settings.objects.lead.enabled)),
    /** One revision on; a repeat after a lost answer makes one more, of the same state. */
    switchLeads: activity(async (enabled: boolean): Promise<LeadSwitch> => switchLeads(database, enabled)),
  };
}
