/** A key of AES-256-GCM and the name under which payloads say that it was theirs. */
export interface PayloadKey {
  readonly id: string;
  readonly key: Buffer;
}

export const keyBytes = 32;

/**
 * Keys as `id=BASE64`, 32 bytes each, apart by white space or commas; what follows a `#` at the begin of a word is a comment to the line's end. The first one encrypts, all decrypt: a new key
 * goes to the front, an old one stays until nothing is kept that it encrypted. A problem continues the sentence "this value ..." and shows nothing of the value.
 */
export function readKeys(text: string): { readonly keys: readonly PayloadKey[] } | { readonly problem: string } {
  const keys: PayloadKey[] = [];
  for (const word of text
    .replaceAll(/(^|\s)#.*$/gm, ' ')
    .split(/[\s,]+/)
    .filter((each) => each !== '')) {
    const nth = `key ${keys.length + 1}`;
    const [, id, encoded] = /^([A-Za-z0-9._-]{1,64})=([A-Za-z0-9+/_-]+={0,2})$/.exec(word) ?? [];
    if (id === undefined || encoded === undefined) return { problem: `is wrong at ${nth}: it is not id=BASE64` };
    const key = Buffer.from(encoded, 'base64');
    if (key.length !== keyBytes) return { problem: `is wrong at ${nth}: it has ${key.length} bytes` };
    if (keys.some((other) => other.id === id)) return { problem: `is wrong at ${nth}: its id comes twice` };
    keys.push({ id, key });
  }
  return keys.length === 0 ? { problem: 'holds no key' } : { keys };
}
