/** Salesforce ids as R8 compares them: 18 characters. */

const checksumLetters = 'ABCDEFGHIJKLMNOPQRSTUVWXYZ012345';
const base62 = '0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz';

/** 15 letters and digits, widened by their checksum: per group of five one bit for each upper-case letter, the first lowest. */
export function widenId(id15: string): string {
  if (!/^[0-9A-Za-z]{15}$/.test(id15)) throw new Error(`not 15 letters and digits: ${id15}`);
  const checksum = [0, 5, 10].map((start) => {
    const bits = [0, 1, 2, 3, 4].filter((place) => /[A-Z]/.test(id15.charAt(start + place)));
    return checksumLetters.charAt(bits.reduce((sum, place) => sum + 2 ** place, 0));
  });
  return id15 + checksum.join('');
}

/** The 15-character id of the n-th record of an org: a stem of 10 characters and a counter in base 62. */
export function countedId15(stem: string, n: number): string {
  let rest = n;
  let counter = '';
  for (let place = 0; place < 15 - stem.length; place += 1) {
    counter = base62.charAt(rest % 62) + counter;
    rest = Math.floor(rest / 62);
  }
  return stem + counter;
}
