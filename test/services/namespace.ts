import { randomBytes } from 'node:crypto';
import { setTimeout as delay } from 'node:timers/promises';
import { Connection } from '@temporalio/client';
import { inject } from 'vitest';

export interface TestNamespace {
  /** `host:port` */
  readonly address: string;
  readonly namespace: string;
}

const patienceMs = 30_000;

/** A namespace of the file's own: workflow ids are fixed, so files that shared one would meet. Gone with the server. */
export async function testNamespace(): Promise<TestNamespace> {
  const address = inject('temporalAddress');
  const namespace = `test-${randomBytes(6).toString('hex')}`;
  const connection = await Connection.connect({ address });
  try {
    await connection.workflowService.registerNamespace({ namespace, workflowExecutionRetentionPeriod: { seconds: 24 * 60 * 60 } as never });
    // The server's parts learn of a new namespace one by one.
    const deadline = Date.now() + patienceMs;
    for (;;) {
      try {
        await connection.workflowService.listWorkflowExecutions({ namespace, pageSize: 1 });
        return { address, namespace };
      } catch (error) {
        if (Date.now() > deadline) throw error;
        await delay(50);
      }
    }
  } finally {
    await connection.close();
  }
}
