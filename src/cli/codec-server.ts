import { once } from 'node:events';
import type { AddressInfo } from 'node:net';
import type { Command } from 'commander';
import { usageFailure, Failure } from '../domain/failure.ts';
import { createCodecServer } from '../encryption/codec-server.ts';
import { codecOf } from '../encryption/data-converter.ts';
import { connect } from './connections.ts';
import { addExamples, addPlaceOptions, wholeNumber } from './options.ts';
import type { PlaceOptions } from './options.ts';
import { note, print } from './output.ts';
import { aborted, endingSignal } from './signals.ts';

interface CodecServerOptions extends PlaceOptions {
  readonly port: number;
  readonly host: string;
  readonly uiOrigin?: readonly string[];
}

/** Where the web UI of a development server is. */
const usualOrigins = ['http://localhost:8233', 'http://127.0.0.1:8233'] as const;
const loopbackHosts: readonly string[] = ['127.0.0.1', '::1', 'localhost'];

export function define(command: Command): void {
  addPlaceOptions(command)
    .option('--port <n>', 'the port; 0 takes a free one', wholeNumber(0, 65_535), 8888)
    .option('--host <address>', 'listen there; whoever reaches it reads what Temporal keeps', '127.0.0.1')
    .option('--ui-origin <url...>', `pages that may call it from a browser (default: the stack's web UI, else ${usualOrigins[0]})`)
    .action(serve);
  addExamples(command, 'codec-server', 'codec-server --config crm-sync.yaml --ui-origin https://temporal.example.com');
  command.addHelpText(
    'after',
    '\nDecrypts for the web UI (its settings, "Codec Server") and the Temporal CLI (--codec-endpoint http://127.0.0.1:8888) what encryption.keys or encryption.keyFile encrypts.\nPrints {"url":...} when it answers; ends on Ctrl-C.',
  );
}

async function serve(options: CodecServerOptions): Promise<void> {
  const signal = endingSignal();
  await using sync = await connect(options);
  const codec = codecOf(sync.settings.encryption);
  if (codec === undefined)
    throw usageFailure(
      `${sync.loaded.place}: encryption.keys and encryption.keyFile are not set: nothing is encrypted`,
      'Set one of them, or do without a codec server.',
    );
  const loopback = loopbackHosts.includes(options.host);
  if (!loopback) note(`warning: whoever reaches ${options.host} reads what Temporal keeps; put something that asks who they are in front of it`);
  const server = createCodecServer({ codec, origins: options.uiOrigin ?? originsOf(sync.stack?.temporal?.ui), loopback, onFailure });
  try {
    server.listen(options.port, options.host);
    await once(server, 'listening');
  } catch (error) {
    const { code } = error as NodeJS.ErrnoException;
    throw new Failure(`cannot listen on ${options.host}:${options.port} (${code ?? 'no cause given'})`, {
      kind: 'permanent',
      code: 'LISTEN',
      remedy: 'Choose another one with --port or --host.',
    });
  }
  const { address, port, family } = server.address() as AddressInfo;
  print(JSON.stringify({ url: `http://${family === 'IPv6' ? `[${address}]` : address}:${port}` }));
  await aborted(signal);
  server.close();
  server.closeAllConnections();
}

/** Without the message, which may hold values. */
function onFailure(error: unknown): void {
  note(`a request got no answer (${error instanceof Error ? error.name : typeof error})`);
}

/** A browser's origin is the name that was typed. */
function originsOf(ui: string | undefined): readonly string[] {
  if (ui === undefined) return usualOrigins;
  const { port } = new URL(ui);
  return [new URL(ui).origin, `http://localhost:${port}`, `http://127.0.0.1:${port}`];
}
