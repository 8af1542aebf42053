import type { NativeConnectionOptions } from '@temporalio/worker';
import { usageFailure } from '../domain/failure.ts';

export interface TemporalPlace {
  readonly connection: NativeConnectionOptions;
  readonly namespace: string;
}

/** The Temporal server that the environment names (`TEMPORAL_*`, or the file of `TEMPORAL_CONFIG_FILE`), with TLS and API key. @throws Failure `USAGE` */
export async function temporalOfEnvironment(): Promise<TemporalPlace> {
  const { loadClientConnectConfig } = await import('@temporalio/envconfig');
  try {
    const { connectionOptions, namespace } = loadClientConnectConfig({ configFileStrict: true });
    return { connection: connectionOptions, namespace: namespace ?? 'default' };
  } catch (error) {
    throw usageFailure(
      `the configuration of the Temporal client cannot be read: ${error instanceof Error ? error.message : String(error)}`,
      'Correct the file that TEMPORAL_CONFIG_FILE names, or the variables TEMPORAL_*.',
    );
  }
}
