import path from 'node:path';
import { readEnvironment } from '../src/config/environment.ts';
import type { Environment } from '../src/config/environment.ts';
import { startStack } from '../src/local/stack.ts';
import type { StackFile } from '../src/local/stack-file.ts';

/** A PostgreSQL and a Temporal server that outlive the worlds that live on them, watched by the embedded stack: what is killed comes back on its port. */
export interface Base {
  readonly stateDir: string;
  readonly current: () => StackFile;
  /** The environment of a stack that uses these two servers instead of its own. `database`: its own one. */
  readonly environmentOf: (database: string) => Environment;
  readonly databaseUrl: (database: string) => string;
  readonly stop: () => Promise<void>;
}

export async function startBase(stateDir: string, onLine: (line: string) => void): Promise<Base> {
  const environment = { ...readEnvironment(), temporalAddress: undefined, temporalNamespace: 'default', databaseUrl: undefined };
  const stack = await startStack({ stateDir: path.resolve(stateDir), parts: ['postgres', 'temporal'], environment, onLine });
  const databaseUrl = (database: string): string => {
    const url = new URL(stack.current().mirror?.url ?? '');
    url.pathname = `/${database}`;
    return url.href;
  };
  return {
    stateDir,
    current: stack.current,
    databaseUrl,
    environmentOf: (database) => ({ ...environment, temporalAddress: stack.current().temporal?.address, databaseUrl: databaseUrl(database) }),
    stop: stack.stop,
  };
}
