import { createCipheriv, createDecipheriv, randomBytes } from 'node:crypto';
import type { Payload, PayloadCodec } from '@temporalio/common';
import proto from '@temporalio/proto';
import { Failure } from '../domain/failure.ts';
import type { PayloadKey } from './keys.ts';

const encoding = 'binary/encrypted';
const cipherName = 'AES-256-GCM';
const cipher = 'aes-256-gcm';
const ivBytes = 12;
const tagBytes = 16;

const { Payload: wire } = proto.temporal.api.common.v1;
const text = (value: string): Uint8Array => Buffer.from(value, 'utf8');
const textOf = (value: Uint8Array | null | undefined): string => Buffer.from(value ?? []).toString('utf8');

/**
 * What Temporal keeps is encrypted with the first key and decrypted with the one that it names. A payload that nobody encrypted comes back as it is, so that encryption can be switched on while
 * runs are open. The data is IV, cipher text and tag; the key's id is authenticated with them.
 */
export class EncryptionCodec implements PayloadCodec {
  readonly #keys: readonly PayloadKey[];

  constructor(keys: readonly [PayloadKey, ...PayloadKey[]]) {
    this.#keys = keys;
  }

  async encode(payloads: Payload[]): Promise<Payload[]> {
    const [current] = this.#keys;
    if (current === undefined) throw new TypeError('no key to encrypt with');
    return payloads.map((payload) => encrypted(payload, current));
  }

  async decode(payloads: Payload[]): Promise<Payload[]> {
    return payloads.map((payload) => this.#decrypted(payload));
  }

  #decrypted(payload: Payload): Payload {
    if (textOf(payload.metadata?.['encoding']) !== encoding) return payload;
    const id = textOf(payload.metadata?.['encryption-key-id']);
    const known = this.#keys.find((key) => key.id === id);
    // An id that anybody may have written is not repeated in a message.
    if (known === undefined)
      throw unreadable('KEY_UNKNOWN', 'was encrypted with a key that is not among the keys', 'Add it to encryption.keys or the key file again.');
    const data = Buffer.from(payload.data ?? []);
    if (data.length < ivBytes + tagBytes) throw damaged();
    const decipher = createDecipheriv(cipher, known.key, data.subarray(0, ivBytes));
    decipher.setAAD(text(known.id));
    decipher.setAuthTag(data.subarray(-tagBytes));
    try {
      return wire.decode(Buffer.concat([decipher.update(data.subarray(ivBytes, -tagBytes)), decipher.final()]));
    } catch (error) {
      throw damaged(error);
    }
  }
}

function encrypted(payload: Payload, { id, key }: PayloadKey): Payload {
  const iv = randomBytes(ivBytes);
  const sealing = createCipheriv(cipher, key, iv);
  sealing.setAAD(text(id));
  const sealed = [sealing.update(wire.encode(payload).finish()), sealing.final()];
  return {
    metadata: { encoding: text(encoding), 'encryption-cipher': text(cipherName), 'encryption-key-id': text(id) },
    data: Buffer.concat([iv, ...sealed, sealing.getAuthTag()]),
  };
}

function damaged(cause?: unknown): Failure {
  return unreadable('PAYLOAD_DAMAGED', 'cannot be decrypted: it was changed, or the key is another one of the same id', 'Check the keys.', cause);
}

function unreadable(code: string, what: string, remedy: string, cause?: unknown): Failure {
  return new Failure(`a payload that Temporal keeps ${what}`, { kind: 'permanent', code, remedy, ...(cause === undefined ? {} : { cause }) });
}
