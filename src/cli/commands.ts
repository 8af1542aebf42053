import type { Command } from 'commander';

/** A file of a command: gives its arguments, options and what it does. */
export interface CommandModule {
  readonly define: (command: Command) => void;
}

interface CommandEntry {
  readonly summary: string;
  /** Loaded only when the command, or its help, is asked for. */
  readonly load: () => Promise<CommandModule>;
}

/** Every command, in the order of the help. */
export const commands = {
  demo: { summary: 'bring up everything on this machine and run one night over sample data or your own exports', load: () => import('./demo.ts') },
  up: { summary: 'bring up the embedded stack and a worker for a configuration', load: () => import('./up.ts') },
  worker: { summary: 'run one worker, for production', load: () => import('./worker.ts') },
  init: { summary: 'write a commented crm-sync.yaml', load: () => import('./init.ts') },
  doctor: { summary: 'check settings, connections, fields, permissions and limits', load: () => import('./doctor.ts') },
  schedule: { summary: 'make, show, pause, resume or trigger the nightly Schedule', load: () => import('./schedule.ts') },
  run: { summary: 'start one night by hand', load: () => import('./run.ts') },
  status: { summary: 'show the run in progress', load: () => import('./status.ts') },
  runs: { summary: 'list runs', load: () => import('./runs.ts') },
  report: { summary: 'show the report of a finished run', load: () => import('./report.ts') },
  records: { summary: 'list what became of each CRM record of a run', load: () => import('./records.ts') },
  intents: { summary: 'list every write of a run and its outcome', load: () => import('./intents.ts') },
  rejects: { summary: 'list the writes of a run that were refused', load: () => import('./rejects.ts') },
  leads: { summary: 'switch leads on or off, or show the switch', load: () => import('./leads.ts') },
  approve: { summary: 'let a run that waits for approval go on', load: () => import('./approve.ts') },
  reject: { summary: 'end a run that waits for approval; nothing is written', load: () => import('./reject.ts') },
  review: { summary: 'settle ambiguous matches: list, pin, block, unlink', load: () => import('./review.ts') },
  explain: { summary: 'tell everything known of one record or person', load: () => import('./explain.ts') },
  links: { summary: 'end links in bulk; save and restore links, pins and blocks', load: () => import('./links.ts') },
  mirror: { summary: 'rebuild the mirror: the next run reads everything anew', load: () => import('./mirror.ts') },
  personalization: { summary: 'import, export or delete profiles of the profile store', load: () => import('./personalization.ts') },
  'codec-server': {
    summary: 'decrypt what Temporal keeps for its web UI and command line',
    load: () => import('./codec-server.ts'),
  },
  simulator: { summary: 'run the Salesforce stand-in on its own', load: () => import('./simulator.ts') },
} as const satisfies Record<string, CommandEntry>;
