import { readFileSync } from 'node:fs';
import type { DataConverter } from '@temporalio/common';
import type { Settings } from '../config/settings.ts';
import { usageFailure } from '../domain/failure.ts';
import { readKeys } from './keys.ts';
import type { PayloadKey } from './keys.ts';
import { EncryptionCodec } from './payload-codec.ts';

/** What every worker and client is made with; empty where nothing is encrypted. @throws Failure with exit code 2: the keys cannot be read */
export function dataConverterOf({ encryption }: Pick<Settings, 'encryption'>): { readonly dataConverter?: DataConverter } {
  const codec = codecOf(encryption);
  return codec === undefined ? {} : { dataConverter: { payloadCodecs: [codec] } };
}

/** Undefined where the settings name no key. */
export function codecOf(encryption: Settings['encryption']): EncryptionCodec | undefined {
  const [first, ...others] = keysOf(encryption);
  return first === undefined ? undefined : new EncryptionCodec([first, ...others]);
}

/** The first encrypts. @throws Failure with exit code 2 */
export function keysOf({ keys, keyFile }: Settings['encryption']): readonly PayloadKey[] {
  const all = [
    ...(keys === undefined ? [] : keysIn(keys, 'encryption.keys')),
    ...(keyFile === undefined ? [] : keysIn(textOf(keyFile), `encryption.keyFile: ${keyFile}`)),
  ];
  if (new Set(all.map(({ id }) => id)).size < all.length)
    throw usageFailure('encryption.keys and encryption.keyFile name one key id twice', 'Give each key an id of its own.');
  return all;
}

function textOf(keyFile: string): string {
  try {
    return readFileSync(keyFile, 'utf8');
  } catch (error) {
    const { code } = error as NodeJS.ErrnoException;
    throw usageFailure(`encryption.keyFile: ${keyFile} cannot be read (${code ?? 'no cause given'})`, 'Check the path and its permissions.');
  }
}

function keysIn(text: string, place: string): readonly PayloadKey[] {
  const read = readKeys(text);
  if ('problem' in read)
    throw usageFailure(`${place}: the value ${read.problem}`, 'Each key is id=BASE64 of 32 bytes: `openssl rand -base64 32` makes one.');
  return read.keys;
}
