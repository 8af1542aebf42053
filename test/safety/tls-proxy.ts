import { once } from 'node:events';
import { connect, constants, createSecureServer } from 'node:http2';
import type { IncomingHttpHeaders } from 'node:http2';
import type { AddressInfo } from 'node:net';
import { onTestFinished } from 'vitest';
import type { Identity } from './certificates.ts';

export interface TlsProxy {
  /** `127.0.0.1:port` */
  readonly address: string;
  /** The values of `authorization` that came. */
  readonly authorizations: ReadonlySet<string>;
}

/** TLS in front of a Temporal server that has none. `clientAuthority`: who signs the certificates that clients must show; null: they need none. Ends with the test. */
export async function tlsProxy(target: string, server: Identity, clientAuthority: string | null): Promise<TlsProxy> {
  const authorizations = new Set<string>();
  const backend = connect(`http://${target}`);
  const front = createSecureServer({
    cert: server.certificate,
    key: server.key,
    ...(clientAuthority === null ? {} : { ca: clientAuthority, requestCert: true, rejectUnauthorized: true }),
  });
  front.on('session', (session) => session.on('error', () => undefined));
  front.on('stream', (stream, headers) => {
    authorizations.add(String(headers['authorization'] ?? 'none'));
    const { authorization: _taken, ...passed } = headers;
    const call = backend.request({ ...passed, ':authority': target } as IncomingHttpHeaders);
    const both = [stream, call] as const;
    for (const [one, other] of [both, both.toReversed()]) one!.on('error', () => other!.close(constants.NGHTTP2_CANCEL));
    stream.on('close', () => call.close(constants.NGHTTP2_CANCEL));
    stream.pipe(call);
    let trailers: IncomingHttpHeaders = {};
    call.on('trailers', (found: IncomingHttpHeaders) => void (trailers = found));
    call.on('response', (found, flags) => {
      if (stream.destroyed) return;
      const ends = (flags & constants.NGHTTP2_FLAG_END_STREAM) !== 0;
      stream.respond(found, { waitForTrailers: !ends, endStream: ends });
      if (!ends) call.pipe(stream);
    });
    stream.on('wantTrailers', () => stream.sendTrailers(trailers));
  });
  front.on('tlsClientError', () => undefined);
  front.listen(0, '127.0.0.1');
  await once(front, 'listening');
  onTestFinished(() => {
    backend.destroy();
    front.close();
  });
  return { address: `127.0.0.1:${(front.address() as AddressInfo).port}`, authorizations };
}
