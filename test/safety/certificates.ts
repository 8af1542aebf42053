import { generateKeyPairSync, randomBytes, sign } from 'node:crypto';
import type { KeyObject } from 'node:crypto';

/** A certificate and its key, as PEM. */
export interface Identity {
  readonly certificate: string;
  readonly key: string;
}

interface Authority extends Identity {
  readonly privateKey: KeyObject;
}

const tag = { boolean: 0x01, integer: 0x02, bits: 0x03, octets: 0x04, oid: 0x06, text: 0x0c, time: 0x18, sequence: 0x30, set: 0x31 } as const;

/** One value of DER: X.509 in the few forms that a certificate of a test needs. */
function der(tagByte: number, ...contents: readonly Uint8Array[]): Buffer {
  const content = Buffer.concat(contents);
  const { length } = content;
  const size = length < 128 ? [length] : length < 256 ? [0x81, length] : [0x82, length >> 8, length & 255];
  return Buffer.concat([Buffer.from([tagByte, ...size]), content]);
}

const ecdsaWithSha256 = der(tag.sequence, der(tag.oid, Buffer.from('2a8648ce3d040302', 'hex')));
const named = (name: string): Buffer =>
  der(tag.sequence, der(tag.set, der(tag.sequence, der(tag.oid, Buffer.from('550403', 'hex')), der(tag.text, Buffer.from(name)))));
const time = (ms: number): Buffer => der(tag.time, Buffer.from(`${new Date(ms).toISOString().replaceAll(/[-:T]|\.\d+/g, '')}`));
const extension = (oid: string, value: Buffer, critical = false): Buffer =>
  der(tag.sequence, der(tag.oid, Buffer.from(oid, 'hex')), ...(critical ? [der(tag.boolean, Buffer.from([255]))] : []), der(tag.octets, value));

const hourMs = 3_600_000;
const authorityName = 'crm-sync test authority';

function certificateOf(name: string, publicKey: KeyObject, signer: KeyObject, isAuthority: boolean): string {
  const contents = [
    der(0xa0, der(tag.integer, Buffer.from([2]))),
    der(tag.integer, Buffer.concat([Buffer.from([1]), randomBytes(8)])),
    ecdsaWithSha256,
    named(authorityName),
    der(tag.sequence, time(Date.now() - hourMs), time(Date.now() + hourMs)),
    named(name),
    publicKey.export({ type: 'spki', format: 'der' }),
    der(
      0xa3,
      der(
        tag.sequence,
        extension('551d13', der(tag.sequence, ...(isAuthority ? [der(tag.boolean, Buffer.from([255]))] : [])), true),
        // The names it is for: localhost and 127.0.0.1.
        extension('551d11', der(tag.sequence, der(0x82, Buffer.from('localhost')), der(0x87, Buffer.from([127, 0, 0, 1])))),
      ),
    ),
  ];
  const signed = der(tag.sequence, ...contents);
  const signature = sign('sha256', signed, signer);
  const whole = der(tag.sequence, signed, ecdsaWithSha256, der(tag.bits, Buffer.from([0]), signature));
  return `-----BEGIN CERTIFICATE-----\n${(whole.toString('base64').match(/.{1,64}/g) ?? []).join('\n')}\n-----END CERTIFICATE-----\n`;
}

const keyPair = () => generateKeyPairSync('ec', { namedCurve: 'P-256' });
const pem = (key: KeyObject): string => key.export({ type: 'pkcs8', format: 'pem' }).toString();

export function makeAuthority(): Authority {
  const { publicKey, privateKey } = keyPair();
  return { certificate: certificateOf(authorityName, publicKey, privateKey, true), key: pem(privateKey), privateKey };
}

/** For localhost, an hour long. */
export function identityBy(authority: Authority, name: string): Identity {
  const { publicKey, privateKey } = keyPair();
  return { certificate: certificateOf(name, publicKey, authority.privateKey, false), key: pem(privateKey) };
}
