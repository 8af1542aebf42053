import { execFile } from 'node:child_process';
import { randomBytes } from 'node:crypto';
import { once } from 'node:events';
import type { AddressInfo } from 'node:net';
import path from 'node:path';
import { promisify } from 'node:util';
import { expect, inject, test } from 'vitest';
import { createCodecServer } from '../../src/encryption/codec-server.ts';
import { codecOf } from '../../src/encryption/data-converter.ts';
import { inWorld } from '../night/in-world.ts';
import { executionsOf } from '../night/replay.ts';
import { testNamespace } from '../services/namespace.ts';

const run = promisify(execFile);

/** How each payload of a message is encoded; search attributes are the server's to read. */
function encodingsOf(value: unknown, found: Set<string>): void {
  if (typeof value !== 'object' || value === null || value instanceof Uint8Array) return;
  const { metadata, data } = value as { metadata?: Record<string, Uint8Array>; data?: unknown };
  if (data instanceof Uint8Array && metadata?.['encoding'] !== undefined) found.add(Buffer.from(metadata['encoding']).toString());
  for (const [name, each] of Object.entries(value)) if (name !== 'searchAttributes') encodingsOf(each, found);
}

interface ShownHistory {
  readonly events: readonly {
    readonly workflowExecutionStartedEventAttributes?: { readonly input: { readonly payloads: readonly { readonly data: string }[] } };
  }[];
}

/** The bytes of what a workflow was started with. */
function inputOf(shown: string): string {
  const { events } = JSON.parse(shown) as ShownHistory;
  return Buffer.from(events[0]?.workflowExecutionStartedEventAttributes?.input.payloads[0]?.data ?? '', 'base64').toString('latin1');
}

test('with keys a night leaves nothing that can be read in Temporal, and the codec server makes it readable', async () => {
  const keys = `k1=${randomBytes(32).toString('base64')}`;
  const data = path.join(import.meta.dirname, '../night/small');
  await inWorld({ data, temporal: await testNamespace(), overrides: { 'encryption.keys': keys } }, async (world) => {
    await world.setLeads(true);
    const { run: name } = await world.night();
    const { report } = await world.files(name);
    expect(report.status).toBe('success');
    const encodings = new Set<string>();
    for (const { history } of await executionsOf(world)) encodingsOf(history, encodings);
    expect([...encodings]).toEqual(['binary/encrypted']);

    const codec = codecOf({ keys, keyFile: undefined });
    if (codec === undefined) throw new Error('no codec');
    const server = createCodecServer({
      codec,
      origins: [],
      loopback: true,
      onFailure: (error) => {
        throw error;
      },
    });
    server.listen(0, '127.0.0.1');
    await once(server, 'listening');
    try {
      const { port } = server.address() as AddressInfo;
      const show = async (...more: readonly string[]): Promise<string> => {
        const { address, namespace } = world.temporal;
        const args = ['workflow', 'show', '-w', `${world.name}-run`, '--address', address, '-n', namespace, '-o', 'json', ...more];
        return (await run(inject('temporalCli'), args)).stdout;
      };
      expect(inputOf(await show())).not.toContain('atGate');
      expect(inputOf(await show('--codec-endpoint', `http://127.0.0.1:${port}`))).toContain('"atGate":"wait"');
    } finally {
      server.close();
      server.closeAllConnections();
    }
  });
});
