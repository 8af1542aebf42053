const checksumAlphabet = 'ABCDEFGHIJKLMNOPQRSTUVWXYZ012345';

/** One character for each five of the id: bit i is set if character i is an upper-case letter. */
function checksumOf(id15: string): string {
  let checksum = '';
  for (let group = 0; group < 15; group += 5) {
    let bits = 0;
    for (let at = 0; at < 5; at += 1) {
      if (/[A-Z]/.test(id15.charAt(group + at))) bits |= 1 << at;
    }
    checksum += checksumAlphabet.charAt(bits);
  }
  return checksum;
}

/** An id with 18 characters (R8): 15 are widened, of 18 the checksum must be right to the letter. Null for what is no id. */
export function salesforceId(text: string): string | null {
  if (!/^([A-Za-z0-9]{15}|[A-Za-z0-9]{18})$/.test(text)) return null;
  const id15 = text.slice(0, 15);
  const id18 = id15 + checksumOf(id15);
  return text.length === 15 || text === id18 ? id18 : null;
}
