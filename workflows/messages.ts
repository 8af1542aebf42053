import { defineQuery, defineSignal, defineUpdate } from '@temporalio/workflow';
import type { QueryDefinition, SignalDefinition, UpdateDefinition } from '@temporalio/common';
import type { LeadSwitch, Progress } from '../src/domain/progress.ts';

/** R16: to `<name>` between nights and during one, or to `<name>-run`, with the same effect. */
export const enableLeads: SignalDefinition = defineSignal('enableLeads');
export const disableLeads: SignalDefinition = defineSignal('disableLeads');
/** Between `<name>` and a run in progress, from the one that saved it: what the switch is now. */
export const leadsSwitched: SignalDefinition<[LeadSwitch]> = defineSignal('leadsSwitched');
/** Answers with the new state of the switch. */
export const setLeads: UpdateDefinition<LeadSwitch, [boolean]> = defineUpdate('setLeads');
/** Of `<name>`: the switch as it is. */
export const leads: QueryDefinition<LeadSwitch> = defineQuery('settings');

export const progress: QueryDefinition<Progress> = defineQuery('progress');
/** Takes the plan's digest: something else than what was shown cannot be approved. */
export const approve: UpdateDefinition<void, [string]> = defineUpdate('approve');
export const reject: UpdateDefinition<void, []> = defineUpdate('reject');
