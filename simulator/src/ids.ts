/** Salesforce ids: 15 case-sensitive characters, or 18 with three that carry the case of the others. */

const digits = '0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz';
const checksumAlphabet = 'ABCDEFGHIJKLMNOPQRSTUVWXYZ012345';

/** The three characters after the first 15: per group of five, one bit for each upper-case letter. */
export function checksumOf(id15: string): string {
  let checksum = '';
  for (let group = 0; group < 15; group += 5) {
    let bits = 0;
    for (let place = 0; place < 5; place += 1) {
      const code = id15.charCodeAt(group + place);
      if (code >= 65 && code <= 90) bits |= 1 << place;
    }
    checksum += checksumAlphabet[bits];
  }
  return checksum;
}

/** The 18-character form of a well-formed id of 15 or 18 characters; null for anything else, a wrong checksum included. */
export function normaliseId(text: string): string | null {
  if (text.length === 15) return /^[0-9A-Za-z]{15}$/.test(text) ? text + checksumOf(text) : null;
  if (text.length !== 18 || !/^[0-9A-Za-z]{18}$/.test(text)) return null;
  return checksumOf(text) === text.slice(15) ? text : null;
}

/** `prefix` and a counter in base 62, padded to 15 characters, with its checksum. */
export function idFromNumber(prefix: string, number: number): string {
  let rest = number;
  let text = '';
  while (rest > 0) {
    text = digits.charAt(rest % 62) + text;
    rest = Math.floor(rest / 62);
  }
  const id15 = prefix + text.padStart(15 - prefix.length, '0');
  return id15 + checksumOf(id15);
}
