import { localEnvironment } from './local.ts';
import type { LocalEnvironment } from './local.ts';

/** The names and values that `${NAME}` in the settings may take. */
export type Variables = Readonly<Record<string, string | undefined>>;

/** Everything that the environment says; nothing else in `src` reads it. */
export interface Environment extends LocalEnvironment {
  /** File of a workflow bundle built before (`CRM_SYNC_WORKFLOW_BUNDLE`); undefined: the worker bundles at its start. */
  readonly workflowBundle: string | undefined;
  /** `CI` is set to something that is not `false`: no progress bars, no colours. */
  readonly isCi: boolean;
  readonly variables: Variables;
}

export function readEnvironment(env: NodeJS.ProcessEnv = process.env): Environment {
  return {
    ...localEnvironment(env),
    workflowBundle: env['CRM_SYNC_WORKFLOW_BUNDLE'] || undefined,
    isCi: Boolean(env['CI']) && env['CI'] !== 'false',
    variables: env,
  };
}
