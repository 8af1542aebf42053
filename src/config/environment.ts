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
  /** The version of a worker (`TEMPORAL_WORKER_BUILD_ID`, `TEMPORAL_DEPLOYMENT_NAME`); undefined: workers have none, any of them takes any run. */
  readonly workerVersion: { readonly buildId: string; readonly deploymentName: string | undefined } | undefined;
  readonly variables: Variables;
}

export function readEnvironment(env: NodeJS.ProcessEnv = process.env): Environment {
  const buildId = env['TEMPORAL_WORKER_BUILD_ID'] || undefined;
  return {
    ...localEnvironment(env),
    workerVersion: buildId === undefined ? undefined : { buildId, deploymentName: env['TEMPORAL_DEPLOYMENT_NAME'] || undefined },
    workflowBundle: env['CRM_SYNC_WORKFLOW_BUNDLE'] || undefined,
    isCi: Boolean(env['CI']) && env['CI'] !== 'false',
    variables: env,
  };
}
